#ifndef POINTS_LEDGER_BUDGET_ROWS_H
#define POINTS_LEDGER_BUDGET_ROWS_H

#include "fold/budgets.h"
#include "ledger/exchange.h"

/* The last step of a batch's transaction, so that a budget is locked for as short as can be: whoever else draws on it
 * waits until this batch is committed. Each budget changes by what the batch draws, provided that what was used of it
 * lies within what the batch's decisions rest on; otherwise ERR_CONFLICT, and the batch must be folded again. */
enum err_code budget_rows_write(struct exchange *exchange, const struct budgets *budgets, struct err *err);

#endif
