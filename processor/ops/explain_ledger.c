#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "cases/store_members.h"
#include "cases/words.h"
#include "ops/database.h"
#include "ops/explain.h"
#include "ops/explain_history.h"
#include "ops/explain_source.h"
#include "program/store.h"
#include "rules/program_model.h"

/* Explanations that rest on the ledger: events over what members have now, and entries as they were decided. */

struct ledger_explaining {
    struct explaining *explaining;
    PGconn *connection;
    struct program_set set;
    struct err failed; /* of a budget that could not be read */
};

/* ---- what the ledger holds of members, brought into a store */

static enum err_code bring_records(struct ledger_explaining *ledger, struct store *store, size_t member,
                                   const char *key, struct err *err)
{
    enum { BINARY = 1 };
    PGresult *rows =
        PQexecParams(ledger->connection, "SELECT subject_key, record FROM member_records WHERE member_key = $1::uuid",
                     1, NULL, &key, NULL, NULL, BINARY);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(ledger->connection, rows, "reading the member's records", err);
    for (int row = 0; row < PQntuples(rows); row++) {
        struct hash16 subject;
        struct bytes record = {(const uint8_t *)PQgetvalue(rows, row, 1), (size_t)PQgetlength(rows, row, 1)};
        memcpy(subject.bytes, PQgetvalue(rows, row, 0), sizeof subject.bytes);
        store_put_record(store, member, subject, arena_bytes(store->arena, record));
    }
    PQclear(rows);
    return ERR_NONE;
}

/* The purses are what the balances are, as if the entries had been seen. */
static enum err_code bring_balances(struct store *store, size_t member, struct err *err)
{
    struct state_summary summary;
    enum err_code code = state_summarise(store->members[member].state, store->arena, &summary, err);
    if (code)
        return code;
    store->members[member].entries = summary.entry_count;
    for (size_t i = 0; i < summary.balance_count; i++)
        store_purse(store, member, summary.balances[i].currency)->sum = summary.balances[i].available;
    return ERR_NONE;
}

static enum err_code bring_member(struct ledger_explaining *ledger, struct store *store, struct text program_id,
                                  struct text member_id, struct err *err)
{
    enum { BINARY = 1 };
    char hex[33];
    const char *key = hex;
    struct hash16 hash = hash_member(program_id, member_id);
    size_t known = store->member_count, member = store_member(store, hash);
    if (member < known)
        return ERR_NONE;
    hash16_hex(hash, hex);
    PGresult *rows = PQexecParams(ledger->connection, "SELECT state FROM members WHERE member_key = $1::uuid", 1, NULL,
                                  &key, NULL, NULL, BINARY);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(ledger->connection, rows, "reading the member's state", err);
    if (PQntuples(rows) == 1)
        store->members[member].state = arena_bytes(
            store->arena, (struct bytes){(const uint8_t *)PQgetvalue(rows, 0, 0), (size_t)PQgetlength(rows, 0, 0)});
    PQclear(rows);
    enum err_code code = bring_balances(store, member, err);
    return code ? code : bring_records(ledger, store, member, key, err);
}

/* All budgets of the program, whose keys tell them apart: those of the rules' limits in the periods that they have. */
/* As store_budget; context is the ledger. */
static int64_t bring_budget(void *context, struct hash16 key)
{
    struct ledger_explaining *ledger = context;
    char hex[33];
    const char *value = hex;
    hash16_hex(key, hex);
    PGresult *rows = PQexecParams(ledger->connection, "SELECT used FROM budgets WHERE budget_key = $1::uuid", 1, NULL,
                                  &value, NULL, NULL, 0);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK) {
        postgres_failed(ledger->connection, rows, "reading a budget", &ledger->failed);
        return 0;
    }
    int64_t used = PQntuples(rows) == 1 ? strtoll(PQgetvalue(rows, 0, 0), NULL, 10) : 0;
    PQclear(rows);
    return used;
}

