#ifndef POINTS_DECODE_VALIDATE_H
#define POINTS_DECODE_VALIDATE_H

#include "base/err.h"
#include "decode/decode.h"

/* What no program could make sense of, whatever it says: missing names, negative quantities, sums beyond 64 bits, times
 * that cannot be. The texts have been checked when they were read. Poison codes, with the field and the value. */
enum err_code validate_event(const struct event *event, const struct decode_limits *limits, int64_t recorded_at,
                             struct err *err);

#endif
