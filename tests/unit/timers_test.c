#include <criterion/criterion.h>

#include "base/hash.h"
#include "decode/decode.h"
#include "timers/inputs.h"
#include "timers/rounds.h"
#include "timers/timer_event.h"
#include "timers/watermark.h"

enum { NOW = 1000, SEEN = 400 };

/* Of ten records six are applied, the newest event of them at SEEN. */
static struct watermark_input lagging(void)
{
    return (struct watermark_input){
        .topic = TEXT("orders"), .low = 0, .high = 10, .applied = 6, .newest_event_at = SEEN};
}

static struct watermark_input read_to_its_end(void)
{
    struct watermark_input input = lagging();
    input.applied = input.high;
    return input;
}

Test(watermark, a_partition_being_read_is_its_newest_event)
{
    struct watermark_input input = lagging();
    cr_assert_eq(watermark_part(&input, NOW), SEEN);
    cr_assert_eq(watermark_part(&input, SEEN - 1), SEEN - 1, "an event of the future does not make it later than now");
    input.newest_event_at = 0;
    cr_assert_eq(watermark_part(&input, NOW), INT64_MIN, "nothing is known of it");
}

Test(watermark, a_partition_read_to_its_end_is_now)
{
    struct watermark_input input = read_to_its_end();
    cr_assert_eq(watermark_part(&input, NOW), NOW);
    input.newest_event_at = 0;
    cr_assert_eq(watermark_part(&input, NOW), NOW, "also where all of it was refused");
    input = lagging();
    input.rest_is_empty = true;
    cr_assert_eq(watermark_part(&input, NOW), NOW, "markers of transactions are no records");
    input = lagging();
    input.low = input.high;
    cr_assert_eq(watermark_part(&input, NOW), NOW, "what retention took cannot be read");
}

Test(watermark, a_partition_without_records_is_now)
{
    struct watermark_input input = {.topic = TEXT("orders")};
    cr_assert_eq(watermark_part(&input, NOW), NOW);
    input.is_history = true;
    cr_assert_eq(watermark_part(&input, NOW), NOW, "a history may have members on other partitions only");
    input.high = 1;
    cr_assert_eq(watermark_part(&input, NOW), INT64_MIN, "its first record says when it begins");
}

Test(watermark, history_is_its_newest_event_when_it_is_read_too)
{
    struct watermark_input input = read_to_its_end();
    input.is_history = true;
    cr_assert_eq(watermark_part(&input, NOW), SEEN);
    input.low = input.high;
    cr_assert_eq(watermark_part(&input, NOW), SEEN, "retention does not make it complete");
}

Test(watermark, is_the_least_part_but_for_the_timers_own)
{
    struct watermark_input inputs[] = {read_to_its_end(), lagging(), lagging(), lagging()};
    const struct watermark_input *holder = NULL;
    inputs[1].newest_event_at = SEEN + 1;
    inputs[3].newest_event_at = 0;
    inputs[3].is_timers = true;
    cr_assert_eq(watermark_of(inputs, 4, NOW, &holder), SEEN);
    cr_assert_eq(holder, &inputs[2]);
    cr_assert_eq(watermark_of(inputs, 1, NOW, &holder), NOW);
    cr_assert_null(holder, "nothing holds it back");
    cr_assert_eq(watermark_of(inputs, 0, NOW, NULL), NOW);
}

Test(watermark, a_partition_is_looked_into_where_it_alone_could_let_pass_what_is_due)
{
    struct watermark_input input = lagging();
    cr_assert(watermark_is_in_doubt(&input, SEEN + 1, NOW));
    cr_assert_not(watermark_is_in_doubt(&input, SEEN, NOW), "it lets it pass already");
    cr_assert_not(watermark_is_in_doubt(&input, NOW + 1, NOW), "nothing would let it pass");
    input.is_history = true;
    cr_assert_not(watermark_is_in_doubt(&input, SEEN + 1, NOW), "a history holds it back in any case");
    input = read_to_its_end();
    cr_assert_not(watermark_is_in_doubt(&input, SEEN + 1, NOW));
    input.is_timers = true;
    cr_assert_not(watermark_is_in_doubt(&input, SEEN + 1, NOW));
    input.applied--;
    cr_assert(watermark_is_in_doubt(&input, SEEN, NOW), "timers are waited for, whatever is due");
}