static enum err_code bring_parties(struct ledger_explaining *ledger, struct store *store, const struct event *event,
                                   struct err *err)
{
    struct party_name names[STEP_PARTIES_MAX];
    const struct program *program = program_set_at(&ledger->set, event->program_id, event->occurred_at);
    size_t count = program ? step_parties(program, event, names) : 0;
    enum err_code code = ERR_NONE;
    for (size_t p = 0; p < count && !code; p++)
        code = bring_member(ledger, store, event->program_id, names[p].member_id, err);
    return code;
}

/* ---- events over what members have */

/* --program, or the only one that is stored. */
static enum err_code choose_program(const struct ledger_explaining *ledger, struct text *out, struct err *err)
{
    const char *named = option_text(ledger->explaining->invocation, "--program", NULL);
    if (named) {
        *out = text_of(named);
        return ERR_NONE;
    }
    if (ledger->set.count == 0)
        return err_set(err, ERR_USAGE, "no program is stored; `points program apply FILE` stores one");
    *out = program_id(ledger->set.programs[0]);
    if (!text_equal(*out, program_id(ledger->set.programs[ledger->set.count - 1])))
        return err_set(err, ERR_USAGE, "several programs are stored; --program says which one");
    return ERR_NONE;
}

static enum err_code explain_over(struct ledger_explaining *ledger, struct err *err)
{
    struct explaining *explaining = ledger->explaining;
    const struct invocation *invocation = explaining->invocation;
    struct event_list events = {NULL, 0};
    struct text program;
    enum err_code code = choose_program(ledger, &program, err);
    if (!code)
        code = explain_lines(invocation->arguments, (size_t)invocation->argument_count, &ledger->set, program,
                             clock_utc_us(), explaining->arena, &events, err);
    struct store *store = store_new(&ledger->set, explaining->arena);
    store_ask_budgets(store, bring_budget, ledger);
    for (size_t i = 0; i < events.count && !code; i++) {
        struct explained explained;
        code = bring_parties(ledger, store, &events.items[i].event, err);
        if (code)
            break;
        explain_event(store, &ledger->set, &events.items[i], explaining->arena, &explained);
        if (ledger->failed.code) {
            *err = ledger->failed;
            return err->code;
        }
        explaining_show(explaining, &explained);
    }
    return code;
}

/* ---- an entry, decided again */

/* Whether the event gives the member the entries that the ledger has of it. */
static bool agrees(const struct member_view *member, const struct history_event *event,
                   const struct explained *explained)
{
    const struct happened *happened = &explained->happened;
    size_t found = 0;
    for (size_t i = 0; i < happened->decision.entry_count; i++) {
        const struct entry *entry = &happened->decision.entries[i];
        if (!text_equal(happened->member_ids[entry->party], member->member_id))
            continue;
        if (entry->sequence < 1 || entry->sequence > (int64_t)member->entry_count)
            return false;
        const struct member_entry *row = &member->entries[entry->sequence - 1];
        if (row->amount != entry->amount || row->wanted != entry->wanted || row->offset != event->offset ||
            row->partition != event->partition || !text_equal(row->rule_id, entry->rule_id))
            return false;
        found++;
    }
    for (size_t i = 0; i < member->entry_count; i++)
        if (member->entries[i].offset == event->offset && member->entries[i].partition == event->partition &&
            text_equal(member->entries[i].topic, text_of(event->topic)))
            found--;
    return found == 0;
}

struct place {
    const char *topic;
    int32_t partition;
    int64_t offset;
};

static bool is_at(const struct history_event *event, const struct place *place)
{
    return event->offset == place->offset && event->partition == place->partition &&
           strcmp(event->topic, place->topic) == 0;
}

