#include <assert.h>
#include <stdlib.h>

#include "projection/redis_connection.h"
#include "projection/resp.h"
#include "rules/step.h"

enum {
    CHUNK = 64,      /* members per script call: a call of 64 keeps Redis busy for a quarter of a millisecond */
    WINDOW = 8,      /* calls under way while the next is being formatted */
    CURRENCIES = 64, /* of a chunk's members together; a program has at most 16 */
};

/* Members that one call takes. */
struct chunk {
    const struct projection_item *items[CHUNK];
    struct state_summary summaries[CHUNK]; /* aligned with items */
    size_t count;
    struct text currencies[CURRENCIES];
    size_t currency_count;
    size_t unreadable;
};

/* What replies to a run of script calls add up to. */
struct tally {
    long long sums[4];
    bool unknown_script;
};

/* PREFIX:{PROGRAM/MEMBER}: the braces are Redis Cluster's hash tag. */
static void put_key(struct redis *redis, const struct projection_item *item)
{
    struct buffer *name = &redis->name;
    buffer_clear(name);
    buffer_put(name, redis->prefix.at, redis->prefix.len);
    buffer_put(name, ":{", 2);
    buffer_put(name, item->program_id.at, item->program_id.len);
    buffer_put(name, "/", 1);
    buffer_put(name, item->member_id.at, item->member_id.len);
    buffer_put(name, "}", 1);
    resp_text(&redis->call, (struct text){(const char *)name->at, name->len});
}

static bool chunk_has(const struct chunk *chunk, struct text currency)
{
    for (size_t i = 0; i < chunk->currency_count; i++)
        if (text_equal(chunk->currencies[i], currency))
            return true;
    return false;
}

/* Adds the balances' currencies to the chunk's; false, and nothing is added, where they are too many. A chunk's first
 * member always fits. */
static bool add_currencies(struct chunk *chunk, const struct state_summary *summary)
{
    size_t before = chunk->currency_count;
    for (size_t i = 0; i < summary->balance_count; i++) {
        struct text currency = summary->balances[i].currency;
        if (chunk_has(chunk, currency))
            continue;
        if (chunk->currency_count == CURRENCIES) {
            chunk->currency_count = before;
            return false;
        }
        chunk->currencies[chunk->currency_count++] = currency;
    }
    return true;
}

/* Takes items from the front of the list until the chunk is full; returns how many, those counted that have no place
 * in Redis: of unreadable states, and members erased so long ago that their names are forgotten. */
static size_t fill_chunk(struct redis *redis, struct chunk *chunk, const struct projection_item *items, size_t count)
{
    size_t at = 0;
    arena_reset(redis->scratch);
    chunk->count = chunk->currency_count = chunk->unreadable = 0;
    for (; at < count && chunk->count < CHUNK; at++) {
        struct state_summary *summary = &chunk->summaries[chunk->count];
        assert(items[at].version > 0);
        if (state_summarise(items[at].state, redis->scratch, summary, NULL) || summary->balance_count > CURRENCIES)
            chunk->unreadable++;
        else if (items[at].member_id.len == 0)
            continue;
        else if (add_currencies(chunk, summary))
            chunk->items[chunk->count++] = &items[at];
        else
            break;
    }
    return at;
}

static const struct state_balance *balance_of(const struct state_summary *summary, size_t hint, struct text currency)
{
    if (hint < summary->balance_count && text_equal(summary->balances[hint].currency, currency))
        return &summary->balances[hint];
    for (size_t i = 0; i < summary->balance_count; i++)
        if (text_equal(summary->balances[i].currency, currency))
            return &summary->balances[i];
    return NULL;
}

static void put_ending(struct redis *redis, const struct state_summary *summary)
{
    struct buffer *ending = &redis->name;
    buffer_clear(ending);
    if (summary->erased)
        buffer_put(ending, "erased", 6);
    else if (summary->merged_into.len > 0)
        buffer_put(ending, "into ", 5);
    else if (summary->tier)
        buffer_put(ending, "tier ", 5);
    struct text name = summary->merged_into;
    if (name.len == 0 && summary->tier)
        name = summary->tier->level;
    buffer_put(ending, name.at, name.len);
    resp_text(&redis->call, (struct text){(const char *)ending->at, ending->len});
}

static void put_values(struct redis *redis, const struct chunk *chunk, size_t member)
{
    struct buffer *to = &redis->call;
    resp_number(to, chunk->items[member]->version);
    put_ending(redis, &chunk->summaries[member]);
    for (size_t i = 0; i < chunk->currency_count; i++) {
        const struct state_balance *balance = balance_of(&chunk->summaries[member], i, chunk->currencies[i]);
        if (balance) {
            resp_number(to, balance->available);
            resp_number(to, balance->lifetime);
        } else {
            resp_text(to, (struct text){NULL, 0});
            resp_text(to, (struct text){NULL, 0});
        }
    }
}

