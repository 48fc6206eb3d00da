#include <criterion/criterion.h>

#include "program/load.h"
#include "rules/codec.h"
#include "rules/record.h"
#include "rules/state.h"
#include "rules/step.h"

static void add_grant(struct grants *grants, struct grant grant, struct scratch *scratch)
{
    *grants_add(grants, grant.version, grant.rule, grant.at, scratch) = grant;
}

static struct arena *arena;
static struct scratch *scratch;

static void setup(void)
{
    arena = arena_new(0);
    scratch = arena_alloc(arena, sizeof *scratch);
    scratch_open(scratch, arena);
}

static void teardown(void)
{
    arena = arena_free(arena);
}

TestSuite(state, .init = setup, .fini = teardown);
TestSuite(record, .init = setup, .fini = teardown);

static struct member_state empty_state(void)
{
    struct member_state state;
    struct err err;
    cr_assert_eq(state_decode((struct bytes){NULL, 0}, scratch, &state, &err), ERR_NONE, "%s", err.text);
    return state;
}

static struct hash16 key_of(uint8_t byte)
{
    struct hash16 key = {{byte, 1, 2}};
    return key;
}

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* A state with everything in it. */
static struct member_state full_state(void)
{
    struct member_state state = empty_state();
    state.entry_count = 1234567;
    state.order_count = 77;
    state_balance(&state, TEXT("points"), scratch)->available = -42;
    state_balance(&state, TEXT("points"), scratch)->lifetime = 1000;
    state_balance(&state, TEXT("miles"), scratch)->available = INT64_MAX;
    state_balance(&state, TEXT("zeal"), scratch)->available = INT64_MIN;
    state_tally(&state, TEXT("note-20"), 2, scratch)->count = 3;
    state_tally(&state, TEXT("note-20"), 1, scratch)->count = 1;
    state_tally(&state, TEXT("coffee"), 1, scratch)->carry = -29999;
    static struct profile profile = {.forgot_standings = false, .version_count = 2, .standing_count = 1};
    profile.versions[0] = (struct profile_version){-5, {(const uint8_t *)"\0\0\0\0\0\0\0", 7}};
    profile.versions[1] = (struct profile_version){7, {(const uint8_t *)"\3UTC\0\0\1\0\0\0", 10}};
    profile.standings[0] = (struct profile_standing){7, STANDING_LEFT};
    state.profile = &profile;
    lots_put(&state.lots, &(struct lot){TEXT("miles"), TEXT("cafe"), 7000000, NEVER, 5, 0}, 12, scratch);
    lots_put(&state.lots, &(struct lot){TEXT("miles"), TEXT(""), -86400000000, -86401000000, 0, 0}, 300, scratch);
    state_put_record(&state, key_of(1), bytes_of("first"));
    state_put_record(&state, key_of(2), bytes_of("second"));
    return state;
}

Test(state, reads_back_what_was_written)
{
    struct member_state state = full_state();
    struct bytes bytes = state_encode(&state, scratch);
    struct member_state read;
    struct err err;
    cr_assert_eq(state_decode(bytes, scratch, &read, &err), ERR_NONE, "%s", err.text);
    cr_assert_eq(read.entry_count, 1234567);
    cr_assert_eq(read.order_count, 77);
    cr_assert_eq(read.balance_count, 3);
    cr_assert_eq(read.lots.count, 2);
    const struct lot *first = &read.lots.items[0], *second = &read.lots.items[1];
    cr_assert(first->end == -86400000000 && first->warn_at == -86401000000 && first->idle == 0 && first->left == 300);
    cr_assert(second->end == 7000000 && second->warn_at == NEVER && second->idle == 5 && second->left == 12);
    cr_assert(text_equal(second->currency, TEXT("miles")) && text_equal(second->partner_id, TEXT("cafe")));
    cr_assert(text_equal(read.balances[0].currency, TEXT("miles")) && read.balances[0].available == INT64_MAX);
    cr_assert(text_equal(read.balances[1].currency, TEXT("points")) && read.balances[1].available == -42);
    cr_assert_eq(read.balances[1].lifetime, 1000);
    cr_assert_eq(read.balances[2].available, INT64_MIN);
    cr_assert_eq(read.tally_count, 3);
    cr_assert(text_equal(read.tallies[0].reward_id, TEXT("coffee")) && read.tallies[0].carry == -29999);
    cr_assert(read.tallies[1].version == 1 && read.tallies[1].count == 1);
    cr_assert(read.tallies[2].version == 2 && read.tallies[2].count == 3);
    cr_assert(read.profile->version_count == 2 && read.profile->versions[0].since == -5);
    cr_assert(read.profile->versions[1].body.len == 10 && read.profile->standings[0].standing == STANDING_LEFT);
    cr_assert(hash16_equal(read.records[1].key, key_of(2)) && read.records[1].bytes.len == 6);
    cr_assert_not(read.has_spilled);
    struct bytes again = state_encode(&read, scratch);
    cr_assert(again.len == bytes.len && memcmp(again.at, bytes.at, bytes.len) == 0);
}

