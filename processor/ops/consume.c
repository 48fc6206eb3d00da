#include <string.h>

#include "base/clock.h"
#include "ops/command.h"
#include "ops/interrupt.h"
#include "ops/record_json.h"
#include "ops/topic_reader.h"

enum { WAIT_MS = 100, SILENCE_US = 30 * 1000 * 1000 };

struct consumption {
    const struct invocation *invocation;
    struct reward_schemas *schemas; /* NULL: dead letters */
    const char *member;             /* NULL: all */
    bool follow;
    int64_t most; /* 0: no limit */
    int64_t shown;
    bool undecodable; /* some record was */
};

static bool is_wanted(const struct consumption *consumption, const rd_kafka_message_t *message)
{
    if (!consumption->member)
        return true;
    return text_equal((struct text){message->key, message->key ? message->key_len : 0}, text_of(consumption->member));
}

static enum err_code show(struct consumption *consumption, const rd_kafka_message_t *message, struct err *err)
{
    struct err undecodable = {.code = ERR_NONE};
    json_t *record = consumption->schemas ? record_json_reward(consumption->schemas, message, &undecodable)
                                          : record_json_dead_letter(message);
    if (undecodable.code == ERR_REGISTRY) {
        json_decref(record);
        *err = undecodable;
        return ERR_REGISTRY;
    }
    json_dumpf(record, consumption->invocation->out, JSON_COMPACT);
    fputc('\n', consumption->invocation->out);
    json_decref(record);
    consumption->undecodable |= undecodable.code != ERR_NONE;
    consumption->shown++;
    return ERR_NONE;
}

static bool is_done(const struct consumption *consumption, const struct topic_reader *reader)
{
    if (ferror(consumption->invocation->out) || (consumption->most && consumption->shown == consumption->most))
        return true;
    return !consumption->follow && topic_reader_at_end(reader);
}

/* Nothing came. Silence before the end of the topic is no end. */
static enum err_code wait_on(struct consumption *consumption, int64_t heard_at, struct err *err)
{
    fflush(consumption->invocation->out);
    if (consumption->follow || clock_monotonic_us() - heard_at < SILENCE_US)
        return ERR_NONE;
    return err_set(err, ERR_KAFKA, "nothing came for %d seconds before the end of the topic", SILENCE_US / 1000000);
}

static enum err_code consume_records(struct consumption *consumption, struct topic_reader *reader,
                                     struct interrupt *interrupt, struct err *err)
{
    int64_t heard_at = clock_monotonic_us();
    enum err_code code = ERR_NONE;
    while (code == ERR_NONE && !is_done(consumption, reader) && !interrupt_came(interrupt)) {
        rd_kafka_message_t *message;
        code = topic_reader_next(reader, WAIT_MS, &message, err);
        if (code != ERR_NONE)
            break;
        if (!message) {
            code = wait_on(consumption, heard_at, err);
            continue;
        }
        heard_at = clock_monotonic_us();
        if (is_wanted(consumption, message))
            code = show(consumption, message, err);
        rd_kafka_message_destroy(message);
    }
    return code;
}

static enum err_code consume_topic(struct consumption *consumption, const char *topic, enum topic_start start,
                                   struct err *err)
{
    struct topic_reader *reader = NULL;
    struct interrupt interrupt = interrupt_watch();
    enum err_code code = topic_reader_open(consumption->invocation->config, topic, start, &reader, err);
    if (code == ERR_NONE)
        code = consume_records(consumption, reader, &interrupt, err);
    topic_reader_close(reader);
    interrupt_release(&interrupt);
    return code;
}

static enum err_code read_options(const struct invocation *invocation, struct consumption *out, enum topic_start *start,
                                  struct err *err)
{
    const char *from = option_text(invocation, "--from", "beginning");
    *out = (struct consumption){.invocation = invocation,
                                .member = option_text(invocation, "--member", NULL),
                                .follow = option_given(invocation, "--follow")};
    *start = strcmp(from, "end") == 0 ? TOPIC_FROM_END : TOPIC_FROM_BEGINNING;
    if (*start == TOPIC_FROM_BEGINNING && strcmp(from, "beginning") != 0)
        return err_set(err, ERR_USAGE, "--from is %.60s; it must be beginning or end", from);
    return option_number(invocation, "--max", 1, INT64_MAX, 0, &out->most, err);
}

static enum err_code consume_what(struct consumption *consumption, const char *what, enum topic_start start,
                                  struct err *err)
{
    const struct config *config = consumption->invocation->config;
    if (strcmp(what, "dead-letters") == 0)
        return consume_topic(consumption, config->kafka_dead_letter_topic, start, err);
    if (strcmp(what, "rewards") != 0)
        return err_set(err, ERR_USAGE, "there is no %.60s; it must be rewards or dead-letters", what);
    enum err_code code = reward_schemas_new(config, &consumption->schemas, err);
    if (code == ERR_NONE)
        code = consume_topic(consumption, config->kafka_rewards_topic, start, err);
    consumption->schemas = reward_schemas_free(consumption->schemas);
    return code;
}

static int consume(const struct invocation *invocation)
{
    struct consumption consumption;
    enum topic_start start;
    struct err err = {.code = ERR_NONE};
    enum err_code code = read_options(invocation, &consumption, &start, &err);
    if (code == ERR_NONE)
        code = consume_what(&consumption, invocation->arguments[0], start, &err);
    if (code != ERR_NONE)
        return command_failed(invocation, &err);
    return consumption.undecodable ? EXIT_DIFFERENCE : EXIT_OK;
}

const struct command command_consume = {
    .name = "consume",
    .arguments = "rewards|dead-letters",
    .summary = "print rewards or dead letters from Kafka as JSON lines",
    .description =
        "Reads the topic as a downstream service does, committed records only, from the beginning to its end, and "
        "prints each record as one JSON object on a line: topic, partition, offset, timestamp, key and headers; of "
        "rewards the decoded reward, of dead letters the refused value in base64, while their headers say what was "
        "refused, where and why. Bytes that are not UTF-8 stand as {\"base64\": ...}; a header that occurs several "
        "times has a "
        "list of values.\n\n"
        "It joins no consumer group and commits nothing: looking changes nothing. A reward that cannot be decoded is "
        "printed with the reason under \"undecodable\", and the exit status is then 1.",
    .least_arguments = 1,
    .most_arguments = 1,
    .loads_config = true,
    .json = true,
    .options =
        {
            {"--follow", NULL, "go on at the end and print what comes, until SIGINT"},
            {"--from", "WHERE", "beginning (default), or end: only what comes from now on, with --follow"},
            {"--max", "N", "stop after N records"},
            {"--member", "ID", "only records under this member id as key"},
        },
    .examples =
        {
            {"points consume rewards", "all rewards so far"},
            {"points consume rewards --member m-1 | jq -r .reward.reason", "why one member got what"},
            {"points consume rewards --follow --from end", "watch new ones come"},
            {"points consume dead-letters --max 1", "the first event that was refused"},
        },
    .run = consume,
};