/* One script call for the chunk: see project.lua for its arguments. */
static void send_chunk(struct redis *redis, enum script script, const struct chunk *chunk)
{
    struct buffer *to = &redis->call;
    size_t arguments = 2 + chunk->currency_count + chunk->count * (2 + 2 * chunk->currency_count);
    if (chunk->count == 0)
        return;
    buffer_clear(to);
    resp_command(to, 3 + chunk->count + arguments);
    resp_text(to, TEXT("EVALSHA"));
    resp_text(to, (struct text){redis->shas[script], SCRIPT_SHA_SIZE - 1});
    resp_number(to, (int64_t)chunk->count);
    for (size_t i = 0; i < chunk->count; i++)
        put_key(redis, chunk->items[i]);
    resp_number(to, (int64_t)redis->prefix.len + 3);
    resp_number(to, (int64_t)chunk->currency_count);
    for (size_t i = 0; i < chunk->currency_count; i++)
        resp_text(to, chunk->currencies[i]);
    for (size_t i = 0; i < chunk->count; i++)
        put_values(redis, chunk, i);
    if (redisAppendFormattedCommand(redis->context, (const char *)to->at, to->len) != REDIS_OK)
        abort(); /* out of memory is all that can fail here */
    redis->under_way++;
}

static enum err_code add_reply(redisReply *reply, struct tally *tally, struct err *err)
{
    if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        tally->unknown_script = true;
    } else if (reply->type == REDIS_REPLY_INTEGER) {
        tally->sums[0] += reply->integer;
    } else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 4) {
        for (size_t i = 0; i < reply->elements; i++)
            tally->sums[i] += reply->element[i]->integer;
    } else {
        return redis_unexpected(reply, "running a script", err);
    }
    freeReplyObject(reply);
    return ERR_NONE;
}

static enum err_code read_reply(struct redis *redis, struct tally *tally, struct err *err)
{
    void *reply = NULL;
    assert(redis->under_way > 0);
    if (redisGetReply(redis->context, &reply) != REDIS_OK || !reply)
        return redis_broken(redis, "running a script", err);
    redis->under_way--;
    return add_reply(reply, tally, err);
}

static enum err_code run_once(struct redis *redis, enum script script, const struct projection_item *items,
                              size_t count, struct tally *tally, size_t *unreadable, struct err *err)
{
    enum err_code code = ERR_NONE;
    struct chunk chunk;
    for (size_t at = 0; at < count && !code;) {
        at += fill_chunk(redis, &chunk, items + at, count - at);
        *unreadable += chunk.unreadable;
        if (redis->under_way == WINDOW)
            code = read_reply(redis, tally, err);
        if (!code)
            send_chunk(redis, script, &chunk);
    }
    while (redis->under_way > 0 && !code)
        code = read_reply(redis, tally, err);
    return code;
}

/* Redis may forget scripts at any time (SCRIPT FLUSH): then they are loaded again and the whole run is repeated, which
 * changes nothing where it was done. */
static enum err_code run(struct redis *redis, enum script script, const struct projection_item *items, size_t count,
                         struct tally *tally, size_t *unreadable, struct err *err)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        size_t skipped = 0;
        *tally = (struct tally){0};
        enum err_code code = run_once(redis, script, items, count, tally, &skipped, err);
        if (!code && !tally->unknown_script) {
            *unreadable += skipped;
            return ERR_NONE;
        }
        if (!code)
            code = redis_load_scripts(redis, err);
        if (code)
            return code;
    }
    return err_set(err, ERR_REDIS, "Redis forgets scripts as fast as they are loaded");
}

enum err_code redis_write(struct redis *redis, const struct projection_item *items, size_t count,
                          struct redis_written *out, struct err *err)
{
    assert(redis && out);
    struct tally tally;
    size_t unreadable = 0;
    enum err_code code = run(redis, SCRIPT_PROJECT, items, count, &tally, &unreadable, err);
    if (code)
        return code;
    out->written += (size_t)tally.sums[0];
    out->unreadable += unreadable;
    return ERR_NONE;
}

enum err_code redis_compare(struct redis *redis, const struct projection_item *items, size_t count,
                            struct redis_difference *out, struct err *err)
{
    assert(redis && out);
    struct tally tally;
    size_t unreadable = 0;
    enum err_code code = run(redis, SCRIPT_COMPARE, items, count, &tally, &unreadable, err);
    if (code)
        return code;
    out->missing += (size_t)tally.sums[0];
    out->behind += (size_t)tally.sums[1];
    out->ahead += (size_t)tally.sums[2];
    out->altered += (size_t)tally.sums[3];
    out->unreadable += unreadable;
    return ERR_NONE;
}
