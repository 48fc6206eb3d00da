#include <criterion/criterion.h>

#include "audit/rebuild_reward.h"
#include "base/hash.h"
#include "program/load.h"
#include "rules/program_model.h"
#include "zones.h"

static const char points_first[] = "program: shop\n"
                                   "version: 1\n"
                                   "effective: 2025-01-01T00:00:00Z\n"
                                   "zone: Europe/Berlin\n"
                                   "points: {points: {}}\n"
                                   "money: {EUR: 2}\n"
                                   "rules:\n"
                                   "  - {id: base, on: order.paid, earn: {rate: {EUR: 1 per 1.00}}}\n"
                                   "rewards:\n"
                                   "  - {id: note, each: 100 points, give: A note, worth: {EUR: 20}}\n"
                                   "  - {id: treat, each: 300.00 EUR spent, give: A treat}\n";

static const char spent_first[] = "program: shop\n"
                                  "version: 2\n"
                                  "effective: 2026-01-01T00:00:00Z\n"
                                  "zone: Europe/Berlin\n"
                                  "points: {points: {}}\n"
                                  "money: {EUR: 2}\n"
                                  "rules:\n"
                                  "  - {id: base, on: order.paid, earn: {rate: {EUR: 1 per 1.00}}}\n"
                                  "rewards:\n"
                                  "  - {id: treat, each: 300.00 EUR spent, give: A treat}\n"
                                  "  - {id: note, each: 100 points, give: A note, worth: {EUR: 20}}\n";

/* One earlier entry of 50; then an order that gave 120, of which 100 became a note. */
struct fixture {
    struct arena *arena;
    struct program *programs[2];
    struct program_set set;
    struct event event;
    struct ledger_row rows[3];
    struct rebuild_input input;
};

static struct ledger_row entry(const struct event *event, int64_t sequence, int kind, int64_t amount)
{
    bool conversion = kind == ENTRY_CONVERSION;
    return (struct ledger_row){.member_key = hash_member(event->program_id, event->member_id),
                               .sequence = sequence,
                               .event_key = hash_event(event->source, event->id),
                               .amount = amount,
                               .occurred_at = event->occurred_at,
                               .program_version = 1,
                               .kind = kind,
                               .from = conversion ? ACCOUNT_MEMBER_AVAILABLE : ACCOUNT_PROGRAMME,
                               .to = conversion ? ACCOUNT_CONVERTED : ACCOUNT_MEMBER_AVAILABLE,
                               .program_id = TEXT("shop"),
                               .currency = TEXT("points"),
                               .rule_id = conversion ? TEXT("note") : TEXT("base"),
                               .subject = conversion ? (struct text){NULL, 0} : TEXT("o-1")};
}

static void make(struct fixture *fixture, bool second_version)
{
    static const char *const sources[] = {points_first, spent_first};
    struct program_errors errors = {0};
    *fixture = (struct fixture){.arena = arena_new(0)};
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(program_load(text_of(sources[i]), machine_zones(fixture->arena), fixture->arena,
                                  &fixture->programs[i], &errors, NULL),
                     ERR_NONE);
    fixture->set = (struct program_set){1, fixture->programs, second_version ? 2 : 1};
    fixture->event = (struct event){.type = EVENT_ORDER,
                                    .kind = ORDER_PAID,
                                    .id = TEXT("e-1"),
                                    .source = TEXT("/shop"),
                                    .program_id = TEXT("shop"),
                                    .member_id = TEXT("anna"),
                                    .occurred_at = 7};
    fixture->rows[0] = entry(&fixture->event, 1, ENTRY_ACCRUAL, 50);
    fixture->rows[1] = entry(&fixture->event, 2, ENTRY_ACCRUAL, 120);
    fixture->rows[2] = entry(&fixture->event, 3, ENTRY_CONVERSION, 100);
    fixture->input = (struct rebuild_input){
        .event = &fixture->event, .rows = fixture->rows, .row_count = 3, .first = 1, .programs = &fixture->set};
}

static const char *refusal_of(struct fixture *fixture, struct reward rewards[2])
{
    const char *refusal = NULL;
    rebuild_rewards(&fixture->input, fixture->arena, rewards, &refusal);
    return refusal;
}

static void expect_refusal(struct fixture *fixture, const char *part)
{
    struct reward rewards[2];
    const char *refusal = refusal_of(fixture, rewards);
    cr_assert_not_null(refusal);
    cr_assert_not_null(strstr(refusal, part), "%s", refusal);
    arena_free(fixture->arena);
}