Test(state, keeps_its_balances_and_tallies_when_there_are_many)
{
    struct member_state state = empty_state();
    for (int i = 0; i < 40; i++) {
        state_balance(&state, arena_printf(arena, "p%02d", (i * 7) % 40), scratch)->available = (i * 7) % 40;
        state_tally(&state, arena_printf(arena, "r%02d", (i * 11) % 40), 1, scratch)->count = (i * 11) % 40;
    }
    cr_assert(state.balance_count == 40 && state.tally_count == 40);
    for (int i = 0; i < 40; i++) {
        cr_assert_eq(state.balances[i].available, i);
        cr_assert_eq(state.tallies[i].count, i);
    }
}

Test(state, of_one_order_is_about_a_hundred_bytes)
{
    struct line_record lines[] = {{.key = TEXT("sku-1001"), .quantity = 1, .net = 1999},
                                  {.key = TEXT("sku-1002"), .quantity = 2, .net = 998},
                                  {.key = TEXT("sku-1003"), .quantity = 1, .net = 4999}};
    struct order_record order = {.decisions = {{ORDER_PAID, 1, 1780000000000000}},
                                 .decision_count = 1,
                                 .nth = 3,
                                 .currency = TEXT("EUR"),
                                 .lines = lines,
                                 .line_count = 3};
    for (size_t rule = 0; rule < 5; rule++)
        add_grant(&order.grants, (struct grant){1, rule, 79, 79, 0, 0}, scratch);
    struct member_state state = empty_state();
    state.entry_count = 5;
    state.order_count = 3;
    state_balance(&state, TEXT("points"), scratch)->available = 395;
    state_tally(&state, TEXT("reward-300"), 1, scratch)->carry = 7996;
    state_put_record(&state, key_of(1), order_record_encode(&order, scratch));
    size_t len = state_encode(&state, scratch).len;
    cr_assert_leq(len, 140, "%zu bytes", len);
}

Test(state, of_a_member_never_seen_is_empty)
{
    struct state_summary summary;
    struct err err;
    cr_assert_eq(state_summarise((struct bytes){NULL, 0}, arena, &summary, &err), ERR_NONE);
    cr_assert(summary.balance_count == 0 && summary.entry_count == 0);
    cr_assert_not(step_needs((struct bytes){NULL, 0}, key_of(1)));
}

Test(state, summary_is_sorted_by_currency)
{
    struct member_state state = full_state();
    struct state_summary summary;
    struct err err;
    cr_assert_eq(state_summarise(state_encode(&state, scratch), arena, &summary, &err), ERR_NONE);
    cr_assert_eq(summary.balance_count, 3);
    cr_assert(text_equal(summary.balances[0].currency, TEXT("miles")));
    cr_assert(text_equal(summary.balances[1].currency, TEXT("points")) && summary.balances[1].lifetime == 1000);
    cr_assert_eq(summary.entry_count, 1234567);
}

