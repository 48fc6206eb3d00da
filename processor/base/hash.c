#include "base/hash.h"

#include <assert.h>
#include <sodium.h>

/* Short inputs, the common ones, are laid out in this buffer and hashed with one call. */
enum { ONE_CALL = 512, PREFIX = 8 };

static void put_length(uint8_t *at, size_t len)
{
    for (int i = 0; i < PREFIX; i++)
        at[i] = (uint8_t)((uint64_t)len >> (8 * i));
}

static uint8_t *put_field(uint8_t *at, struct text field)
{
    put_length(at, field.len);
    if (field.len)
        memcpy(at + PREFIX, field.at, field.len);
    return at + PREFIX + field.len;
}

static struct hash16 hash_short(struct text domain, const struct text *fields, size_t count)
{
    uint8_t buffer[ONE_CALL];
    uint8_t *at = put_field(buffer, domain);
    for (size_t i = 0; i < count; i++)
        at = put_field(at, fields[i]);
    assert((size_t)(at - buffer) <= sizeof buffer);
    struct hash16 hash;
    crypto_generichash_blake2b(hash.bytes, sizeof hash.bytes, buffer, (size_t)(at - buffer), NULL, 0);
    return hash;
}

static void update(crypto_generichash_blake2b_state *state, struct text field)
{
    uint8_t prefix[PREFIX];
    put_length(prefix, field.len);
    crypto_generichash_blake2b_update(state, prefix, sizeof prefix);
    crypto_generichash_blake2b_update(state, (const uint8_t *)field.at, field.len);
}

static struct hash16 hash_long(struct text domain, const struct text *fields, size_t count)
{
    crypto_generichash_blake2b_state state;
    struct hash16 hash;
    crypto_generichash_blake2b_init(&state, NULL, 0, sizeof hash.bytes);
    update(&state, domain);
    for (size_t i = 0; i < count; i++)
        update(&state, fields[i]);
    crypto_generichash_blake2b_final(&state, hash.bytes, sizeof hash.bytes);
    return hash;
}

/* True where the fields with their lengths fit ONE_CALL. */
static bool is_short(struct text domain, const struct text *fields, size_t count)
{
    if (domain.len > ONE_CALL - PREFIX)
        return false;
    size_t room = ONE_CALL - PREFIX - domain.len;
    for (size_t i = 0; i < count; i++) {
        if (room < PREFIX || fields[i].len > room - PREFIX)
            return false;
        room -= PREFIX + fields[i].len;
    }
    return true;
}

struct hash16 hash_fields(struct text domain, const struct text *fields, size_t count)
{
    return is_short(domain, fields, count) ? hash_short(domain, fields, count) : hash_long(domain, fields, count);
}

struct hash16 hash_member(struct text program_id, struct text member_id)
{
    return hash_fields(TEXT("member"), (struct text[]){program_id, member_id}, 2);
}

struct hash16 hash_event(struct text source, struct text id)
{
    return hash_fields(TEXT("event"), (struct text[]){source, id}, 2);
}

struct hash16 hash_subject(struct text kind, struct text name)
{
    return hash_fields(TEXT("subject"), (struct text[]){kind, name}, 2);
}

static void put_be64(char out[8], int64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (char)((uint64_t)value >> (56 - 8 * i) & 0xff);
}

struct hash16 hash_settlement(struct text program_id, struct text member_id, struct text obligation, int64_t due,
                              int64_t after)
{
    char due_bytes[8], after_bytes[8];
    put_be64(due_bytes, due);
    put_be64(after_bytes, after);
    const struct text fields[] = {program_id, member_id, obligation, {due_bytes, 8}, {after_bytes, 8}};
    return hash_fields(TEXT("settlement"), fields, sizeof fields / sizeof *fields);
}

void hash16_hex(struct hash16 hash, char out[33])
{
    sodium_bin2hex(out, 33, hash.bytes, sizeof hash.bytes);
}
