#ifndef POINTS_RULES_CEL_NUMBER_H
#define POINTS_RULES_CEL_NUMBER_H

#include "base/text.h"

/* Numbers from and to text, without a locale. */

/* [+-]digits, hexadecimal after 0x when hex is asked for. False when malformed or out of range. */
bool cel_parse_int(struct text text, bool hex, int64_t *out);
bool cel_parse_uint(struct text text, bool hex, uint64_t *out);

/* [+-]digits[.digits][e[+-]digits], also "NaN" and "inf", "Infinity" with a sign. The nearest double, ties to even.
 * False when malformed. */
bool cel_parse_double(struct text text, double *out);

enum { CEL_DOUBLE_CHARS = 40 };

/* The shortest digits that read back as the same double: "0.0045", "1e+30", "NaN", "+Inf". Not terminated; gives its
 * length. */
size_t cel_print_double(double value, char out[CEL_DOUBLE_CHARS]);

#endif
