#ifndef POINTS_CASES_STORE_MEMBERS_H
#define POINTS_CASES_STORE_MEMBERS_H

#include "cases/store.h"
#include "fold/budgets.h"

/* What a store keeps. Places of members stay; pointers do not outlive the next call that may add one. */

struct purse {
    struct text currency;
    int64_t sum; /* of the entries to and from what the member can spend */
};

struct kept_member {
    struct hash16 key;
    struct bytes state;
    int64_t entries;
    struct purse *purses;
    size_t purse_count;
    size_t purse_capacity;
};

struct kept_record {
    size_t member;
    struct hash16 key;
    struct bytes record;
};

struct kept_key {
    struct hash16 key;
    struct hash16 content;
};

struct store {
    const struct program_set *set;
    struct arena *arena;
    struct kept_member *members;
    size_t member_count;
    size_t member_capacity;
    struct kept_record *records;
    size_t record_count;
    size_t record_capacity;
    struct kept_key *keys;
    size_t key_count;
    size_t key_capacity;
    size_t spilled;
    struct budgets budgets;
    store_budget *ask_budget; /* NULL: nothing was used before */
    void *budget_context;
};

/* The member's place; made where there is none. */
size_t store_member(struct store *store, struct hash16 key);

/* The record in the side table; NULL where there is none. */
struct kept_record *store_record(struct store *store, size_t member, struct hash16 key);

void store_put_record(struct store *store, size_t member, struct hash16 key, struct bytes record);

/* The event's key; NULL where no event had it. */
const struct kept_key *store_key(const struct store *store, struct hash16 key);

void store_put_key(struct store *store, struct hash16 key, struct hash16 content);

/* The currency's purse; made where there is none. */
struct purse *store_purse(struct store *store, size_t member, struct text currency);

#endif