Test(state, asks_the_side_table_only_once_something_was_spilled)
{
    struct member_state state = full_state();
    cr_assert_not(step_needs(state_encode(&state, scratch), key_of(3)));
    struct inline_record spilled = state_spill(&state, 0);
    cr_assert(hash16_equal(spilled.key, key_of(1)));
    struct bytes bytes = state_encode(&state, scratch);
    cr_assert(step_needs(bytes, key_of(1)), "spilled");
    cr_assert(step_needs(bytes, key_of(3)), "perhaps spilled");
    cr_assert_not(step_needs(bytes, key_of(2)), "inline");
}

Test(state, puts_a_changed_record_last)
{
    struct member_state state = full_state();
    state_put_record(&state, key_of(1), bytes_of("changed"));
    cr_assert_eq(state.record_count, 2);
    cr_assert(hash16_equal(state.records[0].key, key_of(2)));
    cr_assert_eq(state_record(&state, key_of(1)).len, strlen("changed"));
}

static bool reads(struct bytes bytes)
{
    struct member_state state;
    struct err err;
    enum err_code code = state_decode(bytes, scratch, &state, &err);
    cr_assert(code == ERR_NONE || code == ERR_BAD_STATE);
    if (code)
        return false;
    struct bytes again = state_encode(&state, scratch);
    cr_assert(again.len == bytes.len && memcmp(again.at, bytes.at, bytes.len) == 0,
              "bytes that read are the bytes that would be written");
    return true;
}

Test(state, with_more_in_its_lots_than_in_its_balance_is_unreadable)
{
    struct member_state state = empty_state(), read;
    struct err err;
    state_balance(&state, TEXT("points"), scratch)->available = 10;
    lots_put(&state.lots, &(struct lot){TEXT("points"), TEXT(""), 7000000, NEVER, 0, 0}, 10, scratch);
    cr_assert_eq(state_decode(state_encode(&state, scratch), scratch, &read, &err), ERR_NONE);
    state.balances[0].available = 9;
    cr_assert_eq(state_decode(state_encode(&state, scratch), scratch, &read, &err), ERR_BAD_STATE);
    state.balances[0].available = 10;
    state.lots.items[0].currency = TEXT("miles");
    cr_assert_eq(state_decode(state_encode(&state, scratch), scratch, &read, &err), ERR_BAD_STATE);
}

Test(state, cut_anywhere_is_unreadable)
{
    struct member_state state = full_state();
    struct bytes bytes = state_encode(&state, scratch);
    cr_assert(reads(bytes));
    for (size_t len = 1; len < bytes.len; len++)
        cr_assert_not(reads((struct bytes){bytes.at, len}), "cut to %zu", len);
}

Test(state, changed_anywhere_reads_canonically_or_not_at_all)
{
    struct member_state state = full_state();
    struct bytes bytes = state_encode(&state, scratch);
    size_t unreadable = 0;
    for (size_t at = 0; at < bytes.len; at++) {
        uint8_t *changed = arena_raw(arena, bytes.len);
        memcpy(changed, bytes.at, bytes.len);
        for (int value = 0; value < 256; value++) {
            changed[at] = (uint8_t)value;
            unreadable += !reads((struct bytes){changed, bytes.len});
            step_needs((struct bytes){changed, bytes.len}, key_of(1));
        }
        arena_reset(arena);
        scratch = arena_alloc(arena, sizeof *scratch);
        scratch_open(scratch, arena);
        state = full_state();
        bytes = state_encode(&state, scratch);
    }
    cr_assert_gt(unreadable, 1000);
}

