#ifndef POINTS_PROJECTION_RESP_H
#define POINTS_PROJECTION_RESP_H

#include "base/buffer.h"

/* Writes Redis' protocol by hand: a member is ten arguments, and formatting them was most of our own time. */

/* "*<count>\r\n": a command of so many arguments. */
void resp_command(struct buffer *out, size_t count);

/* One argument: "$<length>\r\n<bytes>\r\n". */
void resp_text(struct buffer *out, struct text text);

/* One argument made of two parts. */
void resp_joined(struct buffer *out, struct text first, struct text second);

/* One argument: the number in decimal. */
void resp_number(struct buffer *out, int64_t number);

#endif
