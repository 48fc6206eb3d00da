#include "explain/explain.h"

#include <inttypes.h>

#include "base/rfc3339.h"
#include "cases/effects.h"
#include "cases/words.h"
#include "rules/program_model.h"

/* An explanation for people. */

static void print_parts(FILE *out, const struct fact *fact)
{
    for (size_t i = 0; i < fact->parts.count; i++) {
        const struct cel_part *part = &fact->parts.items[i];
        fprintf(out, "    %*s", 2 * part->depth, "");
        if (part->element >= 0)
            fprintf(out, "[%d] ", part->element);
        fprintf(out, "%.*s: %.*s\n", VIEW(part->source), VIEW(part->value));
    }
}

static void print_measure(FILE *out, struct arena *arena, const struct fact *fact)
{
    struct text basis = explain_basis(arena, fact, fact->basis), basket = explain_basis(arena, fact, fact->basket);
    fprintf(out, "    counts %.*s", VIEW(basis));
    if (fact->items > 0)
        fprintf(out, ", %" PRId64 " item%s,", fact->items, fact->items == 1 ? "" : "s");
    fprintf(out, " of a basket of %.*s", VIEW(basket));
    if (fact->least > 0) {
        struct text least = explain_basis(arena, fact, fact->least);
        fprintf(out, "; least amount %.*s", VIEW(least));
    }
    fputc('\n', out);
}

static void print_factor(FILE *out, struct fraction factor)
{
    fprintf(out, "× %" PRId64, factor.numerator);
    if (factor.denominator != 1)
        fprintf(out, "/%" PRId64, factor.denominator);
    fputc('\n', out);
}

static void print_multiplier(FILE *out, const struct fact *fact)
{
    const struct multiplier *multiplier = fact->multiplier;
    fprintf(out, "    multiplier %.*s: ", VIEW(multiplier->id));
    if (fact->applied)
        print_factor(out, multiplier->times);
    else
        fputs("does not apply\n", out);
}

/* µs of seconds; what has no end or begin is left out. */
static void print_period(FILE *out, struct span period)
{
    enum { SECOND = 1000000 };
    char begins[RFC3339_SIZE], ends[RFC3339_SIZE];
    if (period.begins == INT64_MIN)
        return;
    fprintf(out, " from %s to %s", rfc3339_format(period.begins * SECOND, begins),
            rfc3339_format(period.ends * SECOND, ends));
}

static struct text limit_amount(struct arena *arena, const struct fact *fact, int64_t amount)
{
    if (fact->limit->key.unit == LIMIT_POINTS)
        return explain_points(arena, fact, amount);
    return arena_printf(arena, "%" PRId64 " time%s", amount, amount == 1 ? "" : "s");
}

static void print_limit(FILE *out, struct arena *arena, const struct fact *fact)
{
    struct text most = limit_amount(arena, fact, fact->limit->most);
    struct text asked = explain_points(arena, fact, fact->wanted), left = explain_points(arena, fact, fact->left);
    fprintf(out, "    %s %.*s", fact->budget ? "budget" : "limit", VIEW(fact->limit->key.id));
    print_period(out, fact->period);
    if (fact->used == INT64_MAX) {
        fprintf(out, ": closed; nothing of %.*s\n", VIEW(asked));
        return;
    }
    struct text used = limit_amount(arena, fact, fact->used);
    fprintf(out, ": %.*s of %.*s used; ", VIEW(used), VIEW(most));
    if (fact->left == fact->wanted)
        fputs("lets it pass\n", out);
    else
        fprintf(out, "leaves %.*s of %.*s\n", VIEW(left), VIEW(asked));
}

static void print_moved(FILE *out, struct arena *arena, const struct fact *fact, const char *verb)
{
    struct text granted = explain_points(arena, fact, fact->granted),
                wanted = explain_points(arena, fact, fact->wanted);
    if (fact->granted == fact->wanted)
        fprintf(out, "    %s %.*s\n", verb, VIEW(granted));
    else
        fprintf(out, "    %s %.*s of %.*s wanted\n", verb, VIEW(granted), VIEW(wanted));
}

