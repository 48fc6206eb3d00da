#include <inttypes.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "ops/command.h"
#include "ops/database.h"
#include "ops/member_read.h"
#include "ops/member_state.h"
#include "program/store.h"
#include "rules/program_model.h"
#include "rules/rate.h"

static const char *kind_name(enum entry_kind kind)
{
    switch (kind) {
    case ENTRY_ACCRUAL:
        return "accrual";
    case ENTRY_TAKE_BACK:
        return "take-back";
    case ENTRY_CONVERSION:
        return "conversion";
    case ENTRY_CONVERSION_VOIDED:
        return "conversion-voided";
    case ENTRY_REDEMPTION:
        return "redemption";
    case ENTRY_ADJUSTMENT:
        return "adjustment";
    case ENTRY_EXPIRY:
        return "expiry";
    case ENTRY_POSTING:
        return "posting";
    case ENTRY_REDEMPTION_RETURNED:
        return "redemption-returned";
    case ENTRY_ERASED:
        return "erased";
    case ENTRY_MERGED_EARNED:
        return "merged-earned";
    case ENTRY_MERGED:
        return "merged";
    }
    return "unknown";
}

static const char *account_name(enum account account)
{
    switch (account) {
    case ACCOUNT_PROGRAMME:
        return "programme";
    case ACCOUNT_MEMBER_AVAILABLE:
        return "available";
    case ACCOUNT_MEMBER_PENDING:
        return "pending";
    case ACCOUNT_REDEEMED:
        return "redeemed";
    case ACCOUNT_BREAKAGE:
        return "breakage";
    case ACCOUNT_CONVERTED:
        return "converted";
    case ACCOUNT_MERGED:
        return "merged";
    }
    return "unknown";
}

static json_t *string_of(struct text text)
{
    return json_stringn(text.at ? text.at : "", text.len);
}

static json_t *entry_json(const struct member_entry *entry)
{
    char occurred[RFC3339_SIZE];
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:{s:o, s:I, s:I}}",
                     "sequence", (json_int_t)entry->sequence, "occurred_at",
                     rfc3339_format(entry->occurred_at, occurred), "kind", kind_name(entry->kind), "from",
                     account_name(entry->from), "to", account_name(entry->to), "amount", (json_int_t)entry->amount,
                     "wanted", (json_int_t)entry->wanted, "effect", (json_int_t)member_entry_effect(entry), "currency",
                     string_of(entry->currency), "rule", string_of(entry->rule_id), "subject",
                     string_of(entry->subject), "partner", string_of(entry->partner_id), "program_version",
                     (json_int_t)entry->program_version, "program_hash", string_of(entry->program_hash), "zones_hash",
                     string_of(entry->zones_hash), "input", "topic", string_of(entry->topic), "partition",
                     (json_int_t)entry->partition, "offset", (json_int_t)entry->offset);
}

/* As the newest version that declares the currency has it. */
static int decimals_of(const struct program_set *programs, struct text id, struct text currency)
{
    for (size_t i = programs->count; i-- > 0;) {
        const struct program *program = programs->programs[i];
        size_t place = text_equal(program->id, id) ? program_point_place(program, currency) : PLACE_NONE;
        if (place != PLACE_NONE)
            return program->points[place].decimals;
    }
    return 0;
}

/* A member with what its numbers mean. */
struct shown {
    const struct member_view *view;
    const struct program_set *programs;
    struct member_holdings holdings;
    struct err verdict;
};

