#include "cases/store_members.h"

#include "cases/grow.h"

size_t store_member(struct store *store, struct hash16 key)
{
    for (size_t i = 0; i < store->member_count; i++)
        if (hash16_equal(store->members[i].key, key))
            return i;
    store->members =
        grown(store->arena, store->members, store->member_count, &store->member_capacity, sizeof *store->members);
    store->members[store->member_count] = (struct kept_member){.key = key};
    return store->member_count++;
}

struct kept_record *store_record(struct store *store, size_t member, struct hash16 key)
{
    for (size_t i = 0; i < store->record_count; i++)
        if (store->records[i].member == member && hash16_equal(store->records[i].key, key))
            return &store->records[i];
    return NULL;
}

void store_put_record(struct store *store, size_t member, struct hash16 key, struct bytes record)
{
    struct kept_record *kept = store_record(store, member, key);
    store->spilled++;
    if (!kept) {
        store->records =
            grown(store->arena, store->records, store->record_count, &store->record_capacity, sizeof *store->records);
        kept = &store->records[store->record_count++];
    }
    *kept = (struct kept_record){member, key, record};
}

const struct kept_key *store_key(const struct store *store, struct hash16 key)
{
    for (size_t i = 0; i < store->key_count; i++)
        if (hash16_equal(store->keys[i].key, key))
            return &store->keys[i];
    return NULL;
}

void store_put_key(struct store *store, struct hash16 key, struct hash16 content)
{
    store->keys = grown(store->arena, store->keys, store->key_count, &store->key_capacity, sizeof *store->keys);
    store->keys[store->key_count++] = (struct kept_key){key, content};
}

struct purse *store_purse(struct store *store, size_t at, struct text currency)
{
    struct kept_member *member = &store->members[at];
    for (size_t i = 0; i < member->purse_count; i++)
        if (text_equal(member->purses[i].currency, currency))
            return &member->purses[i];
    member->purses =
        grown(store->arena, member->purses, member->purse_count, &member->purse_capacity, sizeof *member->purses);
    member->purses[member->purse_count] = (struct purse){.currency = currency};
    return &member->purses[member->purse_count++];
}
