#include "rules/cel/number.h"

#include <assert.h>
#include <stdio.h>

static int digit_of(char c, bool hex)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return hex && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool parse_digits(struct text text, bool hex, uint64_t *out)
{
    uint64_t value = 0, base = 10;
    if (hex && text.len > 2 && text.at[0] == '0' && (text.at[1] | 0x20) == 'x') {
        base = 16;
        text = (struct text){text.at + 2, text.len - 2};
    }
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.at[i], base == 16);
        if (digit < 0 || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *out = value;
    return text.len > 0;
}

static bool take_sign(struct text *text)
{
    bool negative = text->len > 0 && text->at[0] == '-';
    if (text->len > 0 && (negative || text->at[0] == '+'))
        *text = (struct text){text->at + 1, text->len - 1};
    return negative;
}

bool cel_parse_uint(struct text text, bool hex, uint64_t *out)
{
    return parse_digits(text, hex, out);
}

bool cel_parse_int(struct text text, bool hex, int64_t *out)
{
    uint64_t value;
    bool negative = take_sign(&text);
    if (!parse_digits(text, hex, &value) || value > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* A decimal number 0.d1d2d3… × 10^point that can be multiplied and divided by powers of two exactly; digits past the
 * last are noted in `more`. After the simple decimal conversion described by Nigel Tao (nigeltao.github.io, 2020). */
enum { DIGITS_MAX = 800, SHIFT_MAX = 27 };

struct decimal_digits {
    uint8_t digits[DIGITS_MAX];
    int count;
    int point;
    bool more;
};

static void trim(struct decimal_digits *d)
{
    while (d->count > 0 && d->digits[d->count - 1] == 0)
        d->count--;
    if (d->count == 0)
        d->point = 0;
}

static void put_digit(struct decimal_digits *d, int *at, uint8_t digit)
{
    if (*at < DIGITS_MAX)
        d->digits[(*at)++] = digit;
    else
        d->more |= digit != 0;
}

static void halve(struct decimal_digits *d, int bits)
{
    uint64_t rest = 0;
    int read = 0, write = 0;
    while (rest >> bits == 0 && (read < d->count || rest != 0)) {
        rest = rest * 10 + (read < d->count ? d->digits[read] : 0);
        read++;
    }
    if (rest == 0) {
        d->count = 0;
        return;
    }
    d->point -= read - 1;
    while (read < d->count || rest != 0) {
        uint8_t digit = (uint8_t)(rest >> bits);
        rest &= (UINT64_C(1) << bits) - 1;
        put_digit(d, &write, digit);
        rest = rest * 10 + (read < d->count ? d->digits[read] : 0);
        read++;
    }
    d->count = write;
    trim(d);
}

static void twice(struct decimal_digits *d, int bits)
{
    uint8_t front[24];
    int extra = 0;
    uint64_t carry = 0;
    for (int i = d->count - 1; i >= 0; i--) {
        carry += (uint64_t)d->digits[i] << bits;
        d->digits[i] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    for (; carry > 0; carry /= 10)
        front[extra++] = (uint8_t)(carry % 10);
    int kept = d->count + extra > DIGITS_MAX ? DIGITS_MAX - extra : d->count;
    for (int i = kept; i < d->count; i++)
        d->more |= d->digits[i] != 0;
    memmove(d->digits + extra, d->digits, (size_t)kept);
    for (int i = 0; i < extra; i++)
        d->digits[i] = front[extra - 1 - i];
    d->count = kept + extra;
    d->point += extra;
    trim(d);
}

static void scale(struct decimal_digits *d, int bits)
{
    bool up = bits > 0;
    for (int left = up ? bits : -bits; d->count > 0 && left > 0; left -= SHIFT_MAX) {
        int step = left < SHIFT_MAX ? left : SHIFT_MAX;
        if (up)
            twice(d, step);
        else
            halve(d, step);
    }
}

static uint64_t rounded(const struct decimal_digits *d)
{
    uint64_t value = 0;
    int i = 0;
    for (; i < d->point && i < d->count; i++)
        value = value * 10 + d->digits[i];
    for (; i < d->point; i++)
        value *= 10;
    if (d->point < 0 || d->point >= d->count)
        return value;
    bool half = d->digits[d->point] == 5 && d->point + 1 == d->count && !d->more;
    bool up = half ? (value & 1) == 1 : d->digits[d->point] >= 5;
    return value + up;
}

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static const uint64_t INFINITE = UINT64_C(0x7ff) << 52;

/* Brings the number into [1, 2), counting the powers of two, then reads 53 bits. */
static double to_double(struct decimal_digits *d)
{
    int power = 0;
    if (d->count == 0 || d->point < -330)
        return 0;
    if (d->point > 310)
        return from_bits(INFINITE);
    for (; d->point > 0; power += SHIFT_MAX)
        scale(d, -SHIFT_MAX);
    for (; d->point < 0 || (d->point == 0 && d->digits[0] < 5); power--)
        scale(d, 1);
    power--;
    if (power < -1022) {
        scale(d, power + 1022);
        power = -1022;
    }
    scale(d, 53);
    uint64_t mantissa = rounded(d);
    if (mantissa == UINT64_C(1) << 53) {
        mantissa >>= 1;
        power++;
    }
    if (power > 1023)
        return from_bits(INFINITE);
    if (mantissa < UINT64_C(1) << 52)
        return from_bits(mantissa); /* subnormal */
    return from_bits((uint64_t)(power + 1023) << 52 | (mantissa & ((UINT64_C(1) << 52) - 1)));
}

static size_t read_digits(struct text text, size_t at, struct decimal_digits *d, bool whole)
{
    for (; at < text.len && digit_of(text.at[at], false) >= 0; at++) {
        uint8_t digit = (uint8_t)(text.at[at] - '0');
        bool leading = d->count == 0 && digit == 0;
        if (!leading)
            put_digit(d, &d->count, digit);
        d->point += whole && !leading;
        d->point -= !whole && leading;
    }
    return at;
}

static bool read_exponent(struct text text, int *point)
{
    struct text digits = text;
    int value = 0;
    bool negative = take_sign(&digits);
    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digit_of(digits.at[i], false) < 0)
            return false;
        if (value < 100000)
            value = value * 10 + digits.at[i] - '0';
    }
    *point += negative ? -value : value;
    return true;
}

static bool parse_word(struct text text, double *out)
{
    if (text_equal(text, TEXT("NaN")) || text_equal(text, TEXT("nan")))
        *out = from_bits(INFINITE | UINT64_C(1) << 51);
    else if (text_equal(text, TEXT("Infinity")) || text_equal(text, TEXT("inf")) || text_equal(text, TEXT("Inf")))
        *out = from_bits(INFINITE);
    else
        return false;
    return true;
}

bool cel_parse_double(struct text text, double *out)
{
    struct decimal_digits d = {.count = 0};
    double value;
    bool negative = take_sign(&text);
    if (parse_word(text, &value)) {
        *out = negative ? -value : value;
        return true;
    }
    size_t whole = read_digits(text, 0, &d, true), at = whole, fraction = 0;
    if (at < text.len && text.at[at] == '.') {
        at = read_digits(text, at + 1, &d, false);
        fraction = at - whole - 1;
    }
    if (whole + fraction == 0)
        return false;
    if (at < text.len && (text.at[at] | 0x20) == 'e') {
        if (!read_exponent((struct text){text.at + at + 1, text.len - at - 1}, &d.point))
            return false;
        at = text.len;
    }
    if (at != text.len)
        return false;
    trim(&d);
    value = to_double(&d);
    *out = negative ? -value : value;
    return true;
}

/* Digits and exponent of value > 0 at a precision. printf writes "d?ddde±x", where ? is the locale's. */
static int digits_of(double value, int precision, char digits[20], int *exponent)
{
    char text[64];
    int count = 0, at = 0;
    snprintf(text, sizeof text, "%.*e", precision - 1, value);
    for (; text[at] && text[at] != 'e'; at++)
        if (digit_of(text[at], false) >= 0)
            digits[count++] = text[at];
    assert(text[at] == 'e' && count == precision);
    int64_t power = 0;
    cel_parse_int(text_of(text + at + 1), false, &power);
    *exponent = (int)power;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return count;
}

static int shortest(double value, char digits[20], int *exponent)
{
    for (int precision = 15;; precision++) {
        char text[32];
        double back;
        int count = digits_of(value, precision, digits, exponent);
        int len = snprintf(text, sizeof text, "%.*se%d", count, digits, *exponent - count + 1);
        if (precision == 17 || (cel_parse_double((struct text){text, (size_t)len}, &back) && back == value))
            return count;
    }
}

static size_t put_text(char *out, size_t at, struct text text)
{
    memcpy(out + at, text.at, text.len);
    return at + text.len;
}

static size_t lay_out(char *out, size_t at, const char *digits, int count, int exponent)
{
    if (exponent < -5 || exponent > 20) {
        out[at++] = digits[0];
        if (count > 1)
            out[at++] = '.';
        at = put_text(out, at, (struct text){digits + 1, (size_t)count - 1});
        return at + (size_t)snprintf(out + at, CEL_DOUBLE_CHARS - at, "e%+03d", exponent);
    }
    if (exponent < 0)
        at = put_text(out, at, TEXT("0."));
    for (int i = exponent + 1; i < 0; i++)
        out[at++] = '0';
    for (int i = 0; i < count || i <= exponent; i++) {
        if (i == exponent + 1 && exponent >= 0)
            out[at++] = '.';
        out[at++] = i < count ? digits[i] : '0';
    }
    return at;
}

size_t cel_print_double(double value, char out[CEL_DOUBLE_CHARS])
{
    char digits[20];
    int exponent;
    size_t at = 0;
    if (value != value)
        return put_text(out, 0, TEXT("NaN"));
    if (__builtin_signbit(value))
        out[at++] = '-';
    value = __builtin_fabs(value);
    if (value == from_bits(INFINITE))
        return at ? put_text(out, 0, TEXT("-Inf")) : put_text(out, 0, TEXT("+Inf"));
    if (value == 0) {
        out[at++] = '0';
        return at;
    }
    int count = shortest(value, digits, &exponent);
    return lay_out(out, at, digits, count, exponent);
}
