#include "ledger/budget_rows.h"

#include <stdlib.h>

#include "base/copy_row.h"

enum { ARRAYS = 5 };

/* Rows of budgets as arrays of a statement. */
struct arrays {
    struct buffer at[ARRAYS];
};

static struct buffer *array(struct arrays *arrays, size_t i, uint32_t oid, size_t count)
{
    buffer_clear(&arrays->at[i]);
    array_start(&arrays->at[i], oid, count);
    return &arrays->at[i];
}

static struct parameters as_parameters(const struct arrays *arrays, int count)
{
    struct parameters parameters = {.count = count};
    for (int i = 0; i < count; i++)
        parameters.values[i] = buffer_view(&arrays->at[i]);
    return parameters;
}

static int compare_rows(const void *a, const void *b)
{
    return hash16_compare((*(const struct budget_row *const *)a)->key, (*(const struct budget_row *const *)b)->key);
}

/* Those that the batch changes or rests on, sorted by key, so that they are locked in that order. */
static size_t rows_to_write(const struct budgets *budgets, const struct budget_row **rows)
{
    size_t count = 0;
    for (size_t i = 0; i < budgets->count; i++) {
        const struct budget_row *row = &budgets->rows[i];
        if (row->amount != 0 || row->least != INT64_MIN || row->most != INT64_MAX)
            rows[count++] = row;
    }
    if (count > 1)
        qsort(rows, count, sizeof *rows, compare_rows);
    return count;
}

/* Those of which nothing was used may not be there yet. */
static enum err_code insert_rows(struct exchange *exchange, struct arrays *arrays, const struct budgets *budgets,
                                 const struct budget_row *const *rows, size_t count, struct err *err)
{
    size_t absent = 0;
    for (size_t i = 0; i < count; i++)
        absent += rows[i]->loaded == 0;
    if (absent == 0)
        return ERR_NONE;
    struct buffer *keys = array(arrays, 0, OID_UUID, absent), *programs = array(arrays, 1, OID_TEXT, absent);
    struct buffer *ids = array(arrays, 2, OID_TEXT, absent), *begins = array(arrays, 3, OID_INT8, absent);
    struct buffer *ends = array(arrays, 4, OID_INT8, absent);
    for (size_t i = 0; i < count; i++) {
        if (rows[i]->loaded != 0)
            continue;
        const struct budget *budget = &budgets->items[rows[i] - budgets->rows];
        copy_hash(keys, rows[i]->key);
        copy_text(programs, rows[i]->program_id);
        copy_text(ids, budget->key.id);
        copy_i64(begins, budget->period.begins);
        copy_i64(ends, budget->period.ends);
    }
    struct parameters parameters = as_parameters(arrays, 5);
    return exchange_run(exchange, "insert_budgets", &parameters, NULL, err);
}

static enum err_code update_rows(struct exchange *exchange, struct arrays *arrays, const struct budget_row *const *rows,
                                 size_t count, struct err *err)
{
    struct buffer *keys = array(arrays, 0, OID_UUID, count), *amounts = array(arrays, 1, OID_INT8, count);
    struct buffer *least = array(arrays, 2, OID_INT8, count), *most = array(arrays, 3, OID_INT8, count);
    for (size_t i = 0; i < count; i++) {
        copy_hash(keys, rows[i]->key);
        copy_i64(amounts, rows[i]->amount);
        copy_i64(least, rows[i]->least);
        copy_i64(most, rows[i]->most);
    }
    struct parameters parameters = as_parameters(arrays, 4);
    PGresult *result = NULL;
    enum err_code code = exchange_run(exchange, "update_budgets", &parameters, &result, err);
    if (code)
        return code;
    int64_t touched = exchange_touched(result);
    PQclear(result);
    if (touched != (int64_t)count)
        return err_set(err, ERR_CONFLICT, "%lld of %zu budgets were as the batch took them to be", (long long)touched,
                       count);
    return ERR_NONE;
}

enum err_code budget_rows_write(struct exchange *exchange, const struct budgets *budgets, struct err *err)
{
    if (budgets->count == 0)
        return ERR_NONE;
    struct arrays arrays = {0};
    const struct budget_row **rows = malloc(budgets->count * sizeof *rows);
    if (!rows)
        abort();
    size_t count = rows_to_write(budgets, rows);
    enum err_code code = ERR_NONE;
    if (count > 0)
        code = insert_rows(exchange, &arrays, budgets, rows, count, err);
    if (!code && count > 0)
        code = update_rows(exchange, &arrays, rows, count, err);
    for (size_t i = 0; i < ARRAYS; i++)
        buffer_release(&arrays.at[i]);
    free(rows);
    return code;
}