/* Decides the member's events anew up to that place, and shows it. */
static enum err_code explain_again(struct ledger_explaining *ledger, const struct member_view *member,
                                   const struct place *place, struct err *err)
{
    struct explaining *explaining = ledger->explaining;
    struct history history = {NULL, 0};
    enum err_code code = history_read(explaining->invocation->config, member, explaining->arena, &history, err);
    if (code)
        return code;
    struct store *store = store_new(&ledger->set, explaining->arena);
    bool agreed = true;
    for (size_t i = 0; i < history.count; i++) {
        struct explained explained;
        explain_event(store, &ledger->set, &history.items[i].event, explaining->arena, &explained);
        agreed = agreed && agrees(member, &history.items[i], &explained);
        if (!is_at(&history.items[i], place))
            continue;
        explaining_show(explaining, &explained);
        explaining->differs = !agreed;
        return ERR_NONE;
    }
    return err_set(err, ERR_USAGE, "%s/%" PRId32 " has no event of the member at offset %" PRId64 " any more",
                   place->topic, place->partition, place->offset);
}

static enum err_code read_member(struct ledger_explaining *ledger, struct text program, struct text id,
                                 struct member_view *out, struct err *err)
{
    bool found = false;
    enum err_code code = member_read(ledger->connection, program, id, ledger->explaining->arena, out, &found, err);
    if (!code && !found)
        code = err_set(err, ERR_USAGE, "member %.*s is not known to program %.*s", VIEW(id), VIEW(program));
    return code;
}

/* "ann/12": the member's entry of that number. */
static enum err_code explain_entry(struct ledger_explaining *ledger, const char *name, struct err *err)
{
    const char *slash = strrchr(name, '/');
    char *end = NULL;
    int64_t sequence = slash ? strtoll(slash + 1, &end, 10) : 0;
    struct member_view member;
    struct text program;
    if (!slash || *end || sequence < 1)
        return err_set(err, ERR_USAGE, "--entry is %.60s; it must be MEMBER/NUMBER, as `points member show` lists them",
                       name);
    enum err_code code = choose_program(ledger, &program, err);
    if (!code)
        code = read_member(ledger, program, (struct text){name, (size_t)(slash - name)}, &member, err);
    if (!code && sequence > (int64_t)member.entry_count)
        code = err_set(err, ERR_USAGE, "%.*s has %zu entries", VIEW(member.member_id), member.entry_count);
    if (code)
        return code;
    const struct member_entry *entry = &member.entries[sequence - 1];
    struct place place = {arena_printf(ledger->explaining->arena, "%.*s", VIEW(entry->topic)).at,
                          (int32_t)entry->partition, entry->offset};
    return explain_again(ledger, &member, &place, err);
}

/* "loyalty.orders/3@1234" */
static enum err_code explain_input(struct ledger_explaining *ledger, const char *name, struct err *err)
{
    struct explaining *explaining = ledger->explaining;
    const char *slash = strrchr(name, '/');
    char *at = NULL, *end = NULL;
    struct event event;
    struct member_view member;
    struct place place = {.topic = ""};
    if (slash) {
        place.topic = arena_printf(explaining->arena, "%.*s", (int)(slash - name), name).at;
        place.partition = (int32_t)strtol(slash + 1, &at, 10);
        place.offset = at && *at == '@' ? strtoll(at + 1, &end, 10) : -1;
    }
    if (!end || *end || place.offset < 0)
        return err_set(err, ERR_USAGE, "--input is %.60s; it must be TOPIC/PARTITION@OFFSET", name);
    enum err_code code = history_event_at(explaining->invocation->config, place.topic, place.partition, place.offset,
                                          explaining->arena, &event, err);
    if (!code)
        code = read_member(ledger, event.program_id, event.member_id, &member, err);
    return code ? code : explain_again(ledger, &member, &place, err);
}

enum err_code explain_ledger(struct explaining *explaining, struct err *err)
{
    struct ledger_explaining ledger = {.explaining = explaining};
    const char *entry = option_text(explaining->invocation, "--entry", NULL);
    const char *input = option_text(explaining->invocation, "--input", NULL);
    enum err_code code = database_open(explaining->invocation->config, POSTGRES_READER, &ledger.connection, err);
    if (!code)
        code = program_store_load(ledger.connection, explaining->arena, &ledger.set, err);
    if (!code)
        code = entry   ? explain_entry(&ledger, entry, err)
               : input ? explain_input(&ledger, input, err)
                       : explain_over(&ledger, err);
    postgres_close(ledger.connection);
    return code;
}
