#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cases/store.h"
#include "program/load.h"
#include "rules/state.h"
#include "zones.h"

/* Properties of lots, pending points and what falls due, over generated histories; POINTSTEST_SEED repeats one. */

enum { HISTORIES = 60, EVENTS = 60, ORDERS = 12, HOUR = 3600, ENTRIES_MAX = 4096 };

static const char source[] =
    "program: shop\n"
    "version: 1\n"
    "effective: 2025-01-01T00:00:00Z\n"
    "zone: Europe/Berlin\n"
    "points: {points: {expire: 1 month, warn: [7 days, 1 day]}}\n"
    "money: {EUR: 2}\n"
    "partners: [cafe]\n"
    "rules:\n"
    "  - {id: paid, on: order.paid, earn: {rate: \"1 per 1.00\"}, pending: 5 days}\n"
    "  - {id: placed, on: order.placed, earn: {fixed: 20}, pending: until shipped}\n"
    "  - {id: play, on: activity.play, earn: {rate: \"1 per 1\"}, expire: 9 days of inactivity}\n"
    "  - {id: gift, on: activity.gift, earn: {rate: \"1 per 1\"}, expire: never}\n"
    "rewards:\n"
    "  - {id: note, each: 90 points, give: A note}\n";

struct seed {
    uint64_t state;
};

/* 0 to below - 1; splitmix64. */
static int64_t pick(struct seed *seed, uint64_t below)
{
    uint64_t z = seed->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (int64_t)((z ^ (z >> 31)) % below);
}

static struct seed first_seed(void)
{
    const char *given = getenv("POINTSTEST_SEED");
    struct seed seed = {given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL)};
    fprintf(stderr, "POINTSTEST_SEED=%llu\n", (unsigned long long)seed.state);
    return seed;
}

static void be_order(struct seed *seed, struct arena *arena, struct event *event)
{
    static const enum event_kind kinds[] = {ORDER_PLACED, ORDER_PAID, ORDER_PAID, ORDER_SHIPPED, ORDER_REFUNDED};
    struct order_line *line = arena_alloc(arena, sizeof *line);
    event->type = EVENT_ORDER;
    event->kind = kinds[pick(seed, sizeof kinds / sizeof *kinds)];
    event->order.order_id = arena_printf(arena, "o-%d", (int)pick(seed, ORDERS));
    event->order.currency = TEXT("EUR");
    if (event->kind == ORDER_REFUNDED) {
        event->order.refund_amount = pick(seed, 3) * 700;
        return;
    }
    *line = (struct order_line){.sku = TEXT("tea"), .quantity = 1, .unit_price = 100 + pick(seed, 6000)};
    event->order.lines = line;
    event->order.line_count = 1;
}

static void be_redemption(struct seed *seed, struct arena *arena, struct event *event)
{
    event->type = EVENT_REDEMPTION;
    event->kind = pick(seed, 3) == 0 ? REDEMPTION_CANCELLED : REDEMPTION_CONFIRMED;
    event->redemption.redemption_id = arena_printf(arena, "r-%d", (int)pick(seed, ORDERS));
    event->redemption.points = 1 + pick(seed, 40);
}

static struct case_event make_event(struct seed *seed, struct arena *arena, int64_t at)
{
    struct case_event made = {.event = {.member_id = TEXT("ann"), .program_id = TEXT("shop"), .occurred_at = at}};
    struct event *event = &made.event;
    int64_t kind = pick(seed, 10);
    event->partner_id = pick(seed, 3) == 0 ? TEXT("cafe") : TEXT("");
    if (kind < 5) {
        be_order(seed, arena, event);
    } else if (kind < 7) {
        event->type = EVENT_ACTIVITY;
        event->kind = ACTIVITY_DONE;
        event->activity.name = pick(seed, 4) == 0 ? TEXT("gift") : TEXT("play");
        event->activity.value = 1000 * (1 + pick(seed, 50));
    } else if (kind < 9) {
        be_redemption(seed, arena, event);
    } else {
        event->type = EVENT_ADJUSTMENT;
        event->kind = ADJUSTMENT_MADE;
        event->adjustment.points = pick(seed, 2) == 0 ? 15 : -40;
    }
    return made;
}

static struct case_event make_timer(int64_t at)
{
    return (struct case_event){.event = {.type = EVENT_TIMER,
                                         .kind = TIMER_DUE,
                                         .member_id = TEXT("ann"),
                                         .program_id = TEXT("shop"),
                                         .occurred_at = at}};
}

struct ledger {
    struct store *store;
    struct entry entries[ENTRIES_MAX];
    size_t count;
};

