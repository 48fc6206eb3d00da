#ifndef POINTS_RULES_RULE_INDEX_H
#define POINTS_RULES_RULE_INDEX_H

#include "rules/program_model.h"
#include "rules/record.h"

/* The rules of one kind of order event by what an order must have for them: a SKU, category or label that their items
 * name, a text that their condition compares with. An order meets the rules that ask for nothing, and those that ask
 * for something it has; thousands of others cost it nothing. */
struct rule_index;

struct rule_index *rule_index_make(struct rule_list rules, struct arena *arena);

/* The rules that may grant something for the order, in file order: all others grant nothing. granted: rules that have
 * granted for it, which are among them whatever they ask for. The list is the index's or scratch. */
struct rule_list rule_index_find(const struct rule_index *index, const struct order_record *record,
                                 struct rule_list granted, struct scratch *scratch);

#endif
