#include "order_bytes.h"

#include <string.h>

static void put_long(struct buffer *out, int64_t value)
{
    buffer_put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_text(struct buffer *out, const char *text)
{
    put_long(out, (int64_t)strlen(text));
    buffer_put(out, text, strlen(text));
}

static void put_line(struct buffer *out, const char *sku)
{
    put_text(out, "");
    put_text(out, sku);
    put_text(out, "toys");
    put_long(out, 0);
    put_long(out, 1);
    put_long(out, 1999);
    put_long(out, 0);
    put_long(out, 0);
}

void order_bytes_put(struct buffer *out)
{
    static const char *const head[] = {"o-1000001", "shop", "", "", "m-123456"};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        put_text(out, head[i]);
    put_long(out, 1767225600000000);
    put_long(out, 2);
    put_text(out, "1000001");
    put_long(out, 0);
    put_text(out, "EUR");
    put_long(out, 3);
    put_line(out, "sku-1023");
    put_line(out, "sku-2011");
    put_line(out, "sku-301");
    for (int i = 0; i < 7; i++) /* end of the lines, four amounts, two texts */
        put_long(out, 0);
}
