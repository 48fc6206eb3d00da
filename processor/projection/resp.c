#include "projection/resp.h"

enum { NUMBER_MAX = 20, FRAME_MAX = NUMBER_MAX + 5 };

/* Decimal digits at `to`; returns their end. */
static uint8_t *put_digits(uint8_t *to, uint64_t number)
{
    uint8_t digits[NUMBER_MAX];
    size_t count = 0;
    do {
        digits[count++] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

static uint8_t *put_line_end(uint8_t *to)
{
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

static uint8_t *put_bytes(uint8_t *to, struct text text)
{
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    return to + text.len;
}

static void put_count(struct buffer *out, uint8_t sign, size_t count)
{
    uint8_t *to = buffer_reserve(out, FRAME_MAX);
    *to++ = sign;
    to = put_line_end(put_digits(to, count));
    out->len = (size_t)(to - out->at);
}

void resp_command(struct buffer *out, size_t count)
{
    put_count(out, '*', count);
}

void resp_text(struct buffer *out, struct text text)
{
    resp_joined(out, text, (struct text){NULL, 0});
}

void resp_joined(struct buffer *out, struct text first, struct text second)
{
    uint8_t *to = buffer_reserve(out, FRAME_MAX + first.len + second.len);
    *to++ = '$';
    to = put_line_end(put_digits(to, first.len + second.len));
    to = put_line_end(put_bytes(put_bytes(to, first), second));
    out->len = (size_t)(to - out->at);
}

void resp_number(struct buffer *out, int64_t number)
{
    char digits[NUMBER_MAX + 1];
    uint8_t *to = (uint8_t *)digits;
    uint64_t magnitude = (uint64_t)number;
    if (number < 0) {
        *to++ = '-';
        magnitude = 0 - magnitude;
    }
    to = put_digits(to, magnitude);
    resp_text(out, (struct text){digits, (size_t)(to - (uint8_t *)digits)});
}
