#ifndef POINTS_RULES_PROGRAM_MODEL_H
#define POINTS_RULES_PROGRAM_MODEL_H

#include "base/arena.h"
#include "rules/expiry.h"
#include "rules/limits.h"
#include "rules/pending.h"
#include "rules/program.h"
#include "rules/rate.h"
#include "rules/text_set.h"
#include "rules/zones.h"

/* What is inside a struct program: shared by the rules, which read it, and program/, which builds it from a file. */

enum {
    PROGRAM_POINTS_MAX = 16, /* point currencies */
    PROGRAM_MONEY_MAX = 64,  /* currencies of orders */
    PROGRAM_RULES_MAX = 16384,
    PROGRAM_REWARDS_MAX = 256,
    PROGRAM_MULTIPLIERS_MAX = 256,
    PROGRAM_NTH_MAX = 64, /* of a rule for the member's nth order */
    PROGRAM_PARTNERS_MAX = 65536,
    PROGRAM_LIMITS_MAX = 64, /* of several rules; and as many budgets */
    RULE_LIMITS_MAX = 16,    /* of one rule; and as many budgets */
    ACTIVITY_DECIMALS = 3,   /* an activity's value counts thousandths */
    REASON_PARTS_MAX = 32,
};

struct cel_program; /* rules/cel/cel.h */
struct rule_index;  /* rules/rule_index.h */

struct currency {
    struct text name; /* "points", "EUR" */
    int decimals;
    bool is_status;           /* of point currencies: they count, and cannot be spent */
    const struct rate *worth; /* of point currencies: money for points, by place in `money`; NULL: not declared */
    struct expiry expiry;     /* of point currencies: how long points last */
    struct warnings warnings; /* of point currencies: before points end */
};

/* The currency and the rule are in the file alone: a loaded program has literals for them. */
enum reason_part_kind { REASON_LITERAL, REASON_AMOUNT, REASON_SUBJECT, REASON_CURRENCY, REASON_RULE };

struct reason_part {
    enum reason_part_kind kind;
    struct text literal;
};

/* Words for a message, with places for what is known only when points are granted. */
struct reason {
    const struct reason_part *parts;
    size_t count;
    size_t literal_len; /* of all literals together */
    size_t amounts;     /* how often the amount stands in it */
    size_t subjects;
};

enum earn_form {
    EARN_FIXED,
    EARN_RATE,
    EARN_PER_ITEM, /* `fixed` for each item that the rule counts */
    EARN_AMOUNT    /* what `amount` gives, in whole points */
};

/* What a rule on orders counts, beside the price of lines after discounts. */
enum basis_part { BASIS_TAX = 1, BASIS_SHIPPING = 2, BASIS_BEFORE_DISCOUNTS = 4, BASIS_LESS_POINTS = 8 };

/* The lines that a rule on orders counts: those that `only` names (where it names any) and `except` does not. */
struct item_list {
    struct text_set skus;
    struct text_set categories;
    struct text_set labels;
    bool names_any;
};

struct item_filter {
    struct item_list only;
    struct item_list except;
};

/* How rules that one event meets stand beside each other. */
enum stacking {
    STACK_ADD,      /* beside the others */
    STACK_BEST,     /* of its group, the one that grants most */
    STACK_EXCLUSIVE /* before all others of its point currency */
};

/* When something counts, by the time of the event. */
struct gate {
    int64_t from;   /* µs, from which on */
    int64_t until;  /* µs, before which */
    unsigned days;  /* bit n for weekday n, 0 is Sunday; 0: every day */
    bool has_hours; /* counts only between these, both included; the first may be the later: over midnight */
    bool by_member; /* days and hours by the member's clock, else by the program's */
    int64_t opens;  /* µs since midnight by that clock */
    int64_t closes;
};

#define GATE_ALWAYS ((struct gate){.from = INT64_MIN, .until = INT64_MAX})

/* What a rule counts once, beside the event itself. */
enum once_per { ONCE_PER_EVENT, ONCE_PER_ORDER, ONCE_PER_PRODUCT, ONCE_PER_CONTENT, ONCE_PER_REFEREE, ONCE_PER_MEMBER };

enum referral_side { SIDE_BOTH, SIDE_REFERRER, SIDE_REFEREE };

/* The most that rules grant: to each member or, as a budget, to all of them together. */
struct limit {
    struct limit_key key; /* its network is that of the event where it is per_network */
    struct window window;
    int64_t most; /* minor units of the point currency, or grants */
    bool per_network;
    bool in_members_zone; /* the calendar is that of the zone in which the member lives */
};

struct limit_list {
    const struct limit *const *items;
    size_t count;
};

struct rule {
    struct text id;
    size_t place; /* in the file, from 0 */
    enum event_type type;
    enum event_kind kind;
    struct text activity; /* of activity rules: the activity's name */
    enum earn_form form;
    int64_t fixed;                    /* minor units of the point currency */
    const struct cel_program *amount; /* of EARN_AMOUNT: over the event, an int */
    const struct rate *rates;         /* by place in `money`; of activity rules: one */
    const int64_t *minimums;          /* by place in `money`, 0: none; NULL: none at all */
    enum rounding rounding;
    enum once_per once_per;
    uint32_t networks; /* bit (1 << enum share_network) */
    enum referral_side to;
    size_t currency; /* place in `points` */
    struct reason reason;
    struct limit_list limits;        /* of each member */
    struct limit_list budgets;       /* of all members together */
    const struct cel_program *when;  /* over the event; NULL: always. Of orders, asked again over what remains */
    const struct item_filter *items; /* of orders; NULL: all lines */
    unsigned basis;                  /* enum basis_part */
    uint32_t image;                  /* enum order_image: what of an order the rule reads */
    uint64_t nth;                    /* of orders: bit n - 1 for the member's nth; 0: any */
    bool nth_and_later;              /* and for those that have no bit */
    enum stacking stacking;
    struct text group; /* of STACK_BEST */
    int64_t priority;  /* of exclusive rules the highest; in a group, among equals */
    struct gate gate;
    const struct pending_terms *pending; /* how long what it grants is pending; NULL: it is available at once */
    const struct expiry *expiry;         /* how long what it grants lasts; NULL: as its currency's points do */
};

