#ifndef POINTS_DECODE_UTF8_H
#define POINTS_DECODE_UTF8_H

#include "base/text.h"

/* Whether the text is UTF-8 (RFC 3629: shortest forms, no surrogates, nothing above U+10FFFF) without U+0000, which
 * neither PostgreSQL nor C strings hold. */
bool utf8_is_clean(struct text text);

#endif
