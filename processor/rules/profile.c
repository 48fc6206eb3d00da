#include "rules/profile.h"

#include <assert.h>

#include "rules/codec.h"
#include "rules/program_model.h"
#include "rules/shown.h"
#include "rules/state.h"

enum { FORGOT_VERSIONS = 1, FORGOT_STANDINGS = 2, VERSION_BYTES_MIN = 2, STANDING_BYTES_MIN = 2 };

/* ---- order: what does not depend on the order of arrival */

static int bytes_compare(struct bytes a, struct bytes b)
{
    return text_compare((struct text){(const char *)a.at, a.len}, (struct text){(const char *)b.at, b.len});
}

static int version_compare(const struct profile_version *a, const struct profile_version *b)
{
    if (a->since != b->since)
        return a->since < b->since ? -1 : 1;
    return bytes_compare(a->body, b->body);
}

static int standing_compare(const struct profile_standing *a, const struct profile_standing *b)
{
    if (a->since != b->since)
        return a->since < b->since ? -1 : 1;
    return (a->standing > b->standing) - (a->standing < b->standing);
}

/* True where that changed the profile. */
static bool add_version(struct profile *profile, struct profile_version version)
{
    size_t at = profile->version_count;
    while (at > 0 && version_compare(&profile->versions[at - 1], &version) > 0)
        at--;
    if (at > 0 && version_compare(&profile->versions[at - 1], &version) == 0)
        return false;
    memmove(&profile->versions[at + 1], &profile->versions[at],
            (profile->version_count - at) * sizeof *profile->versions);
    profile->versions[at] = version;
    if (profile->version_count++ < PROFILE_VERSIONS_MAX)
        return true;
    profile->version_count--;
    memmove(&profile->versions[0], &profile->versions[1], profile->version_count * sizeof *profile->versions);
    bool news = at > 0 || !profile->forgot_versions;
    profile->forgot_versions = true;
    return news;
}

static bool add_standing(struct profile *profile, struct profile_standing standing)
{
    size_t at = profile->standing_count;
    while (at > 0 && standing_compare(&profile->standings[at - 1], &standing) > 0)
        at--;
    if (at > 0 && standing_compare(&profile->standings[at - 1], &standing) == 0)
        return false;
    memmove(&profile->standings[at + 1], &profile->standings[at],
            (profile->standing_count - at) * sizeof *profile->standings);
    profile->standings[at] = standing;
    if (profile->standing_count++ < PROFILE_STANDINGS_MAX)
        return true;
    profile->standing_count--;
    memmove(&profile->standings[0], &profile->standings[1], profile->standing_count * sizeof *profile->standings);
    bool news = at > 0 || !profile->forgot_standings;
    profile->forgot_standings = true;
    return news;
}

/* ---- the section */

static bool body_is_whole(struct bytes body)
{
    struct reader reader = reader_of(body);
    for (int name = 0; name < 3; name++)
        read_bytes(&reader);
    bool whole = read_varint(&reader) <= 1; /* consent */
    read_bytes(&reader);
    size_t segments = read_count(&reader, 1);
    for (size_t i = 0; i < segments && !reader.bad; i++)
        read_bytes(&reader);
    size_t attributes = read_count(&reader, 2);
    for (size_t i = 0; i < 2 * attributes && !reader.bad; i++)
        read_bytes(&reader);
    return whole && !reader.bad && reader.at == reader.end && body.len <= PROFILE_BYTES_MAX &&
           segments <= PROFILE_SEGMENTS_MAX && attributes <= PROFILE_ATTRIBUTES_MAX;
}

void profile_decode(struct reader *reader, struct scratch *scratch, struct member_state *state)
{
    struct profile *profile = scratch_raw(scratch, sizeof *profile);
    uint64_t flags = read_varint(reader);
    profile->forgot_versions = flags & FORGOT_VERSIONS;
    profile->forgot_standings = flags & FORGOT_STANDINGS;
    size_t versions = read_count(reader, VERSION_BYTES_MIN);
    if (flags > (FORGOT_VERSIONS | FORGOT_STANDINGS) || versions > PROFILE_VERSIONS_MAX)
        versions = (size_t)reader_fail(reader);
    for (size_t i = 0; i < versions; i++) {
        profile->versions[i].since = read_signed(reader);
        profile->versions[i].body = read_bytes(reader);
        if (!body_is_whole(profile->versions[i].body))
            reader_fail(reader);
        if (i > 0 && version_compare(&profile->versions[i - 1], &profile->versions[i]) >= 0)
            reader_fail(reader);
    }
    size_t standings = read_count(reader, STANDING_BYTES_MIN);
    if (standings > PROFILE_STANDINGS_MAX)
        standings = (size_t)reader_fail(reader);
    for (size_t i = 0; i < standings; i++) {
        int64_t since = read_signed(reader);
        uint64_t standing = read_varint(reader);
        if (standing != STANDING_ENROLLED && standing != STANDING_LEFT)
            reader_fail(reader);
        profile->standings[i] = (struct profile_standing){since, (enum standing)standing};
        if (i > 0 && standing_compare(&profile->standings[i - 1], &profile->standings[i]) >= 0)
            reader_fail(reader);
    }
    bool whole = (!profile->forgot_versions || versions == PROFILE_VERSIONS_MAX) &&
                 (!profile->forgot_standings || standings == PROFILE_STANDINGS_MAX);
    if (!whole)
        reader_fail(reader);
    profile->version_count = versions;
    profile->standing_count = standings;
    state->profile = profile;
}

