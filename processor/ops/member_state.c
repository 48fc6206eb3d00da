#include "ops/member_state.h"

#include <inttypes.h>

#include "base/rfc3339.h"
#include "cases/words.h"
#include "rules/program_model.h"
#include "rules/tier_level.h"

enum { SECOND = 1000000 };

enum err_code member_holdings_read(struct bytes state, const struct program_set *programs, struct text program_id,
                                   int64_t at, struct arena *arena, struct member_holdings *out, struct err *err)
{
    struct scratch *scratch = arena_alloc(arena, sizeof *scratch); /* what is decoded lies in it */
    scratch_open(scratch, arena);
    *out = (struct member_holdings){.program = program_set_at(programs, program_id, at), .at = at, .arena = arena};
    return state_decode(state, scratch, &out->state, err);
}

static json_t *string_of(struct text text)
{
    return json_stringn(text.at ? text.at : "", text.len);
}

/* Of points or money, as the program in force has them. */
static struct text amount_of(const struct member_holdings *holdings, struct text currency, int64_t amount)
{
    char room[AMOUNT_TEXT_MAX];
    const struct program *program = holdings->program;
    size_t points = program ? program_point_place(program, currency) : PLACE_NONE;
    size_t money = program ? program_money_place(program, currency) : PLACE_NONE;
    int decimals = points != PLACE_NONE  ? program->points[points].decimals
                   : money != PLACE_NONE ? program->money[money].decimals
                                         : 0;
    struct text digits = amount_write(amount, decimals, room);
    return arena_printf(holdings->arena, "%.*s %.*s", VIEW(digits), VIEW(currency));
}

static json_t *instant_json(int64_t at)
{
    char room[RFC3339_SIZE];
    return at == INT64_MAX || at == INT64_MIN ? json_null() : json_string(rfc3339_format(at, room));
}

/* ---- lots, pending */

static void print_lots(FILE *out, const struct member_holdings *holdings)
{
    char ends[RFC3339_SIZE];
    const struct lots *lots = &holdings->state.lots;
    for (size_t i = 0; i < lots->count; i++) {
        const struct lot *lot = &lots->items[i];
        struct text left = amount_of(holdings, lot->currency, lot->left);
        fprintf(out, "  lot: %.*s, until %s%s", VIEW(left), rfc3339_format(lot->end, ends),
                lot->idle ? " unless something comes before" : "");
        if (lot->partner_id.len > 0)
            fprintf(out, ", from %.*s", VIEW(lot->partner_id));
        fputc('\n', out);
    }
}

static json_t *lots_json(const struct member_holdings *holdings)
{
    json_t *list = json_array();
    const struct lots *lots = &holdings->state.lots;
    for (size_t i = 0; i < lots->count; i++) {
        const struct lot *lot = &lots->items[i];
        json_array_append_new(list, json_pack("{s:o, s:I, s:o, s:o, s:b, s:o}", "currency", string_of(lot->currency),
                                              "left", (json_int_t)lot->left, "ends_at", instant_json(lot->end),
                                              "warns_at", instant_json(lot->warn_at), "when_idle", lot->idle != 0,
                                              "partner", string_of(lot->partner_id)));
    }
    return list;
}

static void print_pending(FILE *out, const struct member_holdings *holdings)
{
    char due[RFC3339_SIZE];
    const struct pending *pending = &holdings->state.pending;
    for (size_t i = 0; i < pending->count; i++) {
        const struct pending_credit *credit = &pending->items[i];
        struct text amount = amount_of(holdings, credit->currency, credit->amount);
        fprintf(out, "  pending: %.*s for %.*s, ", VIEW(amount), VIEW(credit->subject));
        if (credit->due == INT64_MAX)
            fprintf(out, "once it is %s\n", event_kind_name(credit->awaits));
        else
            fprintf(out, "until %s\n", rfc3339_format(credit->due, due));
    }
}

