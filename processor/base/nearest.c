#include "base/nearest.h"

enum { LONGEST = 64 };

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; /* whatever the locale */
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance; both at most LONGEST long. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][LONGEST + 1]; /* two before, one before, this */
    size_t *two = rows[0], *one = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_len; j++)
        now[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *free_row = two;
        two = one;
        one = now;
        now = free_row;
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            now[j] = least(least(one[j] + 1, now[j - 1] + 1), one[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
                now[j] = least(now[j], two[j - 2] + 1);
        }
    }
    return now[b_len];
}

static size_t common_prefix(struct text a, const char *b)
{
    size_t len = 0;
    while (len < a.len && b[len] && lower(a.at[len]) == lower(b[len]))
        len++;
    return len;
}

/* Of two names as close, the one that begins alike for longer is rather meant. */
static bool is_better(struct text given, const char *name, size_t d, const char *best, size_t best_distance)
{
    if (d != best_distance || !best)
        return d <= best_distance;
    return common_prefix(given, name) > common_prefix(given, best);
}

const char *nearest_name(struct text given, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = given.len / 3 + 1; /* a third of the letters may be wrong */
    if (given.len == 0 || given.len > LONGEST)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        if (len > LONGEST)
            continue;
        size_t d = distance(given.at, given.len, names[i], len);
        if (is_better(given, names[i], d, best, best_distance)) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}
