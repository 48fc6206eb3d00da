#ifndef POINTS_RULES_SPREAD_H
#define POINTS_RULES_SPREAD_H

#include "rules/scratch.h"

/* Divides amount >= 0 over weights >= 0 in proportion, each share rounded down, and gives what is left, one unit each,
 * to the largest remainders; of equal ones to the earlier (the method of largest remainder, after Hamilton). No share
 * is above its weight where amount is at most the weights' sum, which the caller makes sure of and which is in range.
 */
void spread(int64_t amount, const int64_t *weights, size_t count, struct scratch *scratch, int64_t *shares);

#endif
