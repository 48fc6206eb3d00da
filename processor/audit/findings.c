#include "audit/findings.h"

#include <assert.h>

static const char *const codes[FINDING_KIND_COUNT] = {
#define X(name, code, words) code,
    FINDING_KINDS(X)
#undef X
};

static const char *const sentences[FINDING_KIND_COUNT] = {
#define X(name, code, words) words,
    FINDING_KINDS(X)
#undef X
};

void findings_add(struct findings *findings, const struct finding *finding)
{
    assert(finding->kind < FINDING_KIND_COUNT && finding->fate < FATE_COUNT);
    findings->counts[finding->kind][finding->fate]++;
    size_t *count = &findings->shown_count[finding->kind][finding->fate];
    if (*count < FINDINGS_SHOWN)
        findings->shown[finding->kind][finding->fate][(*count)++] = *finding;
}

int64_t findings_of(const struct findings *findings, enum finding_fate fate)
{
    int64_t sum = 0;
    for (int kind = 0; kind < FINDING_KIND_COUNT; kind++)
        sum += findings->counts[kind][fate];
    return sum;
}

int64_t findings_of_kind(const struct findings *findings, enum finding_kind kind)
{
    int64_t sum = 0;
    for (int fate = 0; fate < FATE_COUNT; fate++)
        sum += findings->counts[kind][fate];
    return sum;
}

int64_t findings_left(const struct findings *findings)
{
    return findings_of(findings, FATE_REPORTED) + findings_of(findings, FATE_MENDABLE) +
           findings_of(findings, FATE_REFUSED);
}

const char *finding_fate_name(enum finding_fate fate)
{
    static const char *const names[FATE_COUNT] = {
        [FATE_REPORTED] = "reported",
        [FATE_MENDABLE] = "mendable",
        [FATE_MENDED] = "mended",
        [FATE_REFUSED] = "refused",
    };
    return names[fate];
}

static void print_finding(const struct finding *finding, FILE *out)
{
    fprintf(out, "  %s", finding->where);
    if (finding->fate != FATE_REPORTED)
        fprintf(out, " [%s]", finding_fate_name(finding->fate));
    fprintf(out, "%s%s\n", finding->remark[0] ? ": " : "", finding->remark);
}

static void print_kind(const struct findings *findings, enum finding_kind kind, FILE *out)
{
    fprintf(out, "%s: %lld\n", sentences[kind], (long long)findings_of_kind(findings, kind));
    for (int fate = 0; fate < FATE_COUNT; fate++) {
        size_t shown = findings->shown_count[kind][fate];
        int64_t more = findings->counts[kind][fate] - (int64_t)shown;
        for (size_t i = 0; i < shown; i++)
            print_finding(&findings->shown[kind][fate][i], out);
        if (more > 0)
            fprintf(out, "  ... and %lld more %s\n", (long long)more, finding_fate_name((enum finding_fate)fate));
    }
}

void findings_print(const struct findings *findings, FILE *out)
{
    for (int kind = 0; kind < FINDING_KIND_COUNT; kind++)
        if (findings_of_kind(findings, (enum finding_kind)kind) > 0)
            print_kind(findings, (enum finding_kind)kind, out);
}

/* Names come from topics, members' ids and the like; where a cut has split a character it is left out by json_string.
 */
static json_t *text_json(const char *text)
{
    json_t *value = json_string(text);
    return value ? value : json_string("(not UTF-8)");
}

static json_t *finding_json(const struct finding *finding)
{
    return json_pack("{s:o, s:o, s:s}", "where", text_json(finding->where), "remark", text_json(finding->remark),
                     "fate", finding_fate_name(finding->fate));
}

static json_t *kind_json(const struct findings *findings, int kind)
{
    json_t *first = json_array();
    for (int fate = 0; fate < FATE_COUNT; fate++)
        for (size_t i = 0; i < findings->shown_count[kind][fate]; i++)
            json_array_append_new(first, finding_json(&findings->shown[kind][fate][i]));
    const int64_t *counts = findings->counts[kind];
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "kind", codes[kind], "count",
                     (json_int_t)findings_of_kind(findings, (enum finding_kind)kind), "mendable",
                     (json_int_t)counts[FATE_MENDABLE], "mended", (json_int_t)counts[FATE_MENDED], "refused",
                     (json_int_t)counts[FATE_REFUSED], "first", first);
}

json_t *findings_json(const struct findings *findings)
{
    json_t *list = json_array();
    for (int kind = 0; kind < FINDING_KIND_COUNT; kind++)
        if (findings_of_kind(findings, (enum finding_kind)kind) > 0)
            json_array_append_new(list, kind_json(findings, kind));
    return list;
}