static json_t *view_json(const struct shown *shown)
{
    const struct member_view *view = shown->view;
    const struct err *verdict = &shown->verdict;
    json_t *balances = json_array(), *entries = json_array();
    for (size_t i = 0; i < view->summary.balance_count; i++) {
        const struct state_balance *balance = &view->summary.balances[i];
        json_array_append_new(balances,
                              json_pack("{s:o, s:I, s:I, s:i}", "currency", string_of(balance->currency), "available",
                                        (json_int_t)balance->available, "lifetime", (json_int_t)balance->lifetime,
                                        "decimals", decimals_of(shown->programs, view->program_id, balance->currency)));
    }
    for (size_t i = 0; i < view->entry_count; i++)
        json_array_append_new(entries, entry_json(&view->entries[i]));
    json_t *object =
        json_pack("{s:o, s:o, s:I, s:b, s:o, s:b, s:s?, s:o, s:o}", "program", string_of(view->program_id), "member",
                  string_of(view->member_id), "version", (json_int_t)view->version, "erased", view->summary.erased,
                  "merged_into", string_of(view->summary.merged_into), "verified", verdict->code == ERR_NONE,
                  "difference", verdict->code ? verdict->text : NULL, "balances", balances, "entries", entries);
    member_holdings_json(object, &shown->holdings);
    return object;
}

/* The effect on what is available with its sign, "+10.50", as a terminated text. */
static const char *effect_text(const struct member_entry *entry, int decimals, char room[AMOUNT_TEXT_MAX + 2])
{
    char digits[AMOUNT_TEXT_MAX];
    int64_t effect = member_entry_effect(entry);
    struct text amount = amount_write(effect, decimals, digits);
    snprintf(room, AMOUNT_TEXT_MAX + 2, "%s%.*s", effect < 0 ? "" : "+", (int)amount.len, amount.at);
    return room;
}

static void print_entry(FILE *out, const struct member_entry *entry, int decimals)
{
    char occurred[RFC3339_SIZE], effect[AMOUNT_TEXT_MAX + 2], room[AMOUNT_TEXT_MAX];
    fprintf(out, "%5" PRId64 "  %-20s %8s %.*s  %s by rule %.*s (version %" PRId64 ")", entry->sequence,
            rfc3339_format(entry->occurred_at, occurred), effect_text(entry, decimals, effect),
            (int)entry->currency.len, entry->currency.at, kind_name(entry->kind), (int)entry->rule_id.len,
            entry->rule_id.at, entry->program_version);
    if (entry->subject.len > 0)
        fprintf(out, " for %.*s", (int)entry->subject.len, entry->subject.at);
    if (entry->partner_id.len > 0)
        fprintf(out, " at %.*s", (int)entry->partner_id.len, entry->partner_id.at);
    if (entry->wanted != entry->amount) {
        struct text wanted = amount_write(entry->wanted, decimals, room);
        fprintf(out, ", of %.*s wanted", (int)wanted.len, wanted.at);
    }
    fprintf(out, "  [%.*s/%" PRId64 "@%" PRId64 "]\n", (int)entry->topic.len, entry->topic.at, entry->partition,
            entry->offset);
}

static void print_balance(FILE *out, const struct state_balance *balance, int decimals)
{
    char available[AMOUNT_TEXT_MAX], lifetime[AMOUNT_TEXT_MAX];
    struct text has = amount_write(balance->available, decimals, available);
    struct text earned = amount_write(balance->lifetime, decimals, lifetime);
    fprintf(out, "  %.*s: %.*s available, %.*s ever earned and not taken back\n", (int)balance->currency.len,
            balance->currency.at, (int)has.len, has.at, (int)earned.len, earned.at);
}

static void print_view(FILE *out, const struct shown *shown)
{
    const struct member_view *view = shown->view;
    fprintf(out, "member %.*s of program %.*s, version %" PRId64 "\n", (int)view->member_id.len, view->member_id.at,
            (int)view->program_id.len, view->program_id.at, view->version);
    if (view->summary.erased)
        fprintf(out, "  erased: what is personal was forgotten, the points stay in the ledger's sums\n");
    if (view->summary.merged_into.len > 0)
        fprintf(out, "  merged into %.*s: what comes for this member counts there\n",
                (int)view->summary.merged_into.len, view->summary.merged_into.at);
    for (size_t i = 0; i < view->summary.balance_count; i++) {
        const struct state_balance *balance = &view->summary.balances[i];
        print_balance(out, balance, decimals_of(shown->programs, view->program_id, balance->currency));
    }
    member_holdings_print(out, &shown->holdings);
    for (size_t i = 0; i < view->entry_count; i++) {
        const struct member_entry *entry = &view->entries[i];
        print_entry(out, entry, decimals_of(shown->programs, view->program_id, entry->currency));
    }
    if (shown->verdict.code)
        fprintf(out, "  NOT VERIFIED: %s\n", shown->verdict.text);
    else
        fprintf(out, "  verified: each balance is the sum of its entries, %zu in all\n", view->entry_count);
}

