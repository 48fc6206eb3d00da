#include "rules/codec.h"

uint64_t read_long_varint(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (reader->at >= reader->end)
            return reader_fail(reader);
        uint8_t byte = *reader->at++;
        if (shift == 63 && byte > 1)
            return reader_fail(reader);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return byte > 0 || shift == 0 ? value : reader_fail(reader); /* a leading zero is not the shortest form */
    }
    return reader_fail(reader);
}
