#ifndef POINTS_PROGRAM_PARTS_H
#define POINTS_PROGRAM_PARTS_H

#include "program/fields.h"

/* The parts of a program file, each read by a function that has the shape of struct field's read. */

/* The whole file. */
extern const struct shape program_shape;

/* `rules`, `rewards`: into the loader's program. They rely on points and money. */
extern const struct shape rules_shape, rewards_shape;
void read_rules(struct loader *loader, const struct node *node, void *unused);
void read_rewards(struct loader *loader, const struct node *node, void *unused);

/* `tiers`: relies on points and money. */
extern const struct shape tiers_shape;
void read_tiers(struct loader *loader, const struct node *node, void *unused);

/* `week_begins`; `limits` and `budgets`, which rely on the rules and complete them. */
extern const struct shape weekday_shape, limits_shape, budgets_shape;
void read_week_begins(struct loader *loader, const struct node *node, void *unused);
void read_limits(struct loader *loader, const struct node *node, void *unused);
void read_budgets(struct loader *loader, const struct node *node, void *unused);

/* The rule of the file that has the id; complains with a hint otherwise. */
struct rule *read_rule_name(struct loader *loader, const struct node *node);

/* `multipliers`: relies on the rules. */
extern const struct shape multipliers_shape;
void read_multipliers(struct loader *loader, const struct node *node, void *unused);

enum {
    CLAIMS_MAX =
        2 * TIER_LEVELS_MAX + PROGRAM_RULES_MAX + PROGRAM_REWARDS_MAX + PROGRAM_MULTIPLIERS_MAX + 2 * PROGRAM_LIMITS_MAX
};

/* A condition over events of the type, true or false. Complains and gives false otherwise. */
bool read_condition(struct loader *loader, const struct node *node, enum event_type type,
                    const struct cel_program **out);

/* A whole number of points, over events of the type. */
bool read_amount_expression(struct loader *loader, const struct node *node, enum event_type type,
                            const struct cel_program **out);

/* Complains when another rule or reward has the id already. An empty id, one that could not be read, is let pass. */
void claim_id(struct loader *loader, const struct node *item, struct text id);

/* A node for one word of a value, so that errors show its place. */
struct node word_node(const struct node *of, struct text word);

/* Takes the next word off the text; empty at the end. */
struct text next_word(struct text *rest);

/* "1 per 1.00", "3 per whole 4.00", "5%": what is paid for has basis_decimals. units: it may have a name, "1.5 per
 * mile", which says nothing more. */
extern const struct shape rate_shape;
bool read_rate(struct loader *loader, const struct node *node, bool units, int point_decimals, int basis_decimals,
               struct rate *out);

/* "{amount} points for order {subject}". */
extern const struct shape reason_shape;
bool read_reason(struct loader *loader, const struct node *node, struct reason *out);

/* A part of words that the program has built in. */
#define LITERAL(words)                                                                                                 \
    {                                                                                                                  \
        REASON_LITERAL,                                                                                                \
        {                                                                                                              \
            words, sizeof(words) - 1                                                                                   \
        }                                                                                                              \
    }

/* The words of a rule that has none of its own. */
struct reason default_reason(enum event_type type);

/* Puts in what the rule says by itself, its id and its currency, so that a grant adds what only it knows. */
void settle_reason(struct loader *loader, struct rule *rule);

#endif