/* What was found so far, over several programs. */
struct findings {
    json_t *list;
    size_t found;
    bool all_verified;
};

static enum err_code show_one(const struct invocation *invocation, PGconn *connection,
                              const struct program_set *programs, struct text program, struct arena *arena,
                              struct findings *findings, struct err *err)
{
    struct member_view view;
    bool found = false;
    enum err_code code = member_read(connection, program, text_of(invocation->arguments[0]), arena, &view, &found, err);
    if (code || !found)
        return code;
    struct shown shown = {.view = &view, .programs = programs};
    code = member_holdings_read(view.state, programs, program, clock_utc_us(), arena, &shown.holdings, err);
    if (code)
        return code;
    findings->all_verified &= member_verify(&view, &shown.verdict) == ERR_NONE;
    findings->found++;
    if (invocation->json)
        json_array_append_new(findings->list, view_json(&shown));
    else
        print_view(invocation->out, &shown);
    return ERR_NONE;
}

/* A member is known per program: without --program, each stored program is asked. */
static enum err_code show_all(const struct invocation *invocation, PGconn *connection, struct arena *arena,
                              struct findings *findings, struct err *err)
{
    const char *only = option_text(invocation, "--program", NULL);
    struct program_set set;
    enum err_code code = program_store_load(connection, arena, &set, err);
    if (!code && only)
        return show_one(invocation, connection, &set, text_of(only), arena, findings, err);
    for (size_t i = 0; !code && i < set.count; i++)
        if (i == 0 || !text_equal(set.programs[i]->id, set.programs[i - 1]->id))
            code = show_one(invocation, connection, &set, set.programs[i]->id, arena, findings, err);
    return code;
}

static int finish(const struct invocation *invocation, const struct findings *findings)
{
    if (invocation->json) {
        json_dumpf(findings->list, invocation->out, JSON_COMPACT);
        fputc('\n', invocation->out);
    }
    if (findings->found == 0)
        fprintf(invocation->errors, "points member show: %s is not known to %s\n", invocation->arguments[0],
                option_text(invocation, "--program", "any program"));
    return findings->found > 0 && findings->all_verified ? EXIT_OK : EXIT_DIFFERENCE;
}

static int run(const struct invocation *invocation)
{
    struct err err = {.code = ERR_NONE};
    PGconn *connection = NULL;
    struct arena *arena = arena_new(0);
    struct findings findings = {.list = json_array(), .all_verified = true};
    enum err_code code = database_open(invocation->config, POSTGRES_READER, &connection, &err);
    if (!code)
        code = show_all(invocation, connection, arena, &findings, &err);
    postgres_close(connection);
    int status = code ? command_failed(invocation, &err) : finish(invocation, &findings);
    json_decref(findings.list);
    arena_free(arena);
    return status;
}

const struct command command_member_show = {
    .name = "member show",
    .arguments = "ID",
    .summary = "say what a member has, and why",
    .description =
        "Prints the member's balances; the points that end, and when; those that are pending, and until when; the tier "
        "and "
        "the way to the next; what was used of limits; then every entry of the ledger with its reason: what it did to "
        "the available "
        "points, under which rule and version of the program, for which order or product, and which record of which "
        "topic brought it. With --json amounts are in minor units of the point currency, of which `decimals` tells the "
        "digits.\n\n"
        "It reads one snapshot of the ledger, adds the entries up, and says whether each balance is their sum; the "
        "exit "
        "status is 1 where it is not, or where nobody knows the member.",
    .least_arguments = 1,
    .most_arguments = 1,
    .loads_config = true,
    .json = true,
    .options = {{"--program", "ID", "only in this program; without it, in each"}},
    .examples = {{"points member show m-1", "everything about one member"},
                 {"points member show m-1 --json | jq '.[].balances'", "only the balances"}},
    .run = run,
};