Test(rebuild_reward, says_what_the_rules_said)
{
    struct fixture fixture;
    struct reward rewards[2];
    make(&fixture, false);
    cr_assert_null(refusal_of(&fixture, rewards));
    cr_assert_eq(rewards[0].type, REWARD_POINTS_GRANTED);
    cr_assert_eq(rewards[0].amount, 120);
    cr_assert_eq(rewards[0].balance_after, 170);
    cr_assert_eq(rewards[0].lifetime_after, 170);
    cr_assert(text_equal(rewards[0].subject, TEXT("o-1")));
    cr_assert_eq(rewards[1].type, REWARD_GRANTED);
    cr_assert_eq(rewards[1].amount, 2000, "a note's worth, not its points");
    cr_assert(text_equal(rewards[1].currency, TEXT("EUR")));
    cr_assert_eq(rewards[1].balance_after, 70);
    cr_assert_eq(rewards[1].lifetime_after, 170);
    cr_assert(text_equal(rewards[1].benefit, TEXT("A note")));
    cr_assert(text_equal(rewards[1].reason, TEXT("A note for 100 points")));
    arena_free(fixture.arena);
}

/* The first of the input's entries settled what anna owed. */
static void settle_first(struct fixture *fixture, int64_t due, int64_t after)
{
    struct ledger_row *row = &fixture->rows[1];
    row->kind = ENTRY_EXPIRY;
    row->from = ACCOUNT_MEMBER_AVAILABLE;
    row->to = ACCOUNT_BREAKAGE;
    row->amount = 20;
    row->occurred_at = 5;
    row->rule_id = TEXT("expiry");
    row->subject = TEXT("");
    row->event_key = hash_settlement(TEXT("shop"), TEXT("anna"), TEXT("expiry"), due, after);
    fixture->input.row_count = 2;
}

Test(rebuild_reward, says_what_was_owed)
{
    struct fixture fixture;
    struct reward rewards[2];
    make(&fixture, false);
    settle_first(&fixture, 5, 1);
    cr_assert_null(refusal_of(&fixture, rewards));
    cr_assert_eq(rewards[0].type, REWARD_POINTS_EXPIRED);
    cr_assert_eq(rewards[0].amount, 20);
    cr_assert_eq(rewards[0].balance_after, 30);
    cr_assert_eq(rewards[0].lifetime_after, 50);
    cr_assert(text_equal(rewards[0].reason, TEXT("20 points expired")));
    arena_free(fixture.arena);
}

Test(rebuild_reward, refuses_what_neither_the_event_nor_a_debt_caused)
{
    static const int64_t wrong[][2] = {{6, 1}, {5, 2}};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        make(&fixture, false);
        settle_first(&fixture, wrong[i][0], wrong[i][1]);
        expect_refusal(&fixture, "another one");
    }
}

Test(rebuild_reward, refuses_where_a_warning_may_have_come_before)
{
    struct fixture fixture;
    make(&fixture, false);
    ((struct currency *)fixture.programs[0]->points)->warnings.count = 1;
    expect_refusal(&fixture, "warning");
}

Test(rebuild_reward, refuses_where_an_output_without_entry_may_have_come_before)
{
    struct fixture fixture;
    make(&fixture, true);
    expect_refusal(&fixture, "money spent");
}

Test(rebuild_reward, needs_no_certainty_of_what_comes_behind)
{
    struct fixture fixture;
    struct reward rewards[2];
    make(&fixture, true);
    fixture.input.row_count = 2;
    cr_assert_null(refusal_of(&fixture, rewards));
    arena_free(fixture.arena);
}

Test(rebuild_reward, refuses_referrals)
{
    struct fixture fixture;
    make(&fixture, false);
    fixture.event.type = EVENT_REFERRAL;
    expect_refusal(&fixture, "referral");
}

Test(rebuild_reward, refuses_another_event_in_the_inputs_place)
{
    struct fixture fixture;
    make(&fixture, false);
    fixture.event.id = TEXT("e-2");
    expect_refusal(&fixture, "another one");
}

Test(rebuild_reward, refuses_another_members_entries)
{
    struct fixture fixture;
    make(&fixture, false);
    fixture.event.member_id = TEXT("bert");
    expect_refusal(&fixture, "another member");
}

Test(rebuild_reward, refuses_terms_that_are_not_stored)
{
    struct fixture fixture;
    make(&fixture, false);
    fixture.rows[1].program_version = 9;
    expect_refusal(&fixture, "not stored");
}