Test(round, sends_what_the_watermark_has_passed_when_all_timers_are_consumed)
{
    struct round_facts facts = {.first_due = SEEN, .consumed = true, .watermark = SEEN};
    cr_assert_eq(round_choose(&facts), ROUND_SEND, "due exactly at the watermark is due");
    facts.watermark = SEEN - 1;
    cr_assert_eq(round_choose(&facts), ROUND_HELD);
    facts = (struct round_facts){.first_due = SEEN, .consumed = false, .watermark = NOW};
    cr_assert_eq(round_choose(&facts), ROUND_WAIT, "no member has two timers on the way");
    facts.first_due = INT64_MAX;
    cr_assert_eq(round_choose(&facts), ROUND_WAIT, "what came of them is to be seen");
    facts.consumed = true;
    cr_assert_eq(round_choose(&facts), ROUND_REST);
}

/* Encoded, then read by the decoder that reads it from the topic. */
static void decode_timer(const struct due_member *member, const struct decode_limits *limits, int64_t recorded_at,
                         struct arena *arena, struct event *out)
{
    struct timer_frame frame;
    struct buffer value = {0};
    struct decoder *decoder;
    struct hash16 content;
    struct err err;
    timer_frame_make(&frame);
    timer_event_encode(&frame, member, &value);
    cr_assert_eq(decoder_new(limits, NULL, &decoder, &err), ERR_NONE);
    enum err_code code =
        decoder_decode(decoder, arena_bytes(arena, buffer_view(&value)), recorded_at, arena, out, &content, &err);
    cr_assert_eq(code, ERR_NONE, "%s", err.text);
    decoder_free(decoder);
    buffer_release(&value);
}

static bool is(struct text text, const char *expected)
{
    return text_equal(text, text_of(expected));
}

Test(timer_event, is_an_event_of_the_member_at_the_time_due)
{
    struct decode_limits limits = {100000, 50, 4096, 128, 300 * 1000000LL, 60 * 1000000LL};
    struct arena *arena = arena_new(0);
    struct due_member member = {hash_member(TEXT("shop"), TEXT("anna")), 7, 1780000000000000, TEXT("shop"),
                                TEXT("anna")};
    struct event event;
    char key[33];
    hash16_hex(member.key, key);
    decode_timer(&member, &limits, member.due_at + 7 * 86400 * 1000000LL, arena, &event);
    cr_assert_eq(event.type, EVENT_TIMER);
    cr_assert_eq(event.kind, TIMER_DUE);
    cr_assert(is(event.source, "/points/timers"));
    cr_assert(is(event.program_id, "shop"));
    cr_assert(is(event.member_id, "anna"));
    cr_assert(is(event.partner_id, ""));
    cr_assert_eq(event.occurred_at, member.due_at);
    cr_assert_eq(event.timer.due_at, member.due_at);
    cr_assert(is(event.id, arena_printf(arena, "%s-1780000000000000-7", key).at));
    arena_free(arena);
}

Test(timer_event, fits_the_tightest_limits_at_the_ends_of_time)
{
    struct decode_limits limits = {100000, 1, 96, 8, 0, 0};
    struct arena *arena = arena_new(0);
    struct due_member member = {hash_member(TEXT("s"), TEXT("a")), INT64_MAX, -9000000000000000000, TEXT("s"),
                                TEXT("a")};
    struct event event;
    decode_timer(&member, &limits, 0, arena, &event);
    cr_assert_eq(event.occurred_at, member.due_at);
    arena_free(arena);
}

Test(inputs, a_history_that_is_no_input_is_an_error)
{
    char topics[] = "orders, timers", none[] = "", orders[] = "orders", typo[] = "orders,order";
    struct config config = {.kafka_topics = topics, .kafka_history_topics = none, .kafka_timers_topic = topics + 8};
    struct err err;
    cr_assert_eq(inputs_check(&config, &err), ERR_NONE);
    cr_assert(inputs_have_timers(&config));
    config.kafka_history_topics = orders;
    cr_assert_eq(inputs_check(&config, &err), ERR_NONE);
    config.kafka_history_topics = typo;
    cr_assert_eq(inputs_check(&config, &err), ERR_CONFIG);
    cr_assert(strstr(err.text, "names order,"), "%s", err.text);
    config.kafka_timers_topic = none;
    cr_assert_not(inputs_have_timers(&config), "no timers are wanted");
}
