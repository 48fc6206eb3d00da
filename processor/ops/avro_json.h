#ifndef POINTS_OPS_AVRO_JSON_H
#define POINTS_OPS_AVRO_JSON_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/err.h"

/* Avro's bytes and JSON that people write and read: plain values without a union's type names, fields left out take
 * their defaults, instants (timestamp-micros) are RFC 3339 or whole µs, bytes are base64. */
struct avro_json;

enum err_code avro_json_new(struct text schema, struct avro_json **out, struct err *err);
struct avro_json *avro_json_free(struct avro_json *avro);

/* CRC-64-AVRO of the schema's canonical form. */
uint64_t avro_json_fingerprint(const struct avro_json *avro);

/* Where and why a value does not fit its schema. */
struct avro_json_problem {
    char path[128]; /* "lines[2].quantity"; "" for the whole */
    char text[320]; /* what was found, what was expected, a hint */
};

/* Appends the value's bytes to out. False: problem is filled, and out is as it was. */
bool avro_json_encode(const struct avro_json *avro, const json_t *value, struct buffer *out,
                      struct avro_json_problem *problem);

/* Reads exactly one value from bytes that nobody has vouched for. ERR_BAD_BYTES says what is wrong. The caller owns
 * *out. */
enum err_code avro_json_decode(const struct avro_json *avro, struct bytes bytes, json_t **out, struct err *err);

/* The bytes in base64, as a JSON text. */
json_t *avro_json_base64(struct bytes bytes);

#endif
