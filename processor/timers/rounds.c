#include "timers/rounds.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/log.h"
#include "ledger/postgres.h"
#include "sink/sender.h"
#include "timers/due.h"
#include "timers/inputs.h"
#include "timers/timer_event.h"

enum { SEND_MOST = 10000, SENT_KEEP = 4 << 20, POLL_MS = 100 };

struct rounds {
    const struct config *config;
    atomic_bool *cancel;
    struct exchange ledger; /* connection NULL: closed */
    rd_kafka_t *client;     /* NULL: not made */
    struct sender *sender;  /* NULL: not made */
    struct timer_frame frame;
    struct arena *arena;      /* of one round */
    struct arena *sent_arena; /* of `sent` */
    struct due_members sent;  /* by the last round that sent, until it is known what came of it */
    int64_t watermark;        /* as last seen; it never goes back */
    struct buffer value;
};

enum round round_choose(const struct round_facts *facts)
{
    if (!facts->consumed)
        return ROUND_WAIT;
    if (facts->first_due == INT64_MAX)
        return ROUND_REST;
    return facts->first_due > facts->watermark ? ROUND_HELD : ROUND_SEND;
}

struct rounds *rounds_new(const struct config *config, atomic_bool *cancel)
{
    struct rounds *rounds = calloc(1, sizeof *rounds);
    if (!rounds)
        abort();
    *rounds = (struct rounds){.config = config,
                              .cancel = cancel,
                              .ledger = {NULL, config->postgres_statement_timeout_ms, cancel},
                              .arena = arena_new(SENT_KEEP),
                              .sent_arena = arena_new(SENT_KEEP),
                              .watermark = INT64_MIN};
    timer_frame_make(&rounds->frame);
    return rounds;
}

static void close_all(struct rounds *rounds)
{
    rounds->ledger.connection = postgres_close(rounds->ledger.connection);
    rounds->sender = sender_close(rounds->sender);
    if (rounds->client)
        rd_kafka_destroy(rounds->client);
    rounds->client = NULL;
}

struct rounds *rounds_free(struct rounds *rounds)
{
    if (!rounds)
        return NULL;
    close_all(rounds);
    arena_free(rounds->arena);
    arena_free(rounds->sent_arena);
    buffer_release(&rounds->value);
    free(rounds);
    return NULL;
}

static void forget_sent(struct rounds *rounds)
{
    rounds->sent = (struct due_members){0};
    arena_reset(rounds->sent_arena);
}

void rounds_end(struct rounds *rounds)
{
    close_all(rounds);
    forget_sent(rounds);
}

static enum err_code open_ledger(struct rounds *rounds, struct err *err)
{
    if (rounds->ledger.connection)
        return ERR_NONE;
    enum err_code code = postgres_open(rounds->config, POSTGRES_RUNTIME, &rounds->ledger.connection, err);
    if (!code)
        code = inputs_prepare(&rounds->ledger, err);
    if (!code)
        code = due_prepare(&rounds->ledger, err);
    return code;
}

static enum err_code open_kafka(struct rounds *rounds, struct err *err)
{
    enum err_code code = rounds->client ? ERR_NONE : inputs_client(rounds->config, &rounds->client, err);
    if (!code && !rounds->sender)
        code = sender_open(rounds->config, &rounds->sender, err);
    return code;
}

/* Whether every timer on the topic is applied or refused. */
static enum err_code see_consumed(struct rounds *rounds, int64_t now, bool *out, struct err *err)
{
    struct inputs inputs;
    enum err_code code = inputs_read(rounds->client, &rounds->ledger, rounds->config,
                                     rounds->config->kafka_timers_topic, rounds->arena, &inputs, err);
    if (!code)
        code = inputs_look(rounds->client, &inputs, now, now, err);
    *out = true;
    for (size_t i = 0; i < inputs.count && !code; i++)
        *out = *out && watermark_is_read(&inputs.items[i]);
    return code;
}

