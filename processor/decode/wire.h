#ifndef POINTS_DECODE_WIRE_H
#define POINTS_DECODE_WIRE_H

#include "base/err.h"
#include "base/text.h"

/* The framing of a record's value: which schema wrote the body. */

enum wire_format {
    WIRE_SINGLE_OBJECT, /* C3 01, fingerprint as eight little-endian bytes, body */
    WIRE_CONFLUENT,     /* 00, schema id as four big-endian bytes, body */
};

struct wire_frame {
    enum wire_format format;
    uint64_t fingerprint;
    int32_t schema_id;
    struct bytes body;
};

/* ERR_BAD_BYTES where the value begins as neither. */
enum err_code wire_parse(struct bytes value, struct wire_frame *out, struct err *err);

/* Write the head of a frame. Return its length. */
size_t wire_head_single_object(uint64_t fingerprint, uint8_t out[10]);
size_t wire_head_confluent(int32_t schema_id, uint8_t out[5]);

#endif