static void apply(struct ledger *ledger, const struct case_event *event)
{
    struct happened happened = {0};
    store_apply(ledger->store, event, NULL, &happened);
    cr_assert_eq(happened.broken.len, 0, "%.*s", (int)happened.broken.len, happened.broken.at);
    for (size_t i = 0; happened.fate == FATE_DECIDED && i < happened.decision.entry_count; i++) {
        cr_assert_lt(ledger->count, ENTRIES_MAX);
        ledger->entries[ledger->count++] = happened.decision.entries[i];
    }
}

/* Balance = sum of lots - deficit, where what is in no lot lasts for ever: no lot holds what the balance lacks, and
 * what is pending is what the ledger says. */
static void check_state(struct ledger *ledger, struct arena *arena)
{
    struct case_event ann = make_timer(0);
    struct member_state state;
    struct scratch *scratch = arena_alloc(arena, sizeof *scratch);
    struct err err;
    int64_t pending = 0;
    scratch_open(scratch, arena);
    cr_assert_eq(state_decode(store_state(ledger->store, &ann.event), scratch, &state, &err), ERR_NONE);
    const struct balance *balance = state_find_balance(&state, TEXT("points"));
    int64_t available = balance ? balance->available : 0;
    cr_assert(lots_sum(&state.lots, TEXT("points")) <= (available > 0 ? available : 0));
    for (size_t i = 0; i < ledger->count; i++) {
        const struct entry *entry = &ledger->entries[i];
        pending += entry->to == ACCOUNT_MEMBER_PENDING ? entry->amount : 0;
        pending -= entry->from == ACCOUNT_MEMBER_PENDING ? entry->amount : 0;
    }
    cr_assert_eq(pending_sum(&state.pending, TEXT("points")), pending);
}

static bool same_cause(const struct settlement *a, const struct settlement *b)
{
    if (!a || !b)
        return a == b;
    return text_equal(a->obligation, b->obligation) && a->due == b->due && a->after == b->after;
}

static void expect_same(const struct ledger *a, const struct ledger *b)
{
    cr_assert_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct entry *left = &a->entries[i], *right = &b->entries[i];
        cr_assert(left->kind == right->kind && left->from == right->from && left->to == right->to &&
                      left->amount == right->amount && left->sequence == right->sequence &&
                      text_equal(left->partner_id, right->partner_id) && text_equal(left->subject, right->subject) &&
                      same_cause(left->settlement, right->settlement),
                  "entry %zu", i);
    }
}

static const struct program_set *load_set(struct arena *arena)
{
    struct program_errors errors = {0};
    struct err err;
    struct program **held = arena_alloc(arena, sizeof *held);
    struct program_set *set = arena_alloc(arena, sizeof *set);
    cr_assert_eq(program_load(TEXT(source), machine_zones(arena), arena, held, &errors, &err), ERR_NONE, "%s",
                 err.text);
    *set = (struct program_set){1, held, 1};
    return set;
}

/* A history twice: as it is, and with timers between its events. late: events may be older than those before them. */
static void run_history(struct seed *seed, const struct program_set *set, bool late)
{
    struct arena *arena = arena_new(0);
    struct ledger *plain = arena_alloc(arena, sizeof *plain), *woken = arena_alloc(arena, sizeof *woken);
    int64_t now = INT64_C(1772366400000000);
    plain->store = store_new(set, arena);
    woken->store = store_new(set, arena);
    for (int i = 0; i < EVENTS; i++) {
        int64_t later = now + pick(seed, 200) * HOUR * 1000000;
        for (int64_t timers = pick(seed, 4); !late && timers > 0; timers--) {
            now += pick(seed, (uint64_t)(later - now) + 1);
            struct case_event timer = make_timer(now);
            apply(woken, &timer);
        }
        now = later;
        int64_t back = late ? pick(seed, 3) * pick(seed, 900) * HOUR * 1000000 : 0;
        struct case_event event = make_event(seed, arena, now - back);
        apply(plain, &event);
        if (!late)
            apply(woken, &event);
        check_state(plain, arena);
    }
    if (!late) {
        struct case_event last =
            make_timer(now); /* the last event may have been refused, and what it settled with it */
        apply(plain, &last);
        apply(woken, &last);
        expect_same(plain, woken);
    }
    arena_free(arena);
}

Test(lots, timers_and_later_events_settle_alike)
{
    struct seed seed = first_seed();
    struct arena *arena = arena_new(0);
    const struct program_set *set = load_set(arena);
    for (int i = 0; i < HISTORIES; i++)
        run_history(&seed, set, false);
    arena_free(arena);
}

Test(lots, a_balance_is_its_lots_also_where_events_come_late)
{
    struct seed seed = first_seed();
    struct arena *arena = arena_new(0);
    const struct program_set *set = load_set(arena);
    for (int i = 0; i < HISTORIES; i++)
        run_history(&seed, set, true);
    arena_free(arena);
}
