#include "audit/redis_audit.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "ledger/postgres.h"
#include "projection/store.h"
#include "rules/shown.h"

/* Differences are looked at again together, at the end and whenever so many have gathered. A processor shows what it
 * committed within milliseconds; one whose Redis was away for a moment, within a second or two. */
enum { PAGE = 4096, SUSPECTS_MAX = 65536, LOOKS = 8, LOOK_FIRST_MS = 100, STEP = 512 };

struct suspect {
    struct hash16 key;
    int64_t version; /* as the ledger had it when it was last looked at */
    bool standing;   /* it has differed twice with that version */
    enum finding_kind kind;
};

struct suspects {
    struct suspect *items;
    size_t count;
};

enum { NO_DIFFERENCE = FINDING_KIND_COUNT };

static size_t found_in(const struct redis_difference *difference)
{
    return difference->missing + difference->behind + difference->ahead + difference->altered;
}

static int kind_of(const struct redis_difference *difference)
{
    if (found_in(difference) == 0)
        return NO_DIFFERENCE;
    if (difference->missing > 0)
        return FINDING_REDIS_MISSING;
    if (difference->behind > 0)
        return FINDING_REDIS_BEHIND;
    return difference->ahead > 0 ? FINDING_REDIS_AHEAD : FINDING_REDIS_ALTERED;
}

/* What each of at most STEP members differs by. The script counts: where some differ and some do not, they are asked
 * about one by one. */
static enum err_code classify(struct redis *redis, const struct projection_item *items, size_t count, int kinds[STEP],
                              struct err *err)
{
    struct redis_difference together = {0};
    enum err_code code = redis_compare(redis, items, count, &together, err);
    bool alike = found_in(&together) == 0 || together.missing == count;
    for (size_t i = 0; i < count && !code; i++) {
        struct redis_difference own = {0};
        if (!alike)
            code = redis_compare(redis, &items[i], 1, &own, err);
        kinds[i] = kind_of(alike ? &together : &own);
    }
    return code;
}

static enum err_code find_suspects(struct redis_audit *audit, const struct projection_item *items, size_t count,
                                   struct suspects *suspects, struct err *err)
{
    int kinds[STEP];
    enum err_code code = ERR_NONE;
    for (size_t at = 0; at < count && !code; at += STEP) {
        size_t chunk = count - at < STEP ? count - at : STEP;
        code = classify(audit->redis, items + at, chunk, kinds, err);
        for (size_t i = 0; i < chunk && !code; i++)
            if (kinds[i] != NO_DIFFERENCE)
                suspects->items[suspects->count++] = (struct suspect){.key = items[at + i].member_key,
                                                                      .version = items[at + i].version,
                                                                      .kind = (enum finding_kind)kinds[i]};
    }
    return code;
}

static void pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static const struct projection_item *item_of(const struct projection_item *items, size_t count, struct hash16 key)
{
    for (size_t i = 0; i < count; i++)
        if (hash16_equal(items[i].member_key, key))
            return &items[i];
    return NULL;
}

static struct suspect *suspect_of(struct suspect *suspects, size_t count, struct hash16 key)
{
    for (size_t i = 0; i < count; i++)
        if (hash16_equal(suspects[i].key, key))
            return &suspects[i];
    return NULL;
}

/* Looks again at [at, at + chunk) and keeps those that still differ at *kept. */
static enum err_code look_at(struct redis_audit *audit, struct suspects *suspects, size_t at, size_t chunk,
                             size_t *kept, struct arena *arena, struct err *err)
{
    struct hash16 keys[STEP];
    struct suspect looked[STEP];
    int kinds[STEP];
    struct projection_item *items = NULL;
    size_t found = 0;
    memcpy(looked, suspects->items + at, chunk * sizeof *looked);
    for (size_t i = 0; i < chunk; i++)
        keys[i] = looked[i].key;
    arena_reset(arena);
    enum err_code code = projection_store_members(audit->connection, keys, chunk, arena, &items, &found, err);
    if (!code)
        code = classify(audit->redis, items, found, kinds, err);
    for (size_t i = 0; i < found && !code; i++) {
        const struct suspect *before = suspect_of(looked, chunk, items[i].member_key);
        if (before && kinds[i] != NO_DIFFERENCE)
            suspects->items[(*kept)++] = (struct suspect){.key = before->key,
                                                          .version = items[i].version,
                                                          .standing = items[i].version == before->version,
                                                          .kind = (enum finding_kind)kinds[i]};
    }
    return code;
}