/* What rules grant is multiplied by, before the one rounding. */
struct multiplier {
    struct text id;
    struct fraction times;
    const bool *rules; /* by place: those that it is for; NULL: all on orders */
    struct gate gate;
    const struct cel_program *when; /* over the event; NULL: always */
    uint32_t image;
};

enum automatic_form { AUTOMATIC_POINTS, AUTOMATIC_SPENT };

/* An automatic reward: each time so much is reached, it is given and the remainder carried. */
struct automatic {
    struct text id;
    enum automatic_form form;
    int64_t each;    /* minor units, > 0 */
    size_t currency; /* place in `points`, or in `money` for AUTOMATIC_SPENT */
    struct text give;
    int64_t worth; /* minor units of worth_currency; 0 where the file names none */
    struct text worth_currency;
};

enum tier_measure { TIER_BY_NOTHING, TIER_BY_SPEND, TIER_BY_EARNED, TIER_BY_ORDERS };

enum tier_period { TIER_LIFETIME, TIER_CALENDAR_YEAR, TIER_ROLLING_YEAR };

enum { TIER_LEVELS_MAX = 16, TIER_MONTHS_MAX = 1200, TIER_DURATION_DAYS_MAX = 36500 };

/* Months and days of a calendar. */
struct calendar_span {
    int64_t months;
    int64_t days;
};

/* What buys a level: a line of an order, or an activity. One of the three texts is there. */
struct tier_offer {
    struct text sku;
    struct text category;
    struct text activity;
    struct calendar_span lasts;
};

/* Given on each birthday of members who hold the level. */
struct tier_gift {
    struct text id;          /* "gold-birthday" */
    const struct rule *rule; /* the points; NULL: none */
    struct text give;        /* words; empty: none */
};

struct tier_level {
    struct text id;
    bool is_counted;                /* reached by what the tiers go by; else only bought */
    int64_t threshold;              /* of points or orders */
    const int64_t *spend;           /* by place in `money`; -1: not by that currency */
    const struct tier_offer *offer; /* NULL: cannot be bought */
    struct fraction multiplier;
    const struct rule *bonus;         /* on entry, once; in no list of rules; NULL: none */
    const struct tier_gift *birthday; /* NULL: none */
};

struct tiers {
    enum tier_measure measure;
    size_t currency; /* of TIER_BY_EARNED: place in `points` */
    enum tier_period period;
    bool one_step; /* down by one level at a time */
    struct calendar_span grace;
    const struct tier_level *levels; /* from the lowest up */
    size_t level_count;
    size_t begins_with; /* the level of a member for whom nothing counted, from 1; 0: none */
    bool counts_orders; /* an order that is paid counts also where no rule is for it */
    uint32_t image;     /* enum order_image: what of an order they read */
};

enum refund_policy { REFUND_NEGATIVE, REFUND_CLAMP };

struct rule_list {
    const struct rule *const *items; /* in file order */
    size_t count;
};

struct activity_rules {
    struct text name;
    struct rule_list rules;
};

struct program {
    struct text id;
    int64_t version;
    int64_t effective_at;
    struct text zone;
    const struct zone *local;      /* of that name: the local time of the shop */
    const struct zones *zones;     /* all: members may name others */
    const struct currency *points; /* the first is the default */
    size_t point_count;
    const struct currency *money;
    size_t money_count;
    const struct text *partners; /* sorted bytewise */
    size_t partner_count;
    int week_begins; /* 0 is Sunday */
    enum refund_policy refunds;
    bool enrolment_required;  /* an event of a member that did not enrol earns nothing */
    const struct rule *rules; /* in file order */
    size_t rule_count;
    const struct multiplier *multipliers; /* in file order */
    size_t multiplier_count;
    const struct automatic *rewards; /* in file order */
    size_t reward_count;
    const struct tiers *tiers; /* NULL: none */

    /* Made by program_index. */
    bool awaited[EVENT_KIND_COUNT];                      /* what pending points of some rule wait for */
    struct rule_list by_kind[EVENT_KIND_COUNT];          /* all but activities */
    const struct rule_index *by_order[EVENT_KIND_COUNT]; /* of the kinds of order events that rules can name */
    const struct activity_rules *activities;             /* sorted bytewise by name */
    size_t activity_count;
    uint32_t image; /* enum order_image: what the record of an order keeps */
};

#define PLACE_NONE SIZE_MAX

/* Bytewise, a shorter text before its extensions. */
int text_compare(struct text a, struct text b);

/* Fills the index from the rules; memory is the arena's. */
void program_index(struct program *program, struct arena *arena);

/* True where the order of an event of that kind counts: by a rule, or towards a tier. */
bool program_counts_order(const struct program *program, enum event_kind kind);

/* The rules that name this kind of event (for activities: this activity), in file order. */
struct rule_list program_rules(const struct program *program, const struct event *event);

/* Places of names, PLACE_NONE where the program does not have them. */
size_t program_point_place(const struct program *program, struct text name);
size_t program_money_place(const struct program *program, struct text name);
size_t program_reward_place(const struct program *program, struct text id);

/* The rule of that id; NULL where the program has none. */
const struct rule *program_rule(const struct program *program, struct text id);

bool program_has_partner(const struct program *program, struct text partner_id);

#endif
