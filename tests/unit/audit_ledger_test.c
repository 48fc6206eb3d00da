#include <criterion/criterion.h>

#include "audit/inputs.h"
#include "audit/ledger_check.h"
#include "audit/output_record.h"
#include "base/hash.h"
#include "rules/scratch.h"
#include "rules/state.h"

static struct ledger_row row(int64_t sequence, int kind, int from, int to, int64_t amount)
{
    return (struct ledger_row){.sequence = sequence,
                               .kind = kind,
                               .from = from,
                               .to = to,
                               .amount = amount,
                               .program_id = TEXT("shop"),
                               .currency = TEXT("points")};
}

static struct ledger_row accrual(int64_t sequence, int64_t amount)
{
    return row(sequence, ENTRY_ACCRUAL, ACCOUNT_PROGRAMME, ACCOUNT_MEMBER_AVAILABLE, amount);
}

static struct ledger_row take_back(int64_t sequence, int64_t amount)
{
    return row(sequence, ENTRY_TAKE_BACK, ACCOUNT_MEMBER_AVAILABLE, ACCOUNT_PROGRAMME, amount);
}

static struct ledger_row conversion(int64_t sequence, int64_t amount)
{
    return row(sequence, ENTRY_CONVERSION, ACCOUNT_MEMBER_AVAILABLE, ACCOUNT_CONVERTED, amount);
}

static struct member_sums sum(struct arena *arena, const struct ledger_row *rows, size_t count)
{
    struct member_sums sums = {0};
    for (size_t i = 0; i < count; i++)
        member_sums_add(&sums, &rows[i], arena);
    return sums;
}

Test(ledger_check, conversions_do_not_touch_what_was_ever_earned)
{
    struct arena *arena = arena_new(0);
    const struct ledger_row rows[] = {accrual(1, 300), take_back(2, 20), conversion(3, 200)};
    struct member_sums sums = sum(arena, rows, 3);
    cr_assert_eq(member_sums_of(&sums, TEXT("points")).available, 80);
    cr_assert_eq(member_sums_of(&sums, TEXT("points")).lifetime, 280);
    cr_assert_eq(member_sums_of(&sums, TEXT("stars")).available, 0);
    cr_assert_eq(sums.bad_sequence, 0);
    arena_free(arena);
}

Test(ledger_check, the_first_gap_is_named)
{
    struct arena *arena = arena_new(0);
    const struct ledger_row rows[] = {accrual(1, 3), accrual(3, 3), accrual(4, 3)};
    cr_assert_eq(sum(arena, rows, 3).bad_sequence, 2);
    const struct ledger_row twice[] = {accrual(1, 3), accrual(1, 3)};
    cr_assert_eq(sum(arena, twice, 2).bad_sequence, 2);
    arena_free(arena);
}

Test(ledger_check, what_does_not_fit_is_no_sum)
{
    struct arena *arena = arena_new(0);
    const struct ledger_row rows[] = {accrual(1, INT64_MAX), accrual(2, 1)};
    cr_assert(sum(arena, rows, 2).too_much);
    arena_free(arena);
}

/* A member whose state says available/lifetime after so many entries. */
static struct ledger_member member(struct arena *arena, struct scratch *scratch, int64_t entries, int64_t available,
                                   int64_t lifetime)
{
    struct member_state state;
    struct err err;
    cr_assert_eq(state_decode((struct bytes){0}, scratch, &state, &err), ERR_NONE);
    state.entry_count = entries;
    struct balance *balance = state_balance(&state, TEXT("points"), scratch);
    balance->available = available;
    balance->lifetime = lifetime;
    return (struct ledger_member){.key = hash_member(TEXT("shop"), TEXT("anna")),
                                  .program_id = TEXT("shop"),
                                  .member_id = TEXT("anna"),
                                  .version = 1,
                                  .due_at = INT64_MAX,
                                  .state = arena_bytes(arena, state_encode(&state, scratch))};
}

static void expect_finding(const struct ledger_member *of, const struct member_sums *sums, struct arena *arena,
                           enum finding_kind kind)
{
    struct finding finding;
    cr_assert_not(member_sums_agree(sums, of, arena, &finding));
    cr_assert_eq(finding.kind, kind);
    cr_assert_str_eq(finding.where, "shop/anna");
}

Test(ledger_check, a_state_agrees_or_the_difference_has_a_name)
{
    struct arena *arena = arena_new(0);
    struct scratch scratch = {.arena = arena};
    struct finding finding;
    const struct ledger_row rows[] = {accrual(1, 300), conversion(2, 200)};
    struct member_sums sums = sum(arena, rows, 2);
    struct ledger_member right = member(arena, &scratch, 2, 100, 300);
    cr_assert(member_sums_agree(&sums, &right, arena, &finding));
    struct ledger_member balance = member(arena, &scratch, 2, 101, 300);
    expect_finding(&balance, &sums, arena, FINDING_BALANCE);
    struct ledger_member lifetime = member(arena, &scratch, 2, 100, 100);
    expect_finding(&lifetime, &sums, arena, FINDING_BALANCE);
    struct ledger_member entries = member(arena, &scratch, 3, 100, 300);
    expect_finding(&entries, &sums, arena, FINDING_SEQUENCE);
    struct ledger_member other = right;
    other.key.bytes[0] ^= 1;
    expect_finding(&other, &sums, arena, FINDING_STATE);
    struct ledger_member broken = right;
    broken.state = (struct bytes){(const uint8_t *)"\7", 1};
    expect_finding(&broken, &sums, arena, FINDING_STATE);
    arena_free(arena);
}

