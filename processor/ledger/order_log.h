#ifndef POINTS_LEDGER_ORDER_LOG_H
#define POINTS_LEDGER_ORDER_LOG_H

#include <stddef.h>

#include "fold/batch.h"

/* Logs at level debug in which order the records of a committed batch were decided, as runs of one partition:
 * `topic_no/partition@first-last`. What is decided by arrival (limits, first winners, which copy of an event counted)
 * can be told from nothing else once it is over. Long batches take several lines of the same `first`. records: as they
 * were folded. */
void order_log(const struct record *records, size_t count);

#endif
