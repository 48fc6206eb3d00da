#ifndef POINTS_TESTS_CASEBOOK_H
#define POINTS_TESTS_CASEBOOK_H

#include <stddef.h>

/* Cases for the rules as text that loyalty staff can read. A file holds programs and cases:
 *
 *   program
 *     program: shop          (YAML, indented; several for several versions)
 *
 *   case a refund of 5.00 takes one point back
 *   > order.paid o1 EUR a=1x21.90
 *   ann +2 points order-points o1 = 2
 *   > order.refunded o1 EUR amount=5.00
 *   ann -1 points order-points o1 = 1
 *
 * After each event stand its effects, exactly: one line per entry with the balance after it, one per reward or
 * referral, `nothing`, `waiting`, or `refused` with the error's name and text. The option `outputs` after a case's name
 * adds the outputs' words. Events are the member's ann on 2026-03-01 unless `member=` or `at=` say otherwise.
 *
 * Beside that, each step is checked for what always holds: same input, same bytes; entries numbered without gaps; each
 * balance the sum of its entries; states that read back to the same bytes. */

/* Runs every case of the file; fails the running Criterion test naming file and line. Path is relative to the tree.
 * Returns how many records went to the side table. */
size_t casebook_run(const char *path);

#endif
