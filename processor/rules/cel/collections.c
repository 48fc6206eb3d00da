#include "rules/cel/lex.h"
#include "rules/cel/regex.h"
#include "rules/cel/run.h"

/* Functions and operators on lists, maps and texts. */

/* A number as an index of the list; false when it is none. */
static bool index_of(const struct cel_value *value, uint64_t *out)
{
    if (value->kind == CEL_INT && value->integer >= 0)
        *out = (uint64_t)value->integer;
    else if (value->kind == CEL_UINT)
        *out = value->natural;
    else if (value->kind == CEL_DOUBLE && value->real >= 0 && value->real < 4294967296.0 &&
             (double)(uint64_t)value->real == value->real)
        *out = (uint64_t)value->real;
    else
        return false;
    return true;
}

void cel_call_index(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    uint64_t index;
    struct cel_value found;
    (void)run;
    if (a[0].kind == CEL_LIST) {
        if (!index_of(&a[1], &index) || index >= a[0].count) {
            *out = cel_error(CEL_OUT_OF_BOUNDS);
            return;
        }
        a[0].list.get(a[0].list.object, (size_t)index, &found);
        *out = found;
    } else if (a[0].kind == CEL_MAP) {
        *out = cel_map_find(&a[0], &a[1], &found) ? found : cel_error(CEL_NO_SUCH_KEY);
    } else {
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    }
}

static bool list_holds(const struct cel_value *list, const struct cel_value *wanted)
{
    for (size_t i = 0; i < list->count; i++) {
        struct cel_value item;
        list->list.get(list->list.object, i, &item);
        if (cel_equal(&item, wanted))
            return true;
    }
    return false;
}

void cel_call_in(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    struct cel_value found;
    (void)run;
    if (a[1].kind == CEL_LIST)
        *out = cel_bool(list_holds(&a[1], &a[0]));
    else if (a[1].kind == CEL_MAP)
        *out = cel_bool(cel_map_find(&a[1], &a[0], &found));
    else
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
}

void cel_call_size(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    switch (a[0].kind) {
    case CEL_STRING:
        *out = cel_int((int64_t)cel_utf8_count(a[0].text));
        break;
    case CEL_BYTES:
        *out = cel_int((int64_t)a[0].text.len);
        break;
    case CEL_LIST:
    case CEL_MAP:
        *out = cel_int(a[0].count);
        break;
    default:
        *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    }
}

static bool both_strings(const struct cel_value *a, struct cel_value *out)
{
    if (a[0].kind == CEL_STRING && a[1].kind == CEL_STRING)
        return true;
    *out = cel_error(CEL_NO_SUCH_OVERLOAD);
    return false;
}

/* memmem is linear in both lengths. */
void cel_call_contains(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    if (both_strings(a, out))
        *out = cel_bool(a[1].text.len == 0 || (a[0].text.len >= a[1].text.len &&
                                               memmem(a[0].text.at, a[0].text.len, a[1].text.at, a[1].text.len)));
}

void cel_call_starts_with(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    if (both_strings(a, out))
        *out = cel_bool(a[0].text.len >= a[1].text.len &&
                        text_equal((struct text){a[0].text.at, a[1].text.len}, a[1].text));
}

void cel_call_ends_with(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    (void)run;
    if (!both_strings(a, out))
        return;
    size_t len = a[1].text.len, whole = a[0].text.len;
    *out = cel_bool(whole >= len && (len == 0 || memcmp(a[0].text.at + whole - len, a[1].text.at, len) == 0));
}

/* Of a pattern that is known only now; one that is a constant was compiled when the expression was loaded. */
void cel_call_matches(struct cel_run *run, const struct cel_value *a, struct cel_value *out)
{
    struct cel_regex *regex;
    const char *wrong;
    if (!both_strings(a, out) || !cel_spend(run, CEL_REGEX_COMPILE_BYTES + 256 * a[1].text.len, out))
        return;
    if (!cel_regex_compile(a[1].text, run->arena, &regex, &wrong)) {
        *out = cel_error(CEL_BAD_PATTERN);
        return;
    }
    struct text text = a[0].text;
    if (cel_spend(run, CEL_REGEX_SEARCH_BYTES + (text.len + 1) * cel_regex_size(regex), out))
        *out = cel_bool(cel_regex_search(regex, text, run->arena, NULL));
}