Test(ledger_check, when_a_member_falls_due_is_what_its_state_says)
{
    struct arena *arena = arena_new(0);
    struct scratch scratch = {.arena = arena};
    struct finding finding;
    struct ledger_member of = member(arena, &scratch, 2, 100, 300);
    cr_assert(member_due_agrees(&of, arena, &finding));
    of.due_at = 5;
    cr_assert_not(member_due_agrees(&of, arena, &finding));
    cr_assert_eq(finding.kind, FINDING_DUE);
    cr_assert_str_eq(finding.where, "shop/anna");
    of.state = (struct bytes){(const uint8_t *)"\7", 1};
    cr_assert(member_due_agrees(&of, arena, &finding), "that it cannot be read is another finding");
    arena_free(arena);
}

Test(ledger_check, an_account_that_does_not_exist_leaves_the_rest_out_of_balance)
{
    struct arena *arena = arena_new(0);
    struct accounts accounts = {0};
    struct ledger_row rows[] = {accrual(1, 300), conversion(2, 200), take_back(3, 5)};
    for (size_t i = 0; i < 3; i++)
        accounts_add(&accounts, &rows[i], arena);
    cr_assert_eq(accounts.count, 1);
    cr_assert_eq(accounts_sum(&accounts.items[0]), 0);
    rows[0].from = 9;
    accounts_add(&accounts, &rows[0], arena);
    cr_assert_eq(accounts_sum(&accounts.items[0]), 300);
    rows[1].partner_id = TEXT("cafe");
    accounts_add(&accounts, &rows[1], arena);
    cr_assert_eq(accounts.count, 2);
    accounts_release(&accounts);
    arena_free(arena);
}

Test(output_id, is_four_whole_numbers)
{
    struct evidence evidence = {0};
    cr_assert(output_id_parse(TEXT("3.1.147.2"), &evidence));
    cr_assert_eq(evidence.topic_no, 3);
    cr_assert_eq(evidence.partition, 1);
    cr_assert_eq(evidence.offset, 147);
    cr_assert_eq(evidence.index, 2);
    const struct text wrong[] = {TEXT(""),       TEXT("3"),          TEXT("3.1.147"),    TEXT("3.1.147.2.5"),
                                 TEXT("3..1.2"), TEXT("3.1.147.-2"), TEXT("3.1.147.2 "), TEXT("99999999999.1.1.1"),
                                 TEXT("a.b.c.d")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_not(output_id_parse(wrong[i], &evidence), "%.*s", (int)wrong[i].len, wrong[i].at);
}

static struct partition_offsets settled(void)
{
    return (struct partition_offsets){.topic = TEXT("orders"),
                                      .high = 120,
                                      .committed = 100,
                                      .is_signed = true,
                                      .in_ledger = true,
                                      .topic_no = 7,
                                      .applied = 100,
                                      .highest = 100};
}

static int64_t published(struct partition_offsets item, struct findings *findings)
{
    struct arena *arena = arena_new(0);
    struct audit_inputs inputs;
    struct offsets offsets = {.items = &item, .count = 1};
    inputs_from_offsets(&offsets, arena, &inputs, findings);
    cr_assert_eq(inputs.count, 1);
    cr_assert_eq(inputs_find(&inputs, 7, 0), 0);
    cr_assert_eq(inputs_find(&inputs, 6, 0), INPUT_NONE);
    int64_t k = inputs.items[0].published;
    arena_free(arena);
    return k;
}

Test(audit_inputs, a_k_that_is_not_ours_is_a_finding_and_judges_nothing)
{
    static struct findings findings;
    struct partition_offsets item = settled();
    cr_assert_eq(published(item, &findings), 100);
    cr_assert_eq(findings_left(&findings), 0);
    item.is_signed = false;
    cr_assert_eq(published(item, &findings), 0);
    item = settled();
    item.committed = OFFSET_NONE;
    cr_assert_eq(published(item, &findings), 0);
    item = settled();
    item.high = 20;
    cr_assert_eq(published(item, &findings), 0);
    cr_assert_eq(findings_of_kind(&findings, FINDING_POSITION), 3);
    item = settled();
    item.committed = OFFSET_NONE;
    item.applied = item.highest = 0;
    cr_assert_eq(published(item, &findings), 0);
    cr_assert_eq(findings_of_kind(&findings, FINDING_POSITION), 3, "nothing was applied yet");
}

Test(findings, count_all_and_show_the_first)
{
    static struct findings findings;
    struct finding finding = {.kind = FINDING_MISSING, .fate = FATE_MENDED, .where = "orders/1@7"};
    for (int i = 0; i < FINDINGS_SHOWN + 5; i++)
        findings_add(&findings, &finding);
    cr_assert_eq(findings_left(&findings), 0);
    finding.fate = FATE_REFUSED;
    findings_add(&findings, &finding);
    cr_assert_eq(findings_left(&findings), 1);
    cr_assert_eq(findings_of(&findings, FATE_MENDED), FINDINGS_SHOWN + 5);
    cr_assert_eq(findings.shown_count[FINDING_MISSING][FATE_MENDED], FINDINGS_SHOWN);
    cr_assert_eq(findings.shown_count[FINDING_MISSING][FATE_REFUSED], 1, "not hidden behind what is mended");
}
