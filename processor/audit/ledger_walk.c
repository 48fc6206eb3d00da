#include "audit/ledger_walk.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"
#include "ledger/exchange.h"
#include "ledger/postgres.h"

enum { PAGE = 1000, BINARY = 1 };

#define ENTRY_COLUMNS                                                                                                  \
    "SELECT member_key, sequence, event_key, amount, occurred_at, input_offset, topic_no, partition, program_version," \
    " kind::int, from_account::int, to_account::int, program_id, partner_id, currency, rule_id, subject FROM entries"

static struct hash16 hash_at(const PGresult *rows, int row, int column)
{
    struct hash16 hash;
    struct bytes bytes = result_bytes(rows, row, column);
    assert(bytes.len == sizeof hash);
    memcpy(&hash, bytes.at, sizeof hash);
    return hash;
}

static struct text text_at(const PGresult *rows, int row, int column, struct arena *arena)
{
    struct bytes bytes = result_bytes(rows, row, column);
    return arena_text(arena, (struct text){(const char *)bytes.at, bytes.len});
}

static struct ledger_row row_at(const PGresult *rows, int row, struct arena *arena)
{
    return (struct ledger_row){
        .member_key = hash_at(rows, row, 0),
        .sequence = result_i64(rows, row, 1),
        .event_key = hash_at(rows, row, 2),
        .amount = result_i64(rows, row, 3),
        .occurred_at = result_i64(rows, row, 4),
        .offset = result_i64(rows, row, 5),
        .topic_no = result_i32(rows, row, 6),
        .partition = result_i32(rows, row, 7),
        .program_version = result_i32(rows, row, 8),
        .kind = result_i32(rows, row, 9),
        .from = result_i32(rows, row, 10),
        .to = result_i32(rows, row, 11),
        .program_id = text_at(rows, row, 12, arena),
        .partner_id = text_at(rows, row, 13, arena),
        .currency = text_at(rows, row, 14, arena),
        .rule_id = text_at(rows, row, 15, arena),
        .subject = text_at(rows, row, 16, arena),
    };
}

/* One page: the members, and a stream of entries beside it. */
struct page {
    PGconn *connection;
    const struct ledger_visitor *visitor;
    struct findings *findings;
    struct ledger_walk *walk;
    struct arena *page_arena;   /* the members */
    struct arena *member_arena; /* the entries of the member at hand */
    struct ledger_member members[PAGE];
    size_t count;
    size_t at; /* the member that the next entry may belong to */
    struct hash16 after;
    struct member_sums sums;
    bool has_orphan; /* entries without a member are being read: of this key */
    struct hash16 orphan;
};

static enum err_code read_members(struct page *page, struct err *err)
{
    char hex[33], limit[16];
    hash16_hex(page->after, hex);
    snprintf(limit, sizeof limit, "%d", PAGE);
    const char *values[] = {hex, limit};
    PGresult *rows = PQexecParams(page->connection,
                                  "SELECT member_key, version, program_id, member_id, state,"
                                  " coalesce(due_at, 9223372036854775807) FROM members"
                                  " WHERE member_key > $1::uuid ORDER BY member_key LIMIT $2::integer",
                                  2, NULL, values, NULL, NULL, BINARY);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(page->connection, rows, "reading a page of members", err);
    page->count = (size_t)PQntuples(rows);
    page->at = 0;
    for (size_t i = 0; i < page->count; i++) {
        int row = (int)i;
        page->members[i] = (struct ledger_member){.key = hash_at(rows, row, 0),
                                                  .version = result_i64(rows, row, 1),
                                                  .program_id = text_at(rows, row, 2, page->page_arena),
                                                  .member_id = text_at(rows, row, 3, page->page_arena),
                                                  .state = arena_bytes(page->page_arena, result_bytes(rows, row, 4)),
                                                  .due_at = result_i64(rows, row, 5)};
    }
    PQclear(rows);
    return ERR_NONE;
}

static enum err_code ask_entries(struct page *page, struct err *err)
{
    char after[33], last[33];
    hash16_hex(page->after, after);
    bool is_last = page->count < PAGE;
    hash16_hex(is_last ? page->after : page->members[page->count - 1].key, last);
    const char *values[] = {after, is_last ? NULL : last};
    int sent =
        PQsendQueryParams(page->connection,
                          ENTRY_COLUMNS " WHERE member_key > $1::uuid AND ($2::uuid IS NULL OR member_key <= $2::uuid)"
                                        " ORDER BY member_key, sequence",
                          2, NULL, values, NULL, NULL, BINARY);
    if (!sent || !PQsetSingleRowMode(page->connection))
        return postgres_failed(page->connection, NULL, "asking for a page of entries", err);
    return ERR_NONE;
}

static void start_sums(struct page *page)
{
    arena_reset(page->member_arena);
    page->sums.entries = page->sums.bad_sequence = 0;
    page->sums.too_much = false;
    page->sums.count = 0;
}

/* The member at hand has no more entries. */
static enum err_code end_member(struct page *page, struct err *err)
{
    struct finding finding;
    const struct ledger_member *member = &page->members[page->at++];
    bool agree = member_sums_agree(&page->sums, member, page->member_arena, &finding);
    if (!agree)
        findings_add(page->findings, &finding);
    if (!member_due_agrees(member, page->member_arena, &finding))
        findings_add(page->findings, &finding);
    page->walk->members++;
    enum err_code code = page->visitor->member(page->visitor->context, member, agree, err);
    start_sums(page);
    return code;
}

