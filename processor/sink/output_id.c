#include "sink/output_id.h"

#include <assert.h>
#include <stdio.h>

#include "base/hash.h"
#include "rules/rate.h"

/* Most of the numbers have one digit. Returns how many bytes it wrote. */
static size_t write_number(int64_t number, char *room)
{
    if (number >= 0 && number < 10) {
        *room = (char)('0' + number);
        return 1;
    }
    char digits[AMOUNT_TEXT_MAX];
    struct text text = amount_write(number, 0, digits);
    bytes_copy(room, text.at, text.len);
    return text.len;
}

struct text output_id(int32_t topic_no, int32_t partition, int64_t offset, uint32_t index, char room[OUTPUT_ID_SIZE])
{
    const int64_t numbers[] = {topic_no, partition, offset, index};
    size_t len = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (i > 0)
            room[len++] = '.';
        len += write_number(numbers[i], room + len);
    }
    assert(len <= OUTPUT_ID_SIZE);
    return (struct text){room, len};
}

struct text output_id_of_settlement(struct hash16 settlement, uint32_t index, char room[OUTPUT_ID_SIZE])
{
    char hex[33];
    hash16_hex(settlement, hex);
    int len = snprintf(room, OUTPUT_ID_SIZE, "due.%s.%lu", hex, (unsigned long)index);
    assert(len > 0 && len < OUTPUT_ID_SIZE);
    return (struct text){room, (size_t)len};
}
