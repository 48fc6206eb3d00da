#include "ops/member_read.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/hash.h"
#include "ledger/postgres.h"

static const char entries_sql[] =
    "SELECT e.sequence, e.occurred_at, e.kind, e.from_account, e.to_account, e.amount, e.wanted, e.program_version,"
    " e.partition, e.input_offset, e.currency, e.rule_id, e.subject, e.partner_id, coalesce(t.name, ''),"
    " encode(p.source_hash, 'hex'), replace(p.zones_hash::text, '-', '')"
    " FROM entries e LEFT JOIN topics t USING (topic_no)"
    " LEFT JOIN program_versions p ON p.program_id = e.program_id AND p.version = e.program_version"
    " WHERE e.member_key = $1::uuid ORDER BY e.sequence";

enum {
    COLUMN_SEQUENCE,
    COLUMN_OCCURRED,
    COLUMN_KIND,
    COLUMN_FROM,
    COLUMN_TO,
    COLUMN_AMOUNT,
    COLUMN_WANTED,
    COLUMN_VERSION,
    COLUMN_PARTITION,
    COLUMN_OFFSET,
    COLUMN_CURRENCY,
    COLUMN_RULE,
    COLUMN_SUBJECT,
    COLUMN_PARTNER,
    COLUMN_TOPIC,
    COLUMN_SOURCE_HASH,
    COLUMN_ZONES_HASH
};

static int64_t number_at(const PGresult *rows, int row, int column)
{
    return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

static struct text text_at(const PGresult *rows, int row, int column, struct arena *arena)
{
    return arena_text(arena, (struct text){PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column)});
}

static void fill_entry(const PGresult *rows, int row, struct arena *arena, struct member_entry *out)
{
    *out = (struct member_entry){
        .sequence = number_at(rows, row, COLUMN_SEQUENCE),
        .occurred_at = number_at(rows, row, COLUMN_OCCURRED),
        .kind = (enum entry_kind)number_at(rows, row, COLUMN_KIND),
        .from = (enum account)number_at(rows, row, COLUMN_FROM),
        .to = (enum account)number_at(rows, row, COLUMN_TO),
        .amount = number_at(rows, row, COLUMN_AMOUNT),
        .wanted = number_at(rows, row, COLUMN_WANTED),
        .program_version = number_at(rows, row, COLUMN_VERSION),
        .partition = number_at(rows, row, COLUMN_PARTITION),
        .offset = number_at(rows, row, COLUMN_OFFSET),
        .currency = text_at(rows, row, COLUMN_CURRENCY, arena),
        .rule_id = text_at(rows, row, COLUMN_RULE, arena),
        .subject = text_at(rows, row, COLUMN_SUBJECT, arena),
        .partner_id = text_at(rows, row, COLUMN_PARTNER, arena),
        .topic = text_at(rows, row, COLUMN_TOPIC, arena),
        .program_hash = text_at(rows, row, COLUMN_SOURCE_HASH, arena),
        .zones_hash = text_at(rows, row, COLUMN_ZONES_HASH, arena),
    };
}

static enum err_code read_entries(PGconn *connection, const char *key, struct arena *arena, struct member_view *out,
                                  struct err *err)
{
    PGresult *rows = PQexecParams(connection, entries_sql, 1, NULL, &key, NULL, NULL, 0);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading the member's entries", err);
    size_t count = (size_t)PQntuples(rows);
    struct member_entry *entries = arena_array(arena, count, sizeof *entries);
    for (size_t i = 0; i < count; i++)
        fill_entry(rows, (int)i, arena, &entries[i]);
    PQclear(rows);
    out->entries = entries;
    out->entry_count = count;
    return ERR_NONE;
}

static enum err_code read_state(PGconn *connection, const char *key, struct arena *arena, struct member_view *out,
                                bool *found, struct err *err)
{
    enum { BINARY = 1 };
    uint64_t version;
    PGresult *rows = PQexecParams(connection, "SELECT version, state FROM members WHERE member_key = $1::uuid", 1, NULL,
                                  &key, NULL, NULL, BINARY);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading the member's state", err);
    *found = PQntuples(rows) == 1;
    enum err_code code = ERR_NONE;
    if (*found) {
        struct bytes state = {(const uint8_t *)PQgetvalue(rows, 0, 1), (size_t)PQgetlength(rows, 0, 1)};
        memcpy(&version, PQgetvalue(rows, 0, 0), sizeof version);
        out->version = (int64_t)__builtin_bswap64(version);
        out->state = arena_bytes(arena, state);
        code = state_summarise(out->state, arena, &out->summary, err);
    }
    PQclear(rows);
    return code;
}

enum err_code member_read(PGconn *connection, struct text program_id, struct text member_id, struct arena *arena,
                          struct member_view *out, bool *found, struct err *err)
{
    assert(connection && arena && out && found);
    char key[33];
    struct member_view view = {.program_id = program_id, .member_id = member_id};
    hash16_hex(hash_member(program_id, member_id), key);
    enum err_code code = postgres_run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ", err);
    if (!code)
        code = read_state(connection, key, arena, &view, found, err);
    if (!code && *found)
        code = read_entries(connection, key, arena, &view, err);
    if (PQtransactionStatus(connection) != PQTRANS_IDLE)
        PQclear(PQexec(connection, "ROLLBACK"));
    if (!code && *found)
        *out = view;
    return code;
}

int64_t member_entry_effect(const struct member_entry *entry)
{
    assert(entry->amount > 0);
    if (entry->to == ACCOUNT_MEMBER_AVAILABLE)
        return entry->amount;
    return entry->from == ACCOUNT_MEMBER_AVAILABLE ? -entry->amount : 0;
}

bool member_sum(const struct member_view *view, struct text currency, int64_t *out)
{
    int64_t sum = 0;
    for (size_t i = 0; i < view->entry_count; i++)
        if (text_equal(view->entries[i].currency, currency) &&
            !checked_add(sum, member_entry_effect(&view->entries[i]), &sum))
            return false;
    *out = sum;
    return true;
}

static bool has_balance(const struct member_view *view, struct text currency)
{
    for (size_t i = 0; i < view->summary.balance_count; i++)
        if (text_equal(view->summary.balances[i].currency, currency))
            return true;
    return false;
}

enum err_code member_verify(const struct member_view *view, struct err *err)
{
    assert(view);
    int64_t sum = 0;
    if (view->summary.entry_count != (int64_t)view->entry_count)
        return err_set(err, ERR_BAD_STATE, "the state counts %" PRId64 " entries, the ledger has %zu",
                       view->summary.entry_count, view->entry_count);
    for (size_t i = 0; i < view->entry_count; i++) {
        const struct member_entry *entry = &view->entries[i];
        if (entry->sequence != (int64_t)i + 1)
            return err_set(err, ERR_BAD_STATE, "entry %zu is missing", i + 1);
        if (!has_balance(view, entry->currency))
            return err_set(err, ERR_BAD_STATE, "entry %zu is of %.*s, which the state has no balance of", i + 1,
                           (int)entry->currency.len, entry->currency.at);
    }
    for (size_t i = 0; i < view->summary.balance_count; i++) {
        const struct state_balance *balance = &view->summary.balances[i];
        if (!member_sum(view, balance->currency, &sum) || sum != balance->available)
            return err_set(err, ERR_BAD_STATE, "the balance of %.*s is %" PRId64 ", its entries sum to %" PRId64,
                           (int)balance->currency.len, balance->currency.at, balance->available, sum);
    }
    return ERR_NONE;
}
