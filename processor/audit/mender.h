#ifndef POINTS_AUDIT_MENDER_H
#define POINTS_AUDIT_MENDER_H

#include <libpq-fe.h>

#include "audit/inputs.h"
#include "audit/judge.h"
#include "base/config.h"

/* Publishes missing outputs again, under their own ids. Only such as lie below K: what lies above is the publisher's.
 *
 * Where the bytes come from: the outbox where it still has them; else, of a dead letter, its input record and its row;
 * of a reward, its entry, its input record and the program file (rebuild_reward.h). What cannot be had to the last byte
 * that way is refused, with the reason: half a reward, or one under a guessed id, is worse than none.
 *
 * It has a transactional.id of its own, GROUP-audit, and initialises it before anybody looks at the topics: so of two
 * audits that repair, the later one ends what the earlier one left open before it looks, and fences it. */
struct mender;

/* repair: false plans only. connection: for reading; borrowed. */
enum err_code mender_new(const struct config *config, PGconn *connection, bool repair, struct mender **out,
                         struct err *err);
struct mender *mender_free(struct mender *mender);

struct mending {
    size_t mended;                 /* outputs that are sent, or would be */
    char why[FINDING_REMARK_SIZE]; /* the others are not */
};

/* The missing outputs of one input; group and verdict as judge() had them. */
enum err_code mender_mend(struct mender *mender, const struct audit_input *input, const struct evidence *group,
                          size_t count, const struct verdict *verdict, struct mending *out, struct err *err);

/* Commits what was sent. ERR_KAFKA where it was not, or is not known to be, committed: another audit tells. */
enum err_code mender_finish(struct mender *mender, struct err *err);

#endif
