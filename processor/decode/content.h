#ifndef POINTS_DECODE_CONTENT_H
#define POINTS_DECODE_CONTENT_H

#include "rules/event.h"

/* BLAKE2b-128 of an event's facts but its (source, id), by which a repeated (source, id) with another content is
 * recognised. It rests on the decoded event alone, so that wire formats, writers' versions and the order of a map's
 * entries do not matter; and only on fields that are not empty or zero, so that a field added later leaves the hashes
 * of older events as they are. Stored for ever: its form never changes. */
struct hash16 content_hash(const struct event *event);

#endif