/* Until nothing differs, or what differs has stood still for all the looks. */
static enum err_code look_again(struct redis_audit *audit, struct suspects *suspects, struct arena *arena,
                                struct err *err)
{
    enum err_code code = ERR_NONE;
    for (int look = 0; look < LOOKS && suspects->count > 0 && !code; look++) {
        size_t kept = 0;
        pause_ms(LOOK_FIRST_MS * (look + 1));
        for (size_t at = 0; at < suspects->count && !code; at += STEP) {
            size_t chunk = suspects->count - at < STEP ? suspects->count - at : STEP;
            code = look_at(audit, suspects, at, chunk, &kept, arena, err);
            ticker_show(audit->ticker, "looking again at members", (int64_t)at, (int64_t)suspects->count);
        }
        suspects->count = kept;
    }
    return code;
}

/* Through the processor's own script: the newer version stays, whoever writes. */
static enum err_code mend(struct redis_audit *audit, const struct projection_item *item, struct finding *finding,
                          struct err *err)
{
    struct redis_written written = {0};
    if (finding->kind == FINDING_REDIS_AHEAD) {
        finding->fate = FATE_REFUSED;
        snprintf(finding->remark, sizeof finding->remark,
                 "a newer version is never overwritten; after a restored backup: `points redis rebuild --empty-first`");
        return ERR_NONE;
    }
    finding->fate = audit->repair ? FATE_MENDED : FATE_MENDABLE;
    snprintf(finding->remark, sizeof finding->remark, "the ledger's version is %" PRId64, item->version);
    return audit->repair ? redis_write(audit->redis, item, 1, &written, err) : ERR_NONE;
}

static enum err_code report(struct redis_audit *audit, const struct suspect *suspect, struct arena *arena,
                            struct err *err)
{
    struct projection_item *item = NULL;
    size_t found = 0;
    struct finding finding = {.kind = suspect->kind};
    if (!suspect->standing) {
        audit->moving++;
        return ERR_NONE;
    }
    arena_reset(arena);
    enum err_code code = projection_store_members(audit->connection, &suspect->key, 1, arena, &item, &found, err);
    if (code || found == 0)
        return code;
    snprintf(finding.where, sizeof finding.where, "%.*s/%.*s", SHOWN(item->program_id), SHOWN(item->member_id));
    code = mend(audit, item, &finding, err);
    if (!code)
        findings_add(audit->findings, &finding);
    return code;
}

static enum err_code settle(struct redis_audit *audit, struct suspects *suspects, struct arena *arena, struct err *err)
{
    enum err_code code = look_again(audit, suspects, arena, err);
    for (size_t i = 0; i < suspects->count && !code; i++)
        code = report(audit, &suspects->items[i], arena, err);
    suspects->count = 0;
    return code;
}

static enum err_code next_page(PGconn *connection, struct hash16 after, PGresult **out, struct err *err)
{
    enum err_code code = projection_store_ask_page(connection, after, PAGE, err);
    if (code)
        return code;
    PGresult *rows = PQgetResult(connection);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        return postgres_failed(connection, rows, "reading a page of members", err);
    PQclear(PQgetResult(connection));
    *out = rows;
    return ERR_NONE;
}

static enum err_code compare_members(struct redis_audit *audit, struct suspects *suspects, struct arena *arena,
                                     struct err *err)
{
    struct hash16 after = {{0}};
    struct projection_item *items = calloc(PAGE, sizeof *items);
    size_t count = PAGE;
    int64_t total = 0;
    if (!items)
        abort();
    enum err_code code = postgres_run(audit->connection, "SET enable_sort = off", err);
    if (!code)
        code = projection_store_estimate(audit->connection, &total, err);
    while (!code && count == PAGE) {
        PGresult *rows = NULL;
        code = next_page(audit->connection, after, &rows, err);
        count = code ? 0 : projection_store_items(rows, items);
        if (count > 0)
            after = items[count - 1].member_key;
        if (!code)
            code = find_suspects(audit, items, count, suspects, err);
        PQclear(rows);
        audit->members += (int64_t)count;
        ticker_show(audit->ticker, "members in Redis", audit->members, total);
        if (!code && suspects->count + PAGE > SUSPECTS_MAX)
            code = settle(audit, suspects, arena, err);
    }
    free(items);
    return code ? code : settle(audit, suspects, arena, err);
}

