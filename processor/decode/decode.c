#include "decode/decode.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#include "decode/content.h"
#include "decode/readers.h"
#include "decode/registry.h"
#include "decode/validate.h"
#include "decode/wire.h"

/* Writers' schemas that the registry gave, by id: compiled once, refusals remembered too. */
enum { LEARNED_MAX = 1024 };

struct learned {
    int32_t id;
    struct schema *schema;
    struct plan *plan; /* NULL: `refusal` says why */
    struct err refusal;
    struct learned *next;
};

struct decoder {
    struct decode_limits limits;
    struct registry *registry;
    struct readers *readers;
    struct learned *learned; /* the one used last comes first */
    size_t learned_count;
    const struct plan *recent; /* the last plan found by fingerprint */
    uint64_t recent_fingerprint;
};

enum err_code decoder_new(const struct decode_limits *limits, struct registry *registry, struct decoder **out,
                          struct err *err)
{
    struct readers *readers;
    if (sodium_init() < 0)
        return err_set(err, ERR_CONFIG, "libsodium cannot be initialised");
    enum err_code code = readers_new(&readers, err);
    if (code)
        return code;
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        abort();
    *decoder = (struct decoder){.limits = *limits, .registry = registry, .readers = readers};
    *out = decoder;
    return ERR_NONE;
}

static void forget_learned(struct decoder *decoder)
{
    while (decoder->learned) {
        struct learned *learned = decoder->learned;
        decoder->learned = learned->next;
        plan_free(learned->plan);
        schema_free(learned->schema);
        free(learned);
    }
    decoder->learned_count = 0;
}

struct decoder *decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return NULL;
    forget_learned(decoder);
    readers_free(decoder->readers);
    free(decoder);
    return NULL;
}

/* The entry for the id, moved to the front; NULL where there is none. */
static struct learned *find_learned(struct decoder *decoder, int32_t id)
{
    for (struct learned **link = &decoder->learned; *link; link = &(*link)->next) {
        struct learned *learned = *link;
        if (learned->id != id)
            continue;
        *link = learned->next;
        learned->next = decoder->learned;
        decoder->learned = learned;
        return learned;
    }
    return NULL;
}

/* Parses and resolves what the registry gave; a schema that is no use is remembered as such. */
static struct learned *add_learned(struct decoder *decoder, int32_t id, struct text json)
{
    if (decoder->learned_count == LEARNED_MAX)
        forget_learned(decoder);
    struct learned *learned = calloc(1, sizeof *learned);
    if (!learned)
        abort();
    learned->id = id;
    if (schema_parse(json, &learned->schema, &learned->refusal) ||
        readers_resolve(decoder->readers, learned->schema, &learned->plan, &learned->refusal))
        err_wrap(&learned->refusal, "schema %" PRId32 " of the registry", id);
    learned->next = decoder->learned;
    decoder->learned = learned;
    decoder->learned_count++;
    return learned;
}

static enum err_code plan_by_id(struct decoder *decoder, int32_t id, const struct plan **out, struct err *err)
{
    struct learned *learned = find_learned(decoder, id);
    if (!learned) {
        struct text json;
        if (!decoder->registry)
            return err_set(err, ERR_BAD_SCHEMA, "schema %" PRId32 ": registry.url is not set", id);
        enum err_code code = registry_schema(decoder->registry, id, &json, err);
        if (code)
            return code;
        learned = add_learned(decoder, id, json);
    }
    if (!learned->plan)
        return err_set(err, learned->refusal.code, "%s", learned->refusal.text);
    *out = learned->plan;
    return ERR_NONE;
}

static enum err_code plan_by_fingerprint(struct decoder *decoder, uint64_t fingerprint, const struct plan **out,
                                         struct err *err)
{
    if (!decoder->recent || decoder->recent_fingerprint != fingerprint) {
        const struct plan *plan = readers_plan(decoder->readers, fingerprint);
        if (!plan)
            return err_set(err, ERR_BAD_SCHEMA, "no schema of ours has the fingerprint %016" PRIx64, fingerprint);
        decoder->recent = plan;
        decoder->recent_fingerprint = fingerprint;
    }
    *out = decoder->recent;
    return ERR_NONE;
}

static int compare_names(const void *a, const void *b)
{
    struct text x = ((const struct attribute *)a)->name;
    struct text y = ((const struct attribute *)b)->name;
    size_t shorter = x.len < y.len ? x.len : y.len;
    int order = shorter ? memcmp(x.at, y.at, shorter) : 0;
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

/* A map has no order, so its entries are put in that of their names; one name twice has no meaning. The list is the
 * arena's, so it may be sorted in place. */
static enum err_code sort_attributes(const struct attribute *list, size_t count, struct err *err)
{
    struct attribute *attributes = (struct attribute *)(uintptr_t)list;
    if (count < 2)
        return ERR_NONE;
    qsort(attributes, count, sizeof *attributes, compare_names);
    for (size_t i = 1; i < count; i++)
        if (text_equal(attributes[i - 1].name, attributes[i].name))
            return err_set(err, ERR_BAD_EVENT, "attributes has one name twice");
    return ERR_NONE;
}

/* Different ways of saying the same become one. */
static enum err_code normalise(struct event *event, struct err *err)
{
    if (event->program_id.len == 0)
        event->program_id = TEXT("default");
    if (event->type == EVENT_ACTIVITY)
        return sort_attributes(event->activity.attributes, event->activity.attribute_count, err);
    if (event->type == EVENT_MEMBER)
        return sort_attributes(event->member.attributes, event->member.attribute_count, err);
    return ERR_NONE;
}

static enum err_code find_plan(struct decoder *decoder, const struct wire_frame *frame, const struct plan **out,
                               struct err *err)
{
    if (frame->format == WIRE_CONFLUENT)
        return plan_by_id(decoder, frame->schema_id, out, err);
    return plan_by_fingerprint(decoder, frame->fingerprint, out, err);
}

enum err_code decoder_decode(struct decoder *decoder, struct bytes value, int64_t recorded_at, struct arena *arena,
                             struct event *out, struct hash16 *content, struct err *err)
{
    struct wire_frame frame;
    const struct plan *plan = NULL;
    struct event event;
    enum err_code code;
    if (value.len > decoder->limits.message_bytes)
        return err_set(err, ERR_TOO_LARGE, "%zu bytes; the most is %zu", value.len, decoder->limits.message_bytes);
    if ((code = wire_parse(value, &frame, err)) || (code = find_plan(decoder, &frame, &plan, err)) ||
        (code = plan_read(plan, &decoder->limits, frame.body, arena, &event, err)) || (code = normalise(&event, err)) ||
        (code = validate_event(&event, &decoder->limits, recorded_at, err)))
        return code;
    *content = content_hash(&event);
    *out = event;
    return ERR_NONE;
}
