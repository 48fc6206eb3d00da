#ifndef POINTS_PROJECTION_STORE_H
#define POINTS_PROJECTION_STORE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "projection/item.h"

/* What the projection reads and writes in PostgreSQL: members' states, and the row that says what Redis must hold. */

enum { IDENTITY_SIZE = 37 }; /* a UUID as text */

struct projection_identity {
    char text[IDENTITY_SIZE];
    bool stale; /* updates were dropped and no rebuild has ended since */
};

enum err_code projection_store_identity(PGconn *connection, struct projection_identity *out, struct err *err);

/* Updates are about to be dropped: sets stale and gives the projection a new identity, so that no mark in Redis holds,
 * nor one that a rebuild under way is going to set. */
enum err_code projection_store_spoil(PGconn *connection, struct err *err);

/* A rebuild for that identity has ended. *done is false where the projection was spoilt since. */
enum err_code projection_store_mend(PGconn *connection, const char *identity, bool *done, struct err *err);

/* Takes the lock under which one process at a time rebuilds; held until the connection closes. */
enum err_code projection_store_lock(PGconn *connection, bool *taken, struct err *err);

/* Roughly how many members there are. */
enum err_code projection_store_estimate(PGconn *connection, int64_t *out, struct err *err);

/* The states of the members with these keys; unknown ones are left out. Items are the arena's. */
enum err_code projection_store_members(PGconn *connection, const struct hash16 *keys, size_t count, struct arena *arena,
                                       struct projection_item **out, size_t *found, struct err *err);

/* Asks for the next page in order of key; the answer is read with PQgetResult. */
enum err_code projection_store_ask_page(PGconn *connection, struct hash16 after, int limit, struct err *err);

/* A page's rows as items: views into rows. Returns how many; items must have room for PQntuples(rows). */
size_t projection_store_items(const PGresult *rows, struct projection_item *items);

#endif
