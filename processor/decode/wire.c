#include "decode/wire.h"

enum { SINGLE_OBJECT_HEAD = 10, CONFLUENT_HEAD = 5 };

static enum err_code parse_single_object(struct bytes value, struct wire_frame *out)
{
    *out = (struct wire_frame){.format = WIRE_SINGLE_OBJECT,
                               .body = {value.at + SINGLE_OBJECT_HEAD, value.len - SINGLE_OBJECT_HEAD}};
    for (int i = 7; i >= 0; i--)
        out->fingerprint = out->fingerprint << 8 | value.at[2 + i];
    return ERR_NONE;
}

static enum err_code parse_confluent(struct bytes value, struct wire_frame *out, struct err *err)
{
    uint32_t id = (uint32_t)value.at[1] << 24 | (uint32_t)value.at[2] << 16 | (uint32_t)value.at[3] << 8 | value.at[4];
    if (id > INT32_MAX)
        return err_set(err, ERR_BAD_BYTES, "the schema id %u is out of range", id);
    *out = (struct wire_frame){.format = WIRE_CONFLUENT,
                               .schema_id = (int32_t)id,
                               .body = {value.at + CONFLUENT_HEAD, value.len - CONFLUENT_HEAD}};
    return ERR_NONE;
}

enum err_code wire_parse(struct bytes value, struct wire_frame *out, struct err *err)
{
    if (value.len == 0)
        return err_set(err, ERR_BAD_BYTES, "the record has no value");
    if (value.len >= SINGLE_OBJECT_HEAD && value.at[0] == 0xc3 && value.at[1] == 0x01)
        return parse_single_object(value, out);
    if (value.len >= CONFLUENT_HEAD && value.at[0] == 0x00)
        return parse_confluent(value, out, err);
    return err_set(err, ERR_BAD_BYTES, "the value begins neither as single-object encoding nor as Confluent's format");
}

size_t wire_head_single_object(uint64_t fingerprint, uint8_t out[10])
{
    out[0] = 0xc3;
    out[1] = 0x01;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(fingerprint >> (8 * i));
    return SINGLE_OBJECT_HEAD;
}

size_t wire_head_confluent(int32_t schema_id, uint8_t out[5])
{
    out[0] = 0x00;
    for (int i = 0; i < 4; i++)
        out[1 + i] = (uint8_t)((uint32_t)schema_id >> (24 - 8 * i));
    return CONFLUENT_HEAD;
}
