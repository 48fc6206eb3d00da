#ifndef POINTS_RULES_LIMITS_H
#define POINTS_RULES_LIMITS_H

#include "base/text.h"
#include "rules/scratch.h"
#include "rules/window.h"

/* What a member has used of limits: a section of the state.
 *
 *   count uses, sorted by key: text limit id, natural head (unit | form << 1 | closed << 4 | network << 5), with
 *   WINDOW_FIXED: natural length in seconds; with closed: signed seconds;
 *   without WINDOW_EVER: count windows, sorted: signed begin less the begin before (the first less 0), natural length
 * in seconds, natural used; with WINDOW_EVER: natural used
 *
 * Of a limit the newest LIMIT_WINDOWS_KEPT windows are kept that something was used in. Those before are closed: what
 * comes so late finds nothing left of them, and what is given back to them is gone. So no limit is ever exceeded,
 * whatever the order of arrival.
 *
 * A period counts what was used in every window that it overlaps. Windows overlap where the zone changed, of the member
 * or of the program, and where members were merged who lived in two zones: a day that has begun again elsewhere is
 * still the day in which something was used. */

enum { LIMIT_WINDOWS_KEPT = 8 };

/* Written into states: never renumber. */
enum limit_unit { LIMIT_POINTS = 0, LIMIT_TIMES = 1 };

/* What a limit counts apart. How much it allows is not part of it, so that a version of the program may change it. */
struct limit_key {
    struct text id; /* the limit's, or the rule's whose own it is */
    enum limit_unit unit;
    enum window_form form;
    int64_t length;   /* of WINDOW_FIXED, in seconds; else 0 */
    uint32_t network; /* 0: of all networks together; else 1 + enum share_network */
};

/* Orders keys by id, unit, form, length, network; spans by their begin, then their end. */
int limit_key_compare(const struct limit_key *a, const struct limit_key *b);
int span_compare(struct span a, struct span b);

struct limit_window {
    struct span span;
    int64_t used; /* > 0 */
};

struct limit_use {
    struct limit_key key;
    int64_t closed_until; /* seconds; INT64_MIN: no window was forgotten */
    struct limit_window windows[LIMIT_WINDOWS_KEPT + 1];
    size_t window_count; /* sorted by span; at most LIMIT_WINDOWS_KEPT between calls */
};

struct limits {
    struct limit_use *uses; /* sorted by key */
    size_t count;
    size_t capacity;
};

/* What was used of the limit in the period: INT64_MAX where it is closed. */
int64_t limits_used(const struct limits *limits, const struct limit_key *key, struct span period);

/* Uses so much more in the period, which is not closed. amount > 0; what was used there and the amount fit int64. */
void limits_use(struct limits *limits, const struct limit_key *key, struct span period, int64_t amount,
                struct scratch *scratch);

/* Gives back, as far as it is known, what was used at that instant (seconds). amount > 0. */
void limits_give_back(struct limits *limits, const struct limit_key *key, int64_t seconds, int64_t amount);

/* Adds what another member used. False where a sum does not fit int64. */
bool limits_unite(struct limits *limits, const struct limits *other, struct scratch *scratch);

/* The section of a member's state. */
struct member_state;
struct reader;
struct writer;
void limits_read(struct reader *reader, struct scratch *scratch, struct member_state *state);
size_t limits_size_max(const struct member_state *state);
void limits_write(struct writer *writer, const struct member_state *state);

#endif