static void add_unknown(struct redis_audit *audit, const struct redis_member_name *name)
{
    struct finding finding = {.kind = FINDING_REDIS_UNKNOWN, .fate = FATE_REFUSED};
    snprintf(finding.where, sizeof finding.where, "%.*s/%.*s", SHOWN(name->program_id), SHOWN(name->member_id));
    snprintf(finding.remark, sizeof finding.remark,
             "nothing is deleted by an audit; `points redis rebuild --empty-first` makes Redis anew");
    findings_add(audit->findings, &finding);
}

/* Redis names a member whom the ledger has forgotten: there should be nothing of them but a version, or no key. */
static enum err_code check_erased(struct redis_audit *audit, struct projection_item item, struct text member_id,
                                  struct err *err)
{
    int kinds[STEP];
    item.member_id = member_id;
    enum err_code code = classify(audit->redis, &item, 1, kinds, err);
    if (!code && kinds[0] != NO_DIFFERENCE) { /* it may be under way */
        pause_ms(LOOKS * LOOK_FIRST_MS);
        code = classify(audit->redis, &item, 1, kinds, err);
    }
    if (code || kinds[0] == NO_DIFFERENCE)
        return code;
    struct finding finding = {.kind = (enum finding_kind)kinds[0]};
    snprintf(finding.where, sizeof finding.where, "%.*s/%.*s", SHOWN(item.program_id), SHOWN(member_id));
    code = mend(audit, &item, &finding, err);
    if (!code)
        findings_add(audit->findings, &finding);
    return code;
}

/* A member is in the ledger before it is in Redis: asking in the other order makes no false alarm. */
static enum err_code check_known(struct redis_audit *audit, const struct redis_member_name *names, size_t count,
                                 struct arena *arena, struct err *err)
{
    struct hash16 *keys = arena_array(arena, count, sizeof *keys);
    struct projection_item *items = NULL;
    size_t found = 0;
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < count; i++)
        keys[i] = hash_member(names[i].program_id, names[i].member_id);
    if (count > 0)
        code = projection_store_members(audit->connection, keys, count, arena, &items, &found, err);
    for (size_t i = 0; i < count && !code; i++) {
        const struct projection_item *item = item_of(items, found, keys[i]);
        if (!item)
            add_unknown(audit, &names[i]);
        else if (item->member_id.len == 0)
            code = check_erased(audit, *item, names[i].member_id, err);
    }
    return code;
}

static enum err_code find_unknown(struct redis_audit *audit, struct arena *arena, struct err *err)
{
    char cursor[REDIS_CURSOR_SIZE] = "0";
    int64_t listed = 0;
    enum err_code code;
    do {
        struct redis_member_name *names = NULL;
        size_t count = 0;
        arena_reset(arena);
        code = redis_list_members(audit->redis, cursor, arena, &names, &count, err);
        if (!code)
            code = check_known(audit, names, count, arena, err);
        listed += (int64_t)count;
        ticker_show(audit->ticker, "keys in Redis", listed, audit->members);
    } while (!code && cursor[0] != '0');
    return code;
}

enum err_code redis_audit_run(struct redis_audit *audit, struct err *err)
{
    assert(audit && audit->connection && audit->redis && audit->findings);
    struct suspects suspects = {.items = calloc(SUSPECTS_MAX, sizeof *suspects.items)};
    struct arena *arena = arena_new(1 << 20);
    if (!suspects.items)
        abort();
    enum err_code code = compare_members(audit, &suspects, arena, err);
    if (!code)
        code = find_unknown(audit, arena, err);
    ticker_clear(audit->ticker);
    arena_free(arena);
    free(suspects.items);
    return code;
}