size_t profile_size_max(const struct member_state *state)
{
    const struct profile *profile = state->profile;
    if (!profile || profile->version_count + profile->standing_count == 0)
        return 0;
    size_t size = (3 + 2 * profile->standing_count) * CODEC_VARINT_MAX;
    for (size_t i = 0; i < profile->version_count; i++)
        size += 2 * CODEC_VARINT_MAX + profile->versions[i].body.len;
    return size;
}

void profile_encode(struct writer *writer, const struct member_state *state)
{
    const struct profile *profile = state->profile;
    write_varint(writer, (profile->forgot_versions ? FORGOT_VERSIONS : 0u) |
                             (profile->forgot_standings ? FORGOT_STANDINGS : 0u));
    write_varint(writer, profile->version_count);
    for (size_t i = 0; i < profile->version_count; i++) {
        const struct profile_version *version = &profile->versions[i];
        write_signed(writer, version->since);
        write_text(writer, (struct text){(const char *)version->body.at, version->body.len});
    }
    write_varint(writer, profile->standing_count);
    for (size_t i = 0; i < profile->standing_count; i++) {
        write_signed(writer, profile->standings[i].since);
        write_varint(writer, profile->standings[i].standing);
    }
}

/* ---- bodies */

static void read_segments(struct reader *reader, struct scratch *scratch, struct member_event *out)
{
    size_t count = read_count(reader, 1);
    struct text *segments = scratch_raw(scratch, (count + 1) * sizeof *segments);
    for (size_t i = 0; i < count; i++)
        segments[i] = read_text(reader);
    out->segments = segments;
    out->segment_count = count;
}

static void read_attributes(struct reader *reader, struct scratch *scratch, struct member_event *out)
{
    size_t count = read_count(reader, 2);
    struct attribute *attributes = scratch_raw(scratch, (count + 1) * sizeof *attributes);
    for (size_t i = 0; i < count; i++) {
        attributes[i].name = read_text(reader);
        attributes[i].value = read_text(reader);
    }
    out->attributes = attributes;
    out->attribute_count = count;
}

static void body_decode(struct bytes body, struct scratch *scratch, struct member_event *out)
{
    struct reader reader = reader_of(body);
    out->zone = read_text(&reader);
    out->language = read_text(&reader);
    out->birthday = read_text(&reader);
    out->consent = read_varint(&reader) != 0;
    out->chosen_currency = read_text(&reader);
    read_segments(&reader, scratch, out);
    read_attributes(&reader, scratch, out);
    assert(!reader.bad && reader.at == reader.end);
}

static size_t body_size_max(const struct member_event *member)
{
    size_t size = 7 * CODEC_VARINT_MAX + member->zone.len + member->language.len + member->birthday.len +
                  member->chosen_currency.len;
    for (size_t i = 0; i < member->segment_count; i++)
        size += CODEC_VARINT_MAX + member->segments[i].len;
    for (size_t i = 0; i < member->attribute_count; i++)
        size += 2 * CODEC_VARINT_MAX + member->attributes[i].name.len + member->attributes[i].value.len;
    return size;
}

static struct bytes body_encode(const struct member_event *member, struct scratch *scratch)
{
    size_t size = body_size_max(member);
    uint8_t *at = scratch_raw(scratch, size);
    struct writer writer = {at, at + size};
    write_text(&writer, member->zone);
    write_text(&writer, member->language);
    write_text(&writer, member->birthday);
    write_varint(&writer, member->consent);
    write_text(&writer, member->chosen_currency);
    write_varint(&writer, member->segment_count);
    for (size_t i = 0; i < member->segment_count; i++)
        write_text(&writer, member->segments[i]);
    write_varint(&writer, member->attribute_count);
    for (size_t i = 0; i < member->attribute_count; i++) {
        write_text(&writer, member->attributes[i].name);
        write_text(&writer, member->attributes[i].value);
    }
    return (struct bytes){at, (size_t)(writer.at - at)};
}

/* ---- events */

