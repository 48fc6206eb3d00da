#include "ops/database.h"

#include "ledger/migrate.h"

enum err_code database_open(const struct config *config, enum postgres_role role, PGconn **out, struct err *err)
{
    PGconn *connection = NULL;
    enum err_code code = postgres_open(config, role, &connection, err);
    if (code)
        return code;
    struct arena *arena = arena_new(0);
    code = migrate_verify(connection, arena, err);
    arena_free(arena);
    if (code)
        postgres_close(connection);
    else
        *out = connection;
    return code;
}