static json_t *pending_json(const struct member_holdings *holdings)
{
    json_t *list = json_array();
    const struct pending *pending = &holdings->state.pending;
    for (size_t i = 0; i < pending->count; i++) {
        const struct pending_credit *credit = &pending->items[i];
        bool waits = credit->due == INT64_MAX;
        json_array_append_new(
            list, json_pack("{s:o, s:I, s:o, s:o, s:s?, s:I}", "currency", string_of(credit->currency), "amount",
                            (json_int_t)credit->amount, "subject", string_of(credit->subject), "due_at",
                            instant_json(credit->due), "awaits", waits ? event_kind_name(credit->awaits) : NULL,
                            "program_version", (json_int_t)credit->version));
    }
    return list;
}

/* ---- the tier */

/* One way to the next level: what counted so far, and what it takes. */
struct way {
    struct text currency; /* empty: orders */
    int64_t counted;
    int64_t threshold;
};

/* The next level above the one held that something counts towards; NULL: there is none. */
static const struct tier_level *next_level(const struct program *program, size_t held)
{
    for (size_t i = held; i < program->tiers->level_count; i++)
        if (program->tiers->levels[i].is_counted)
            return &program->tiers->levels[i];
    return NULL;
}

static struct way way_of(const struct member_holdings *holdings, struct text key, int64_t threshold)
{
    const struct tier_state *tier = holdings->state.tier;
    return (struct way){key, tier ? tier_counted_at(holdings->program, tier, key, holdings->at) : 0, threshold};
}

/* By each currency that the level can be reached by; ways has room for all that a program declares. */
static size_t ways_to(const struct member_holdings *holdings, const struct tier_level *level, struct way *ways)
{
    const struct program *program = holdings->program;
    size_t count = 0;
    switch (program->tiers->measure) {
    case TIER_BY_NOTHING:
        break;
    case TIER_BY_SPEND:
        for (size_t i = 0; level->spend && i < program->money_count; i++)
            if (level->spend[i] >= 0)
                ways[count++] = way_of(holdings, program->money[i].name, level->spend[i]);
        break;
    case TIER_BY_EARNED:
        ways[count++] = way_of(holdings, program->points[program->tiers->currency].name, level->threshold);
        break;
    case TIER_BY_ORDERS:
        ways[count++] = way_of(holdings, (struct text){NULL, 0}, level->threshold);
        break;
    }
    return count;
}

static struct text held_level(const struct member_holdings *holdings)
{
    const struct tier_state *tier = holdings->state.tier;
    return tier ? tier->level : tier_name(holdings->program->tiers, holdings->program->tiers->begins_with);
}

static void print_tier(FILE *out, const struct member_holdings *holdings)
{
    char ends[RFC3339_SIZE];
    struct way ways[PROGRAM_MONEY_MAX];
    const struct program *program = holdings->program;
    if (!program || !program->tiers)
        return;
    struct text held = held_level(holdings);
    const struct tier_state *tier = holdings->state.tier;
    fprintf(out, "  tier: %.*s", VIEW(held.len > 0 ? held : TEXT("none")));
    if (tier && tier->due_at != INT64_MAX)
        fprintf(out, ", which ends %s if nothing else counts", rfc3339_format(tier->due_at, ends));
    fputc('\n', out);
    const struct tier_level *next = next_level(program, tier_numbered(program->tiers, held));
    for (size_t i = 0, count = next ? ways_to(holdings, next, ways) : 0; i < count; i++) {
        const struct way *way = &ways[i];
        int64_t lacking = way->counted < way->threshold ? way->threshold - way->counted : 0;
        struct text key = way->currency.len > 0 ? way->currency : TEXT("orders");
        struct text counted = amount_of(holdings, key, way->counted), all = amount_of(holdings, key, way->threshold);
        struct text rest = amount_of(holdings, key, lacking);
        fprintf(out, "    to %.*s: %.*s of %.*s, %.*s to go\n", VIEW(next->id), VIEW(counted), VIEW(all), VIEW(rest));
    }
}

