#ifndef POINTS_AUDIT_RETENTION_H
#define POINTS_AUDIT_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which outputs may have left their topic by retention, so that their absence says nothing.
 *
 * The outputs of one input partition are published in the order of their inputs. So where a partition of the topic has
 * lost its beginning, all outputs behind the first one that it still has of that input partition must still be there;
 * those before it, and that input's own, may be gone. What an audit published again stands out of order: it carries a
 * header that says so, and is not counted as a first one. The topic must not be compacted. */
struct retention;

/* inputs: how many input partitions; partitions: of the topic. */
struct retention *retention_new(size_t inputs, size_t partitions);
struct retention *retention_free(struct retention *retention);

/* The topic's partition does not begin with its first record any more. */
void retention_cut(struct retention *retention, size_t partition);

/* A record of the topic, in the order in which a partition has them. */
void retention_see(struct retention *retention, size_t input, size_t partition, int64_t offset);

/* May the output of that input offset be gone? partition: where it belongs; -1: not known. A partition added later
 * may have taken over members, so what any other partition has lost counts too, as far as it tells. */
bool retention_may_be_gone(const struct retention *retention, size_t input, int32_t partition, int64_t offset);

#endif