static void print_pending(FILE *out, const struct fact *fact)
{
    char due[RFC3339_SIZE];
    if (fact->due == INT64_MAX)
        fprintf(out, "    pending until %s\n", event_kind_name(fact->rule->pending->awaits));
    else
        fprintf(out, "    pending until %s\n", rfc3339_format(fact->due, due));
}

static void print_fact(FILE *out, struct arena *arena, const struct fact *fact)
{
    struct text line, other;
    switch (fact->kind) {
    case FACT_ASKED:
        break;
    case FACT_SKIPPED:
        fprintf(out, "    does not apply: %s", explain_skip(fact->why));
        if (fact->other)
            fprintf(out, ", %.*s", VIEW(fact->other->id));
        fputc('\n', out);
        break;
    case FACT_EXPRESSION:
        print_parts(out, fact);
        break;
    case FACT_MEASURED:
        print_measure(out, arena, fact);
        break;
    case FACT_MULTIPLIER:
        print_multiplier(out, fact);
        break;
    case FACT_TIER:
        fprintf(out, "    tier %.*s: ", VIEW(fact->source));
        print_factor(out, fact->factor);
        break;
    case FACT_COMPUTED:
        line = explain_arithmetic(arena, fact);
        fprintf(out, "    %.*s\n", VIEW(line));
        break;
    case FACT_LIMIT:
        print_limit(out, arena, fact);
        break;
    case FACT_STANDING:
        line = explain_points(arena, fact, fact->granted);
        other = explain_points(arena, fact, fact->points);
        fprintf(out, "    granted so far %.*s, due now %.*s\n", VIEW(line), VIEW(other));
        break;
    case FACT_GRANTED:
        print_moved(out, arena, fact, "grants");
        break;
    case FACT_PENDING:
        print_pending(out, fact);
        break;
    case FACT_TAKEN_BACK:
        print_moved(out, arena, fact, fact->pending ? "takes back, of what is pending," : "takes back");
        break;
    case FACT_OUTSIDE:
        break;
    }
}

static void print_rule(FILE *out, struct arena *arena, const struct explained *explained,
                       const struct explained_rule *rule)
{
    fprintf(out, "  rule %.*s", VIEW(rule->rule->id));
    if (rule->terms != explained->program)
        fprintf(out, ", by the terms of version %" PRId64, rule->terms->version);
    fputc('\n', out);
    for (size_t i = 0; i < rule->count; i++)
        print_fact(out, arena, rule->facts[i]);
}

static void print_outcome(FILE *out, const struct explained *explained)
{
    struct buffer effects = {0};
    effects_write(&effects, explained->set, explained->event, &explained->happened, false);
    for (size_t from = 0, to; from < effects.len; from = to + 1) {
        const uint8_t *end = memchr(effects.at + from, '\n', effects.len - from);
        to = end ? (size_t)(end - effects.at) : effects.len;
        fprintf(out, "  = %.*s\n", (int)(to - from), (const char *)effects.at + from);
    }
    buffer_release(&effects);
}

void explain_print(FILE *out, const struct explained *explained)
{
    char occurred[RFC3339_SIZE], effective[RFC3339_SIZE];
    const struct program *program = explained->program;
    struct explained_rules rules = explain_rules(&explained->trace);
    fprintf(out, "%.*s\n  at %s", VIEW(explained->title), rfc3339_format(explained->event->occurred_at, occurred));
    if (program)
        fprintf(out, ", program %.*s version %" PRId64 ", in effect since %s", VIEW(program->id), program->version,
                rfc3339_format(program->effective_at, effective));
    fputc('\n', out);
    for (size_t i = 0; i < rules.count; i++)
        print_rule(out, explained->trace.arena, explained, &rules.items[i]);
    if (explain_outside(&explained->trace))
        fputs("  no member at this time: left, or not enrolled\n", out);
    else if (program && rules.count == 0)
        fputs("  no rule is for it\n", out);
    print_outcome(out, explained);
}
