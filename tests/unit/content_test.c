#include <criterion/criterion.h>
#include <sodium.h>

#include "base/hash.h"
#include "decode/content.h"
#include "decode/decode.h"
#include "decode/readers.h"
#include "decode/schema.h"
#include "decode/wire.h"
#include "values.h"

static const struct text labels[] = {{"sale", 4}, {"new", 3}};
static const struct order_line lines[] = {
    {.sku = {"tea", 3}, .labels = labels, .label_count = 2, .quantity = 2, .unit_price = 499, .discount = 1, .tax = 70},
    {.line_id = {"2", 1}, .category = {"toys", 4}, .quantity = 1},
};

static const struct event order = {
    .type = EVENT_ORDER,
    .kind = ORDER_PAID,
    .id = {"e-1", 3},
    .source = {"/shop", 5},
    .program_id = {"default", 7},
    .member_id = {"m-1", 3},
    .occurred_at = 1767225600000000,
    .order = {.order_id = {"1001", 4}, .currency = {"EUR", 3}, .lines = lines, .line_count = 2, .shipping = 490},
};

static bool same(const struct event *a, const struct event *b)
{
    return hash16_equal(content_hash(a), content_hash(b));
}

/* The hash stands in databases for ever; whoever changes this number forgets what was decided before. */
Test(content, the_hash_of_an_order_is_what_it_always_was)
{
    char hex[33];
    hash16_hex(content_hash(&order), hex);
    cr_assert_str_eq(hex, "6984ab00f98f8543fb05e6390856c449");
}

/* The form of content.h, put together by hand. */
Test(content, the_hash_is_blake2b_of_tagged_fields_that_are_not_zero)
{
    struct event share = {.type = EVENT_SHARE,
                          .kind = SHARE_SHARED,
                          .id = TEXT("e"),
                          .source = TEXT("s"),
                          .member_id = TEXT("m"),
                          .occurred_at = -3,
                          .share = {.network = NETWORK_X, .content = TEXT("c")}};
    static const uint8_t form[] = {5,   's', 'h', 'a', 'r', 'e', 5,  1, 'm', 6,  5, 7,   6,
                                   's', 'h', 'a', 'r', 'e', 'd', 16, 1, 'x', 17, 1, 'c', 0};
    struct hash16 expected;
    crypto_generichash_blake2b(expected.bytes, 16, form, sizeof form, NULL, 0);
    cr_assert(hash16_equal(content_hash(&share), expected));
}