Test(state, that_is_not_canonical_is_unreadable)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *what;
    } cases[] = {
        {"\x02\x00\x00\x00", 4, NULL},
        {"\x02\x00\x00\x01\x01\x05\x01\x01"
         "a\x02\x04",
         11, NULL},
        {"\x01\x00\x00\x00", 4, "another version"},
        {"\x02\x02\x00\x00", 4, "an unknown flag"},
        {"\x02\x00\x80\x00\x00", 5, "a number in two bytes that fits one"},
        {"\x02\x00\x00\x00\x00", 5, "a byte left over"},
        {"\x02\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 13, "entries above int64"},
        {"\x02\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00", 13, "a number above 64 bits"},
        {"\x02\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 12, "a huge count of sections"},
        {"\x02\x00\x00\x01\x01\x01\x00", 7, "a section with nothing in it"},
        {"\x02\x00\x00\x01\x01\x06\x01\x01"
         "a\x02\x04\x00",
         12, "a section with a byte left over"},
        {"\x02\x00\x00\x01\x0d\x05\x01\x01"
         "a\x02\x04",
         11, "an unknown section"},
        {"\x02\x00\x00\x01\x01\x09\x02\x01"
         "a\x00\x00\x01"
         "a\x00\x00",
         15, "one currency twice"},
        {"\x02\x00\x00\x01\x0f\x12\x01"
         "0123456789abcdef\x00",
         24, "an empty record"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes bytes = {(const uint8_t *)cases[i].bytes, cases[i].len};
        cr_assert_eq(reads(bytes), cases[i].what == NULL, "case %zu: %s", i, cases[i].what ? cases[i].what : "empty");
    }
}

Test(state, with_a_huge_count_does_not_allocate)
{
    uint8_t bytes[] = {2, 0, 0, 1, 1, 6, 0xff, 0xff, 0xff, 0xff, 0x0f, 0};
    cr_assert_not(reads((struct bytes){bytes, sizeof bytes}));
    cr_assert_lt(scratch->used, 4096);
    cr_assert_lt(arena_used(arena), sizeof *scratch + 4096);
}

/* ---- records */

static struct order_record full_order(void)
{
    static const struct text labels[] = {{"red", 3}, {"hot", 3}};
    static struct line_record lines[] = {
        {.key = {"a", 1}, .quantity = 3, .net = 2900, .refunded = 1, .discount = 7, .tax = 19, .sku = {"cup", 3}},
        {.key = {"b", 1}, .refunded = 7},
        {.key = {"bb", 2}, .quantity = 1, .net = INT64_MAX, .category = {"tea", 3}, .labels = labels, .label_count = 2},
    };
    struct order_record order = {.whole_refund = true,
                                 .image = IMAGE_ALL,
                                 .decisions = {{ORDER_PAID, 1, INT64_MAX}, {ORDER_COMPLETED, 2, -5}},
                                 .decision_count = 2,
                                 .nth = 7,
                                 .shipping = 490,
                                 .points_used = 12,
                                 .channel = TEXT("app"),
                                 .coupon = TEXT("MAY"),
                                 .tier = TEXT("gold"),
                                 .currency = TEXT("EUR"),
                                 .partner_id = TEXT("cafe"),
                                 .revision = 3,
                                 .discount = 500,
                                 .refunded_amount = 99,
                                 .lines = lines,
                                 .line_count = 3};
    add_grant(&order.grants, (struct grant){1, 0, 20, 35, 0, 0}, scratch);
    add_grant(&order.grants, (struct grant){1, 300, 0, 0, 0, 0}, scratch);
    add_grant(&order.grants, (struct grant){2, 1, INT64_MAX, INT64_MAX, 0, 0}, scratch);
    return order;
}

Test(record, of_an_order_reads_back)
{
    struct order_record order = full_order();
    struct order_record read;
    struct err err;
    cr_assert_eq(order_record_decode(order_record_encode(&order, scratch), scratch, &read, &err), ERR_NONE, "%s",
                 err.text);
    cr_assert(read.whole_refund && read.revision == 3 && read.discount == 500 && read.nth == 7);
    cr_assert(read.decision_count == 2 && memcmp(read.decisions, order.decisions, sizeof read.decisions) == 0);
    cr_assert(read.shipping == 490 && read.points_used == 12 && text_equal(read.channel, TEXT("app")));
    cr_assert(text_equal(read.coupon, TEXT("MAY")) && text_equal(read.tier, TEXT("gold")));
    cr_assert(read.lines[0].discount == 7 && read.lines[0].tax == 19 && text_equal(read.lines[0].sku, TEXT("cup")));
    cr_assert(text_equal(read.lines[2].category, TEXT("tea")) && read.lines[2].label_count == 2);
    cr_assert(text_equal(read.lines[2].labels[1], TEXT("hot")) && read.grants.items[0].wanted == 35);
    cr_assert(text_equal(read.currency, TEXT("EUR")) && text_equal(read.partner_id, TEXT("cafe")));
    cr_assert(read.line_count == 3 && read.lines[0].net == 2900 && read.lines[1].refunded == 7);
    cr_assert(read.lines[2].net == INT64_MAX && text_equal(read.lines[2].key, TEXT("bb")));
    cr_assert_eq(read.grants.count, 3);
    cr_assert(read.grants.items[1].rule == 300 && read.grants.items[1].version == 1);
    cr_assert(read.grants.items[2].version == 2 && read.grants.items[2].points == INT64_MAX);
}

Test(record, keeps_grants_sorted_by_version_and_rule)
{
    struct grants grants = {0};
    static const struct grant made[] = {
        {2, 1, 0, 0, 0, 0}, {1, 7, 0, 0, 0, 0}, {2, 0, 0, 0, 0, 0}, {1, 3, 0, 0, 0, 0}, {3, 0, 0, 0, 0, 0}};
    for (size_t i = 0; i < 5; i++)
        add_grant(&grants, made[i], scratch);
    cr_assert_eq(grants.count, 5);
    cr_assert(grants.items[0].version == 1 && grants.items[0].rule == 3 && grants.items[1].rule == 7);
    cr_assert(grants.items[2].version == 2 && grants.items[2].rule == 0 && grants.items[3].rule == 1);
    cr_assert_eq(grants.items[4].version, 3);
}

Test(record, of_something_that_counts_once_reads_back)
{
    struct once_record once = {.undone = 0x1ff, .partner_id = TEXT("cafe")};
    add_grant(&once.grants, (struct grant){7, 2, 50, 60, -1, 1 + NETWORK_TIKTOK}, scratch);
    struct once_record read;
    struct err err;
    cr_assert_eq(once_record_decode(once_record_encode(&once, scratch), scratch, &read, &err), ERR_NONE, "%s",
                 err.text);
    cr_assert(read.undone == 0x1ff && text_equal(read.partner_id, TEXT("cafe")));
    cr_assert(read.grants.count == 1 && read.grants.items[0].version == 7 && read.grants.items[0].points == 50);
    cr_assert(read.grants.items[0].wanted == 60 && read.grants.items[0].at == -1);
    cr_assert_eq(read.grants.items[0].network, 1 + NETWORK_TIKTOK);
}

Test(record, of_one_form_does_not_read_as_the_other)
{
    struct once_record once = {0};
    struct order_record order = full_order();
    struct err err;
    cr_assert_eq(order_record_decode(once_record_encode(&once, scratch), scratch, &order, &err), ERR_BAD_STATE);
    cr_assert_eq(once_record_decode(order_record_encode(&order, scratch), scratch, &once, &err), ERR_BAD_STATE);
}

Test(record, changed_anywhere_reads_or_is_refused)
{
    struct order_record order = full_order();
    struct bytes bytes = order_record_encode(&order, scratch);
    uint8_t *changed = arena_raw(arena, bytes.len);
    size_t unreadable = 0;
    for (size_t at = 0; at < bytes.len; at++) {
        memcpy(changed, bytes.at, bytes.len);
        for (int value = 0; value < 256; value++) {
            struct order_record read;
            struct err err;
            changed[at] = (uint8_t)value;
            enum err_code code = order_record_decode((struct bytes){changed, bytes.len}, scratch, &read, &err);
            cr_assert(code == ERR_NONE || code == ERR_BAD_STATE);
            unreadable += code == ERR_BAD_STATE;
        }
    }
    cr_assert_gt(unreadable, 1000);
}

Test(record, cut_anywhere_is_unreadable)
{
    struct order_record order = full_order();
    struct bytes bytes = order_record_encode(&order, scratch);
    struct order_record read;
    struct err err;
    for (size_t len = 1; len < bytes.len; len++)
        cr_assert_eq(order_record_decode((struct bytes){bytes.at, len}, scratch, &read, &err), ERR_BAD_STATE);
}
