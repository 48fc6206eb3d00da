#include "ledger/positions.h"

#include "ledger/outbox.h"
#include "ledger/postgres.h"

enum err_code positions_prepare(struct exchange *exchange, struct err *err)
{
    static const char *const statements[][2] = {
        {"find_topic", "SELECT topic_no FROM topics WHERE cluster_id = $1::text AND name = $2::text"
                       " ORDER BY incarnation DESC LIMIT 1"},
        {"add_topic", "INSERT INTO topics (cluster_id, name) VALUES ($1::text, $2::text) ON CONFLICT DO NOTHING"},
        {"add_position", "INSERT INTO positions (topic_no, partition, consumer)"
                         " VALUES ($1::int, $2::int, $3::text) ON CONFLICT DO NOTHING"},
        {"claim_position", "UPDATE positions SET owner_epoch = owner_epoch + 1"
                           " WHERE topic_no = $1::int AND partition = $2::int AND consumer = $3::text"
                           " RETURNING owner_epoch, applied, highest"},
        {"read_outbox", OUTBOX_READ_SQL},
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        enum err_code code = exchange_prepare(exchange, statements[i][0], statements[i][1], err);
        if (code)
            return code;
    }
    return ERR_NONE;
}

static struct bytes as_bytes(struct text text)
{
    return (struct bytes){(const uint8_t *)text.at, text.len};
}

enum err_code positions_topic(struct exchange *exchange, struct text cluster_id, struct text name, int32_t *topic_no,
                              struct err *err)
{
    struct parameters parameters = {{as_bytes(cluster_id), as_bytes(name)}, 2};
    for (int attempt = 0; attempt < 2; attempt++) {
        PGresult *result = NULL;
        enum err_code code = exchange_run(exchange, "find_topic", &parameters, &result, err);
        if (code)
            return code;
        bool found = PQntuples(result) == 1;
        if (found)
            *topic_no = result_i32(result, 0, 0);
        PQclear(result);
        if (found)
            return ERR_NONE;
        code = exchange_run(exchange, "add_topic", &parameters, NULL, err);
        if (code)
            return code;
    }
    return err_set(err, ERR_DATABASE, "topic %.*s could not be numbered", (int)name.len, name.at);
}

enum err_code positions_claim(struct exchange *exchange, int32_t topic_no, int32_t partition, struct text consumer,
                              struct position *out, struct err *err)
{
    uint32_t be_topic = __builtin_bswap32((uint32_t)topic_no), be_partition = __builtin_bswap32((uint32_t)partition);
    struct parameters parameters = {
        {{(const uint8_t *)&be_topic, 4}, {(const uint8_t *)&be_partition, 4}, as_bytes(consumer)}, 3};
    enum err_code code = exchange_run(exchange, "add_position", &parameters, NULL, err);
    if (code)
        return code;
    PGresult *result = NULL;
    code = exchange_run(exchange, "claim_position", &parameters, &result, err);
    if (code)
        return code;
    if (PQntuples(result) != 1) {
        PQclear(result);
        return err_set(err, ERR_DATABASE, "the position of a partition vanished");
    }
    *out = (struct position){topic_no, result_i64(result, 0, 0), result_i64(result, 0, 1), result_i64(result, 0, 2)};
    PQclear(result);
    return ERR_NONE;
}
