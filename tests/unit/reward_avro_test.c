#include <avro.h>
#include <criterion/criterion.h>
#include <stdio.h>

#include "decode/guard.h"
#include "decode/schema.h"
#include "sink/reward_avro.h"

static const struct event event = {
    .type = EVENT_ORDER,
    .kind = ORDER_PAID,
    .id = {"e-1", 3},
    .source = {"/shop", 5},
    .program_id = {"shop", 4},
    .member_id = {"m-1", 3},
    .occurred_at = 1767225600000000,
};

static const struct reward reward = {
    .type = REWARD_POINTS_GRANTED,
    .amount = 20,
    .balance_after = -7,
    .lifetime_after = INT64_MAX,
    .currency = {"points", 6},
    .rule_id = {"order-points", 12},
    .partner_id = {"café", 5},
    .subject = {"1001", 4},
    .benefit = {NULL, 0},
    .reason = {"20 points for order 1001", 24},
    .program_version = 3,
};

/* avro-c's reading of the body by the published schema. */
struct read_back {
    avro_schema_t schema;
    avro_value_iface_t *class;
    avro_value_t value;
};

static struct read_back read_back(struct bytes body)
{
    struct read_back back;
    struct text json = reward_schema_json();
    struct schema *guarded;
    cr_assert_eq(schema_parse(json, &guarded, NULL), ERR_NONE);
    cr_assert_null(guard_check(guarded, body));
    schema_free(guarded);
    cr_assert_eq(avro_schema_from_json_length(json.at, json.len, &back.schema), 0);
    back.class = avro_generic_class_from_schema(back.schema);
    avro_reader_t reader = avro_reader_memory((const char *)body.at, (int64_t)body.len);
    cr_assert_eq(avro_generic_value_new(back.class, &back.value), 0);
    cr_assert_eq(avro_value_read(reader, &back.value), 0, "%s", avro_strerror());
    avro_reader_free(reader);
    return back;
}

static void release(struct read_back *back)
{
    avro_value_decref(&back->value);
    avro_value_iface_decref(back->class);
    avro_schema_decref(back->schema);
}

static void text_is(struct read_back *back, const char *name, struct text expected)
{
    avro_value_t field;
    const char *at;
    size_t size;
    cr_assert_eq(avro_value_get_by_name(&back->value, name, &field, NULL), 0, "%s", name);
    cr_assert_eq(avro_value_get_string(&field, &at, &size), 0);
    cr_assert(text_equal((struct text){at, size - 1}, expected), "%s is %s", name, at);
}

static void long_is(struct read_back *back, const char *name, int64_t expected)
{
    avro_value_t field;
    int64_t value;
    cr_assert_eq(avro_value_get_by_name(&back->value, name, &field, NULL), 0, "%s", name);
    cr_assert_eq(avro_value_get_long(&field, &value), 0);
    cr_assert_eq(value, expected, "%s is %lld", name, (long long)value);
}

static void type_is(struct read_back *back, const char *expected)
{
    avro_value_t field;
    int index;
    cr_assert_eq(avro_value_get_by_name(&back->value, "type", &field, NULL), 0);
    cr_assert_eq(avro_value_get_enum(&field, &index), 0);
    cr_assert_str_eq(avro_schema_enum_get(avro_value_get_schema(&field), index), expected);
}

static struct bytes encode(const struct reward *from, struct arena *arena)
{
    struct reward_frame frame;
    struct reward_context context = {.program_id = event.program_id,
                                     .member_id = TEXT("m-2"),
                                     .id = TEXT("7-0-42-0"),
                                     .occurred_at = event.occurred_at,
                                     .event_source = event.source,
                                     .event_id = event.id};
    reward_frame_single_object(&frame);
    struct bytes value = reward_encode(&frame, from, &context, arena);
    cr_assert_eq(memcmp(value.at, frame.prefix, 10), 0);
    return (struct bytes){value.at + 10, value.len - 10};
}

Test(reward_avro, every_field_is_read_back_by_avro_c)
{
    struct arena *arena = arena_new(0);
    struct read_back back = read_back(encode(&reward, arena));
    text_is(&back, "id", TEXT("7-0-42-0"));
    type_is(&back, "points_granted");
    text_is(&back, "program_id", TEXT("shop"));
    text_is(&back, "partner_id", reward.partner_id);
    text_is(&back, "member_id", TEXT("m-2"));
    long_is(&back, "occurred_at", event.occurred_at);
    long_is(&back, "amount", 20);
    text_is(&back, "currency", reward.currency);
    long_is(&back, "balance_after", -7);
    long_is(&back, "lifetime_after", INT64_MAX);
    text_is(&back, "rule_id", reward.rule_id);
    long_is(&back, "program_version", 3);
    text_is(&back, "subject", reward.subject);
    text_is(&back, "benefit", TEXT(""));
    text_is(&back, "reason", reward.reason);
    text_is(&back, "event_source", event.source);
    text_is(&back, "event_id", event.id);
    release(&back);
    arena_free(arena);
}

/* points.taken_back in CloudEvents is points_taken_back in Avro, whose symbols hold no dots. */
Test(reward_avro, every_type_has_a_symbol_of_the_same_name)
{
    struct arena *arena = arena_new(0);
    for (int type = 0; type < REWARD_TYPE_COUNT; type++) {
        struct reward other = reward;
        char symbol[64];
        other.type = (enum reward_type)type;
        snprintf(symbol, sizeof symbol, "%s", reward_type_name(other.type));
        *strchr(symbol, '.') = '_';
        struct read_back back = read_back(encode(&other, arena));
        type_is(&back, symbol);
        release(&back);
    }
    arena_free(arena);
}

Test(reward_avro, frames_begin_as_their_formats_say)
{
    struct reward_frame frame;
    struct schema *schema;
    reward_frame_confluent(0x01020304, &frame);
    cr_assert_eq(frame.prefix_len, 5);
    cr_assert_eq(memcmp(frame.prefix, "\x00\x01\x02\x03\x04", 5), 0);
    reward_frame_single_object(&frame);
    cr_assert_eq(frame.prefix_len, 10);
    cr_assert_eq(schema_parse(reward_schema_json(), &schema, NULL), ERR_NONE);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(frame.prefix[2 + i], (uint8_t)(schema->fingerprint >> (8 * i)));
    cr_assert_eq(memcmp(frame.prefix, "\xc3\x01", 2), 0);
    schema_free(schema);
}

Test(reward_avro, the_same_reward_has_the_same_bytes)
{
    struct arena *arena = arena_new(0);
    struct bytes a = encode(&reward, arena);
    struct bytes b = encode(&reward, arena);
    cr_assert_eq(a.len, b.len);
    cr_assert_eq(memcmp(a.at, b.at, a.len), 0);
    arena_free(arena);
}