/* Those whose timer was consumed and who are due as before were refused. */
static enum err_code settle_sent(struct rounds *rounds, struct err *err)
{
    int64_t in_vain = 0;
    if (rounds->sent.count == 0)
        return ERR_NONE;
    enum err_code code = due_settle(&rounds->ledger, &rounds->sent, &in_vain, err);
    if (code)
        return code;
    if (in_vain > 0)
        log_event(LOG_WARN, "timers.in_vain", "members=%lld detail=%s", (long long)in_vain,
                  log_quote("their timers were refused, see the dead letters; sent again when the programs change, or "
                            "after an hour"));
    forget_sent(rounds);
    return ERR_NONE;
}

static enum err_code see_watermark(struct rounds *rounds, int64_t due, int64_t now, struct err *err)
{
    struct inputs inputs;
    const struct watermark_input *holder = NULL;
    enum err_code code = inputs_read(rounds->client, &rounds->ledger, rounds->config, rounds->config->kafka_topics,
                                     rounds->arena, &inputs, err);
    if (!code)
        code = inputs_look(rounds->client, &inputs, due, now, err);
    if (code)
        return code;
    int64_t seen = watermark_of(inputs.items, inputs.count, now, &holder);
    if (seen > rounds->watermark)
        rounds->watermark = seen;
    if (due > rounds->watermark && holder)
        log_event(LOG_DEBUG, "timers.held", "due=%lld watermark=%lld by=%s/%d", (long long)due, (long long)seen,
                  holder->topic.at, holder->partition);
    return ERR_NONE;
}

static enum err_code send_all(struct rounds *rounds, const struct due_members *due, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < due->count && !code; i++) {
        struct text id = due->items[i].member_id;
        buffer_clear(&rounds->value);
        timer_event_encode(&rounds->frame, &due->items[i], &rounds->value);
        code = sender_send(rounds->sender, rounds->config->kafka_timers_topic,
                           (struct bytes){(const uint8_t *)id.at, id.len}, buffer_view(&rounds->value), 0, err);
    }
    while (!code && !sender_is_settled(rounds->sender, POLL_MS))
        if (atomic_load(rounds->cancel))
            return err_set(err, ERR_STOPPED, "told to stop");
    return code ? code : sender_finish(rounds->sender, err);
}

static enum err_code send_due(struct rounds *rounds, struct err *err)
{
    struct due_members due;
    enum err_code code = due_read(&rounds->ledger, rounds->watermark, SEND_MOST, rounds->sent_arena, &due, err);
    if (code || due.count == 0)
        return code;
    code = send_all(rounds, &due, err);
    if (code)
        return code;
    log_event(LOG_DEBUG, "timers.sent", "members=%zu due_from=%lld due_to=%lld watermark=%lld", due.count,
              (long long)due.items[0].due_at, (long long)due.items[due.count - 1].due_at, (long long)rounds->watermark);
    rounds->sent = due;
    return ERR_NONE;
}

static enum err_code run(struct rounds *rounds, int64_t now, enum round *out, struct err *err)
{
    struct round_facts facts = {.watermark = rounds->watermark};
    enum err_code code = open_ledger(rounds, err);
    if (!code)
        code = due_first(&rounds->ledger, now, &facts.first_due, err);
    *out = ROUND_REST;
    if (code || (facts.first_due == INT64_MAX && rounds->sent.count == 0))
        return code;
    code = open_kafka(rounds, err);
    if (!code)
        code = see_consumed(rounds, now, &facts.consumed, err);
    if (!code && facts.consumed)
        code = settle_sent(rounds, err);
    if (!code && facts.consumed && facts.first_due < INT64_MAX && facts.first_due > rounds->watermark)
        code = see_watermark(rounds, facts.first_due, now, err);
    if (code)
        return code;
    facts.watermark = rounds->watermark;
    *out = round_choose(&facts);
    return *out == ROUND_SEND ? send_due(rounds, err) : ERR_NONE;
}

enum err_code rounds_run(struct rounds *rounds, int64_t now, enum round *out, struct err *err)
{
    assert(rounds && out);
    arena_reset(rounds->arena);
    enum err_code code = run(rounds, now, out, err);
    if (code)
        rounds_end(rounds);
    return code;
}