static enum err_code end_orphan(struct page *page, struct err *err)
{
    struct finding finding = {.kind = FINDING_ORPHAN, .fate = FATE_REPORTED};
    char hex[33];
    hash16_hex(page->orphan, hex);
    snprintf(finding.where, sizeof finding.where, "member_key %s", hex);
    snprintf(finding.remark, sizeof finding.remark, "%" PRId64 " entries", page->sums.entries);
    findings_add(page->findings, &finding);
    page->has_orphan = false;
    enum err_code code = page->visitor->member(page->visitor->context, NULL, false, err);
    start_sums(page);
    return code;
}

/* Ends all members before that key. */
static enum err_code advance(struct page *page, struct hash16 key, struct err *err)
{
    enum err_code code = ERR_NONE;
    if (page->has_orphan && !hash16_equal(page->orphan, key))
        code = end_orphan(page, err);
    while (!code && page->at < page->count && hash16_compare(page->members[page->at].key, key) < 0)
        code = end_member(page, err);
    return code;
}

static enum err_code take_entry(struct page *page, const PGresult *rows, int at, struct err *err)
{
    enum err_code code = advance(page, hash_at(rows, at, 0), err);
    if (code)
        return code;
    struct ledger_row row = row_at(rows, at, page->member_arena);
    bool known = page->at < page->count && hash16_equal(page->members[page->at].key, row.member_key);
    if (!known) {
        page->has_orphan = true;
        page->orphan = row.member_key;
    }
    member_sums_add(&page->sums, &row, page->member_arena);
    accounts_add(&page->walk->accounts, &row, page->walk->names);
    page->walk->entries++;
    return page->visitor->entry(page->visitor->context, &row, err);
}

/* Whatever went wrong, the connection is read until it is free again. */
static enum err_code read_entries(struct page *page, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (PGresult *rows; (rows = PQgetResult(page->connection)) != NULL;) {
        ExecStatusType status = PQresultStatus(rows);
        if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK && !code) {
            code = postgres_failed(page->connection, rows, "reading a page of entries", err);
            continue;
        }
        for (int row = 0; row < PQntuples(rows) && !code; row++)
            code = take_entry(page, rows, row, err);
        PQclear(rows);
    }
    return code;
}

static enum err_code one_page(struct page *page, struct err *err)
{
    arena_reset(page->page_arena);
    start_sums(page);
    enum err_code code = postgres_run(page->connection, "BEGIN ISOLATION LEVEL REPEATABLE READ", err);
    if (!code)
        code = read_members(page, err);
    if (!code)
        code = ask_entries(page, err);
    if (!code)
        code = read_entries(page, err);
    if (!code && page->has_orphan)
        code = end_orphan(page, err);
    while (!code && page->at < page->count)
        code = end_member(page, err);
    if (PQtransactionStatus(page->connection) != PQTRANS_IDLE)
        PQclear(PQexec(page->connection, "ROLLBACK"));
    return code;
}

static void check_accounts(const struct ledger_walk *walk, struct findings *findings)
{
    for (size_t i = 0; i < walk->accounts.count; i++) {
        const struct account_totals *totals = &walk->accounts.items[i];
        uint64_t sum = accounts_sum(totals);
        if (sum == 0)
            continue;
        struct finding finding = {.kind = FINDING_SUM, .fate = FATE_REPORTED};
        snprintf(finding.where, sizeof finding.where, "program %.*s, partner '%.*s', currency %.*s",
                 (int)totals->program_id.len, totals->program_id.at, (int)totals->partner_id.len,
                 totals->partner_id.len ? totals->partner_id.at : "", (int)totals->currency.len, totals->currency.at);
        snprintf(finding.remark, sizeof finding.remark, "they sum to %lld", (long long)sum);
        findings_add(findings, &finding);
    }
}

enum err_code ledger_walk(PGconn *connection, const struct ledger_visitor *visitor, struct findings *findings,
                          struct ledger_walk *walk, struct err *err)
{
    assert(connection && visitor && findings && walk);
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        abort();
    page->connection = connection;
    page->visitor = visitor;
    page->findings = findings;
    page->walk = walk;
    page->page_arena = arena_new(1 << 20);
    page->member_arena = arena_new(1 << 16);
    walk->names = arena_new(0);
    /* Pages come in the key's order from its index, also where statistics are missing and a sort looks cheap. */
    enum err_code code = postgres_run(connection, "SET enable_sort = off", err);
    do {
        if (!code)
            code = one_page(page, err);
        if (!code && page->count > 0)
            page->after = page->members[page->count - 1].key;
    } while (!code && page->count == PAGE);
    if (!code)
        check_accounts(walk, findings);
    arena_free(page->page_arena);
    arena_free(page->member_arena);
    free(page);
    return code;
}

void ledger_walk_release(struct ledger_walk *walk)
{
    accounts_release(&walk->accounts);
    arena_free(walk->names);
    walk->names = NULL;
}

enum err_code ledger_entries_of(PGconn *connection, struct hash16 member_key, int64_t up_to_sequence,
                                struct arena *arena, struct ledger_row **out, size_t *count, struct err *err)
{
    char hex[33], sequence[24];
    hash16_hex(member_key, hex);
    snprintf(sequence, sizeof sequence, "%" PRId64, up_to_sequence);
    const char *values[] = {hex, sequence};
    PGresult *rows = PQexecParams(
        connection, ENTRY_COLUMNS " WHERE member_key = $1::uuid AND sequence <= $2::bigint ORDER BY sequence", 2, NULL,
        values, NULL, NULL, BINARY);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading a member's entries", err);
    *count = (size_t)PQntuples(rows);
    *out = arena_array(arena, *count, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = row_at(rows, (int)i, arena);
    PQclear(rows);
    return ERR_NONE;
}
