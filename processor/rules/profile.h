#ifndef POINTS_RULES_PROFILE_H
#define POINTS_RULES_PROFILE_H

#include "base/err.h"
#include "rules/event.h"
#include "rules/scratch.h"

/* What is known of a member: a section of its state. A member event says the whole of it: what it leaves empty is not
 * known from then on. Each is in force from the time when it occurred until that of the next, so that a late event is
 * decided by what was in force at its own time, and the order in which they arrive does not matter. Of two of the same
 * time the one with the greater bytes stands. The newest few are kept; what occurred before all of them is decided by
 * the oldest.
 *
 *   natural flags: 1 = older versions are forgotten, 2 = older standings are
 *   count versions, oldest first: signed since, bytes body
 *   count standings, oldest first: signed since, natural standing
 *   body: text zone, text language, text birthday, natural consent, text chosen currency, count segments: text; count
 *         attributes: text name, text value
 */

enum {
    PROFILE_VERSIONS_MAX = 4,
    PROFILE_STANDINGS_MAX = 4,
    PROFILE_SEGMENTS_MAX = 32,
    PROFILE_ATTRIBUTES_MAX = 32,
    PROFILE_BYTES_MAX = 1024, /* of one version */
    PROFILE_NAME_MAX = 64     /* bytes of a zone, language or currency */
};

/* Of a member among the program's members. Written in states: never renumber. */
enum standing { STANDING_NEVER = 0, STANDING_ENROLLED = 1, STANDING_LEFT = 2 };

struct profile_version {
    int64_t since;     /* µs UTC */
    struct bytes body; /* well-formed; decoded when somebody asks */
};

struct profile_standing {
    int64_t since;
    enum standing standing;
};

struct profile {
    bool forgot_versions;
    bool forgot_standings;
    struct profile_version versions[PROFILE_VERSIONS_MAX + 1];
    size_t version_count;
    struct profile_standing standings[PROFILE_STANDINGS_MAX + 1];
    size_t standing_count;
};

struct reader;
struct writer;
struct member_state;

/* The section, for state.c. The profile is NULL where nothing is known. */
void profile_decode(struct reader *reader, struct scratch *scratch, struct member_state *state);
size_t profile_size_max(const struct member_state *state);
void profile_encode(struct writer *writer, const struct member_state *state);

/* Takes in what an event of kind enrolled, updated or left says; true where that changed the profile. ERR_BAD_EVENT,
 * naming field, value and bound, where it is above the bounds. */
enum err_code profile_take(struct member_state *state, const struct event *event, struct scratch *scratch,
                           bool *changed, struct err *err);

/* What was in force at that time; all empty where nothing was known. Texts are views into the state. */
void profile_at(const struct member_state *state, int64_t at, struct scratch *scratch, struct member_event *out);

/* The standing that events gave the member by that time; STANDING_NEVER where none did. */
enum standing profile_standing_at(const struct member_state *state, int64_t at);

/* The name of the zone in force at that time; empty where none is known. */
struct text profile_zone_name_at(const struct member_state *state, int64_t at);

/* The zone in which the member lived at that time: the program's where none, or none of that name, is known; never
 * NULL. */
struct program;
const struct zone *profile_zone_at(const struct program *program, const struct member_state *state, int64_t at);

/* Takes over what the other's profile says into this one, for members that become one: both histories together, as if
 * all events had named one member. */
void profile_unite(struct member_state *into, const struct member_state *from, struct scratch *scratch);

#endif
