#include "explain/explain.h"

#include "base/rfc3339.h"
#include "cases/effects.h"
#include "cases/words.h"
#include "rules/program_model.h"

/* An explanation for programs. Amounts are integers in minor units; words stand beside them. */

static json_t *string_of(struct text text)
{
    return json_stringn(text.at ? text.at : "", text.len);
}

static json_t *parts_json(const struct fact *fact)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fact->parts.count; i++) {
        const struct cel_part *part = &fact->parts.items[i];
        json_t *item = json_pack("{s:o, s:o, s:i}", "source", string_of(part->source), "value", string_of(part->value),
                                 "depth", part->depth);
        if (part->element >= 0)
            json_object_set_new(item, "element", json_integer(part->element));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *skipped_json(const struct fact *fact)
{
    json_t *object = json_pack("{s:s, s:s}", "kind", "skipped", "why", explain_skip(fact->why));
    if (fact->other)
        json_object_set_new(object, "by", string_of(fact->other->id));
    return object;
}

static json_t *limit_json(const struct fact *fact)
{
    enum { SECOND = 1000000 };
    char begins[RFC3339_SIZE], ends[RFC3339_SIZE];
    json_t *object = json_pack(
        "{s:s, s:o, s:s, s:I, s:I, s:I}", "kind", fact->budget ? "budget" : "limit", "id",
        string_of(fact->limit->key.id), "unit", fact->limit->key.unit == LIMIT_POINTS ? "points" : "times", "most",
        (json_int_t)fact->limit->most, "asked", (json_int_t)fact->wanted, "left", (json_int_t)fact->left);
    json_object_set_new(object, "used", fact->used == INT64_MAX ? json_null() : json_integer(fact->used));
    if (fact->period.begins != INT64_MIN) {
        json_object_set_new(object, "from", json_string(rfc3339_format(fact->period.begins * SECOND, begins)));
        json_object_set_new(object, "until", json_string(rfc3339_format(fact->period.ends * SECOND, ends)));
    }
    return object;
}

static json_t *pending_json(const struct fact *fact)
{
    char due[RFC3339_SIZE];
    if (fact->due == INT64_MAX)
        return json_pack("{s:s, s:s}", "kind", "pending", "awaits", event_kind_name(fact->rule->pending->awaits));
    return json_pack("{s:s, s:s}", "kind", "pending", "due_at", rfc3339_format(fact->due, due));
}

static json_t *fact_json(struct arena *arena, const struct fact *fact)
{
    switch (fact->kind) {
    case FACT_SKIPPED:
        return skipped_json(fact);
    case FACT_EXPRESSION:
        return json_pack("{s:s, s:o, s:o}", "kind", "expression", "source", string_of(fact->source), "parts",
                         parts_json(fact));
    case FACT_MEASURED:
        return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "kind", "measured", "basis", (json_int_t)fact->basis,
                         "basket", (json_int_t)fact->basket, "items", (json_int_t)fact->items, "minimum",
                         (json_int_t)fact->least, "currency", string_of(fact->money));
    case FACT_MULTIPLIER:
        return json_pack("{s:s, s:o, s:b, s:[I, I]}", "kind", "multiplier", "id", string_of(fact->multiplier->id),
                         "applies", fact->applied, "times", (json_int_t)fact->multiplier->times.numerator,
                         (json_int_t)fact->multiplier->times.denominator);
    case FACT_TIER:
        return json_pack("{s:s, s:o, s:[I, I]}", "kind", "tier", "id", string_of(fact->source), "times",
                         (json_int_t)fact->factor.numerator, (json_int_t)fact->factor.denominator);
    case FACT_COMPUTED:
        return json_pack("{s:s, s:o, s:I}", "kind", "computed", "arithmetic",
                         string_of(explain_arithmetic(arena, fact)), "points", (json_int_t)fact->points);
    case FACT_LIMIT:
        return limit_json(fact);
    case FACT_STANDING:
        return json_pack("{s:s, s:I, s:I}", "kind", "standing", "granted", (json_int_t)fact->granted, "due",
                         (json_int_t)fact->points);
    case FACT_PENDING:
        return pending_json(fact);
    case FACT_GRANTED:
    case FACT_TAKEN_BACK:
    case FACT_ASKED:
    case FACT_OUTSIDE:
        break;
    }
    return json_pack("{s:s, s:I, s:I}", "kind", fact->kind == FACT_GRANTED ? "granted" : "taken_back", "wanted",
                     (json_int_t)fact->wanted, "amount", (json_int_t)fact->granted);
}

static json_t *rule_json(struct arena *arena, const struct explained_rule *rule)
{
    json_t *facts = json_array();
    for (size_t i = 0; i < rule->count; i++)
        if (rule->facts[i]->kind != FACT_ASKED)
            json_array_append_new(facts, fact_json(arena, rule->facts[i]));
    return json_pack("{s:o, s:I, s:o, s:b, s:o}", "rule", string_of(rule->rule->id), "version",
                     (json_int_t)rule->terms->version, "currency",
                     string_of(rule->terms->points[rule->rule->currency].name), "applied", rule->applied, "facts",
                     facts);
}

static json_t *effects_json(const struct explained *explained)
{
    struct buffer effects = {0};
    json_t *lines = json_array();
    effects_write(&effects, explained->set, explained->event, &explained->happened, true);
    struct text rest = {(const char *)effects.at, effects.len};
    while (rest.len > 0)
        json_array_append_new(lines, string_of(take_until(&rest, '\n')));
    buffer_release(&effects);
    return lines;
}

json_t *explain_json(const struct explained *explained)
{
    char occurred[RFC3339_SIZE];
    const struct program *program = explained->program;
    struct explained_rules rules = explain_rules(&explained->trace);
    json_t *list = json_array();
    for (size_t i = 0; i < rules.count; i++)
        json_array_append_new(list, rule_json(explained->trace.arena, &rules.items[i]));
    return json_pack("{s:o, s:s, s:o, s:o, s:b, s:o, s:o}", "event", string_of(explained->title), "occurred_at",
                     rfc3339_format(explained->event->occurred_at, occurred), "program",
                     string_of(explained->event->program_id), "version",
                     program ? json_integer(program->version) : json_null(), "outside",
                     explain_outside(&explained->trace), "rules", list, "effects", effects_json(explained));
}