static json_t *tier_json(const struct member_holdings *holdings)
{
    struct way ways[PROGRAM_MONEY_MAX];
    const struct program *program = holdings->program;
    if (!program || !program->tiers)
        return json_null();
    struct text held = held_level(holdings);
    const struct tier_state *tier = holdings->state.tier;
    const struct tier_level *next = next_level(program, tier_numbered(program->tiers, held));
    json_t *list = json_array();
    for (size_t i = 0, count = next ? ways_to(holdings, next, ways) : 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:I, s:I}", "currency", string_of(ways[i].currency), "counted",
                                              (json_int_t)ways[i].counted, "threshold", (json_int_t)ways[i].threshold));
    return json_pack("{s:o, s:o, s:o, s:o}", "level", string_of(held), "ends_at",
                     instant_json(tier ? tier->due_at : INT64_MAX), "next", next ? string_of(next->id) : json_null(),
                     "ways", list);
}

/* ---- limits */

/* The rule's or the program's limit of that key, as the program in force has it; NULL: it has none any more. */
static const struct limit *limit_of(const struct program *program, const struct limit_key *key)
{
    struct limit_key plain = *key;
    plain.network = 0;
    for (size_t i = 0; program && i < program->rule_count; i++) {
        const struct limit_list *limits = &program->rules[i].limits;
        for (size_t l = 0; l < limits->count; l++)
            if (limit_key_compare(&limits->items[l]->key, &plain) == 0)
                return limits->items[l];
    }
    return NULL;
}

static void print_limits(FILE *out, const struct member_holdings *holdings)
{
    char begins[RFC3339_SIZE], ends[RFC3339_SIZE];
    const struct limits *limits = &holdings->state.limits;
    for (size_t i = 0; i < limits->count; i++) {
        const struct limit_use *use = &limits->uses[i];
        const struct limit *limit = limit_of(holdings->program, &use->key);
        for (size_t w = 0; w < use->window_count; w++) {
            const struct limit_window *window = &use->windows[w];
            fprintf(out, "  limit %.*s", VIEW(use->key.id));
            if (use->key.network > 0)
                fprintf(out, " on %s", share_network_name((enum share_network)(use->key.network - 1)));
            fprintf(out, ": %" PRId64, window->used);
            if (limit)
                fprintf(out, " of %" PRId64, limit->most);
            fputs(use->key.unit == LIMIT_POINTS ? " used" : " times used", out);
            if (window->span.begins != INT64_MIN)
                fprintf(out, ", from %s to %s", rfc3339_format(window->span.begins * SECOND, begins),
                        rfc3339_format(window->span.ends * SECOND, ends));
            fputc('\n', out);
        }
    }
}

static json_t *span_end_json(int64_t seconds)
{
    return seconds == INT64_MIN || seconds == INT64_MAX ? json_null() : instant_json(seconds * SECOND);
}

static json_t *limits_json(const struct member_holdings *holdings)
{
    json_t *list = json_array();
    const struct limits *limits = &holdings->state.limits;
    for (size_t i = 0; i < limits->count; i++) {
        const struct limit_use *use = &limits->uses[i];
        const struct limit *limit = limit_of(holdings->program, &use->key);
        for (size_t w = 0; w < use->window_count; w++)
            json_array_append_new(
                list,
                json_pack("{s:o, s:s, s:s?, s:I, s:o, s:o, s:o}", "id", string_of(use->key.id), "unit",
                          use->key.unit == LIMIT_POINTS ? "points" : "times", "network",
                          use->key.network > 0 ? share_network_name((enum share_network)(use->key.network - 1)) : NULL,
                          "used", (json_int_t)use->windows[w].used, "most",
                          limit ? json_integer(limit->most) : json_null(), "from",
                          span_end_json(use->windows[w].span.begins), "until",
                          span_end_json(use->windows[w].span.ends)));
    }
    return list;
}

/* ---- all */

void member_holdings_print(FILE *out, const struct member_holdings *holdings)
{
    print_lots(out, holdings);
    print_pending(out, holdings);
    print_tier(out, holdings);
    print_limits(out, holdings);
}

void member_holdings_json(json_t *object, const struct member_holdings *holdings)
{
    json_object_set_new(object, "lots", lots_json(holdings));
    json_object_set_new(object, "pending", pending_json(holdings));
    json_object_set_new(object, "tier", tier_json(holdings));
    json_object_set_new(object, "limits", limits_json(holdings));
}