static enum err_code check_length(const char *name, struct text text, struct err *err)
{
    if (text.len <= PROFILE_NAME_MAX)
        return ERR_NONE;
    return err_set(err, ERR_BAD_EVENT, "member.%s has %zu bytes; the most is %d", name, text.len, PROFILE_NAME_MAX);
}

static enum err_code check_count(const char *name, size_t count, int most, struct err *err)
{
    if (count <= (size_t)most)
        return ERR_NONE;
    return err_set(err, ERR_BAD_EVENT, "member.%s has %zu entries; the most is %d", name, count, most);
}

static enum err_code check_bounds(const struct member_event *member, struct err *err)
{
    enum err_code code = check_length("zone", member->zone, err);
    if (!code)
        code = check_length("language", member->language, err);
    if (!code)
        code = check_length("chosen_currency", member->chosen_currency, err);
    if (!code)
        code = check_count("segments", member->segment_count, PROFILE_SEGMENTS_MAX, err);
    if (!code)
        code = check_count("attributes", member->attribute_count, PROFILE_ATTRIBUTES_MAX, err);
    return code;
}

static struct profile *opened(struct member_state *state, struct scratch *scratch)
{
    if (!state->profile) {
        state->profile = scratch_raw(scratch, sizeof *state->profile);
        *state->profile = (struct profile){0};
    }
    return state->profile;
}

enum err_code profile_take(struct member_state *state, const struct event *event, struct scratch *scratch,
                           bool *changed, struct err *err)
{
    assert(event->type == EVENT_MEMBER);
    *changed = false;
    if (event->kind == MEMBER_LEFT) { /* what is known stays known */
        struct profile_standing left = {event->occurred_at, STANDING_LEFT};
        *changed = add_standing(opened(state, scratch), left);
        return ERR_NONE;
    }
    if (event->kind != MEMBER_ENROLLED && event->kind != MEMBER_UPDATED)
        return ERR_NONE;
    enum err_code code = check_bounds(&event->member, err);
    if (code)
        return code;
    struct bytes body = body_encode(&event->member, scratch);
    if (body.len > PROFILE_BYTES_MAX)
        return err_set(err, ERR_BAD_EVENT, "what the event says of the member takes %zu bytes; the most is %d",
                       body.len, PROFILE_BYTES_MAX);
    struct profile *profile = opened(state, scratch);
    *changed = add_version(profile, (struct profile_version){event->occurred_at, body});
    if (event->kind == MEMBER_ENROLLED)
        *changed |= add_standing(profile, (struct profile_standing){event->occurred_at, STANDING_ENROLLED});
    return ERR_NONE;
}

/* ---- what was in force */

static const struct profile_version *version_at(const struct member_state *state, int64_t at)
{
    const struct profile *profile = state->profile;
    if (!profile)
        return NULL;
    for (size_t i = profile->version_count; i-- > 0;)
        if (profile->versions[i].since <= at)
            return &profile->versions[i];
    return profile->forgot_versions ? &profile->versions[0] : NULL;
}

void profile_at(const struct member_state *state, int64_t at, struct scratch *scratch, struct member_event *out)
{
    const struct profile_version *version = version_at(state, at);
    *out = (struct member_event){0};
    if (version)
        body_decode(version->body, scratch, out);
}

enum standing profile_standing_at(const struct member_state *state, int64_t at)
{
    const struct profile *profile = state->profile;
    if (!profile)
        return STANDING_NEVER;
    for (size_t i = profile->standing_count; i-- > 0;)
        if (profile->standings[i].since <= at)
            return profile->standings[i].standing;
    return profile->forgot_standings ? profile->standings[0].standing : STANDING_NEVER;
}

struct text profile_zone_name_at(const struct member_state *state, int64_t at)
{
    const struct profile_version *version = version_at(state, at);
    if (!version)
        return (struct text){NULL, 0};
    struct reader reader = reader_of(version->body);
    return read_text(&reader); /* it stands first */
}

const struct zone *profile_zone_at(const struct program *program, const struct member_state *state, int64_t at)
{
    struct text name = profile_zone_name_at(state, at);
    const struct zone *zone = name.len > 0 ? zones_find(program->zones, name) : NULL;
    return zone ? zone : program->local;
}

void profile_unite(struct member_state *into, const struct member_state *from, struct scratch *scratch)
{
    const struct profile *other = from->profile;
    if (!other)
        return;
    struct profile *profile = opened(into, scratch);
    for (size_t i = 0; i < other->version_count; i++)
        add_version(profile, other->versions[i]);
    for (size_t i = 0; i < other->standing_count; i++)
        add_standing(profile, other->standings[i]);
    profile->forgot_versions |= other->forgot_versions && profile->version_count == PROFILE_VERSIONS_MAX;
    profile->forgot_standings |= other->forgot_standings && profile->standing_count == PROFILE_STANDINGS_MAX;
}