Test(content, id_and_source_are_not_part_of_it_and_every_other_fact_is)
{
    struct event other = order;
    other.id = TEXT("e-2");
    other.source = TEXT("/other");
    cr_assert(same(&order, &other));
    struct order_line changed[2] = {lines[0], lines[1]};
#define DIFFERS(field, value)                                                                                          \
    do {                                                                                                               \
        struct event event = order;                                                                                    \
        event.field = value;                                                                                           \
        cr_assert_not(same(&order, &event), "%s makes no difference", #field);                                         \
    } while (0)
    DIFFERS(kind, ORDER_PLACED);
    DIFFERS(program_id, TEXT("other"));
    DIFFERS(partner_id, TEXT("cafe"));
    DIFFERS(member_id, TEXT("m-2"));
    DIFFERS(occurred_at, 0);
    DIFFERS(order.order_id, TEXT("1002"));
    DIFFERS(order.revision, 1);
    DIFFERS(order.currency, TEXT("USD"));
    DIFFERS(order.line_count, 1);
    DIFFERS(order.shipping, -490);
    DIFFERS(order.discount, 490);
    DIFFERS(order.refund_amount, 490);
    DIFFERS(order.points_used, 490);
    DIFFERS(order.channel, TEXT("web"));
    DIFFERS(order.coupon, TEXT("web"));
    changed[0].label_count = 1;
    DIFFERS(order.lines, changed);
    changed[0] = lines[0];
    changed[1].tax = 1;
    DIFFERS(order.lines, changed);
}

/* Neighbouring texts do not run together, nor lines. */
Test(content, moving_a_letter_between_fields_makes_a_difference)
{
    struct event a = order;
    struct event b = order;
    a.order.channel = TEXT("ab");
    a.order.coupon = TEXT("c");
    b.order.channel = TEXT("a");
    b.order.coupon = TEXT("bc");
    cr_assert_not(same(&a, &b));
    struct order_line split[3] = {lines[0], lines[1], lines[1]};
    a = b = order;
    a.order.lines = split;
    b.order.lines = split + 1;
    cr_assert_not(same(&a, &b));
}

/* Longer than any buffer of the hash, at every length around its size. */
Test(content, long_texts_and_many_lines_are_hashed_whole)
{
    static char text[5000];
    memset(text, 'x', sizeof text);
    struct hash16 last = {{0}};
    for (size_t len = 900; len < 1100; len++) {
        struct event event = order;
        event.order.coupon = (struct text){text, len};
        struct hash16 hash = content_hash(&event);
        cr_assert_not(hash16_equal(hash, last));
        last = hash;
    }
    struct order_line many[200];
    for (size_t i = 0; i < 200; i++)
        many[i] = lines[0];
    struct event a = order;
    a.order.lines = many;
    a.order.line_count = 200;
    a.order.coupon = (struct text){text, sizeof text};
    struct hash16 before = content_hash(&a);
    cr_assert(hash16_equal(before, content_hash(&a)));
    many[199].quantity++;
    cr_assert_not(hash16_equal(before, content_hash(&a)));
    many[199].quantity--;
    text[4999] = 'y';
    cr_assert_not(hash16_equal(before, content_hash(&a)));
}

/* An activity with two attributes, written in the given order under a writer of our own schema. */
static struct hash16 hash_of_activity(const char *first, const char *second, bool named_program, enum err_code expected)
{
    static const struct decode_limits limits = {1000000, 100, 100, 100, 0, 0};
    struct buffer bytes = {0};
    struct schema *schema;
    struct decoder *decoder;
    struct event event;
    struct hash16 hash = {{0}};
    struct err err = {0};
    uint8_t head[10];
    cr_assert_eq(schema_parse(readers_file("avro/activity.avsc"), &schema, NULL), ERR_NONE);
    buffer_put(&bytes, head, wire_head_single_object(schema->fingerprint, head));
    schema_free(schema);
    values_put_text(&bytes, TEXT("e-1"));
    values_put_text(&bytes, TEXT("/shop"));
    values_put_text(&bytes, named_program ? TEXT("default") : TEXT(""));
    values_put_text(&bytes, TEXT(""));
    values_put_text(&bytes, TEXT("m-1"));
    values_put_long(&bytes, 0);
    values_put_long(&bytes, 1);
    values_put_text(&bytes, TEXT("sign_up"));
    values_put_long(&bytes, 0);
    values_put_long(&bytes, 2);
    values_put_text(&bytes, text_of(first));
    values_put_text(&bytes, TEXT("v"));
    values_put_text(&bytes, text_of(second));
    values_put_text(&bytes, TEXT("v"));
    values_put_long(&bytes, 0);
    struct arena *arena = arena_new(0);
    cr_assert_eq(decoder_new(&limits, NULL, &decoder, &err), ERR_NONE);
    cr_assert_eq(decoder_decode(decoder, buffer_view(&bytes), 0, arena, &event, &hash, &err), expected, "%s", err.text);
    decoder_free(decoder);
    arena_free(arena);
    buffer_release(&bytes);
    return hash;
}

Test(content, the_order_of_a_maps_entries_makes_no_difference)
{
    struct hash16 hash = hash_of_activity("a", "b", true, ERR_NONE);
    cr_assert(hash16_equal(hash, hash_of_activity("b", "a", true, ERR_NONE)));
    cr_assert_not(hash16_equal(hash, hash_of_activity("a", "bb", true, ERR_NONE)));
}

Test(content, an_empty_program_is_the_same_as_the_default_one)
{
    cr_assert(hash16_equal(hash_of_activity("a", "b", true, ERR_NONE), hash_of_activity("a", "b", false, ERR_NONE)));
}

Test(content, a_map_that_has_one_name_twice_is_impossible)
{
    hash_of_activity("a", "a", true, ERR_BAD_EVENT);
}
