#ifndef POINTS_RULES_TIER_H
#define POINTS_RULES_TIER_H

#include "rules/automatic.h"
#include "rules/order_view.h"
#include "rules/work.h"

/* Tiers: what counts towards them, the change of level that follows, what a level gives. Only what was earned or spent
 * counts, under the time when it was, and not what the balance is. What is undone is counted again: a level that is not
 * reached without it is left at once, and what entering it gave is taken back. */

/* Counts points of a rule of these terms that became available at that time or, negative, are taken back of such. */
void tier_count_points(struct work *work, struct member_work *member, const struct rule *rule, int64_t points,
                       int64_t came_at, const struct program *terms);

/* Counts what an event changed about an order. */
void tier_count_purchase(struct work *work, struct member_work *member, const struct purchase *purchase);

/* What the order's lines that remain buy is held, and what they do not is not. */
void tier_follow_offers(struct work *work, struct member_work *member, const struct order_record *record,
                        const struct order_view *view);

/* What an activity buys. */
void tier_follow_activity(struct work *work, struct member_work *member);

/* Judges the member's level where something counted, or the program's version is another than when that was done last;
 * tells of a change, and books what follows from it. */
enum err_code tier_follow(struct work *work, struct member_work *member);

/* The level that the member holds; empty: none. */
struct text tier_held(const struct program *program, const struct member_state *state);

/* What the level of that id multiplies the rule's points by: those of rules on orders that follow from the order; not
 * fixed ones, nor, where the program has several point currencies, those that its tiers go by. */
struct fraction tier_factor(const struct program *program, const struct rule *rule, struct text tier);

/* Obligations: a level ends; a birthday comes. */
int64_t tier_next_end(const struct member_state *state);
enum err_code tier_settle_end(struct work *work, struct member_work *member, int64_t due);
int64_t tier_next_gift(const struct member_state *state);
enum err_code tier_settle_gift(struct work *work, struct member_work *member, int64_t due);

/* Of a merge: what counted for the other counts for the member from now on, both together, and the higher level wins.
 * Levels that are reached by that give nothing on entry. Tells of a change. */
enum err_code tier_take_over(struct work *work, struct member_work *member, struct member_work *other);

#endif
