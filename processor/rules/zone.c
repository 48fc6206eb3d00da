#include "rules/zone.h"

#include <assert.h>

enum { TRANSITIONS_MAX = 4096, TYPES_MAX = 256, HEADER = 44, DAY = 86400 };

/* When a footer's change falls: "M3.5.0/2", "J60", "59". */
struct change {
    enum { CHANGE_JULIAN, CHANGE_DAY, CHANGE_WEEK } form;
    int day, week, month;
    int32_t time; /* seconds after local midnight */
};

struct zone {
    int64_t *at;     /* when each transition is, ascending */
    int32_t *offset; /* from then on */
    size_t count;
    int32_t first; /* before them all */
    bool has_rule; /* for after the last: standard and, perhaps, daylight time */
    bool has_daylight;
    int32_t standard, daylight;
    struct change begin, end;
};

struct reader {
    const char *at, *end;
    bool failed;
};

static char look(const struct reader *reader)
{
    return reader->at < reader->end ? *reader->at : '\0';
}

static bool take(struct reader *reader, char c)
{
    if (look(reader) != c)
        return false;
    reader->at++;
    return true;
}

static int take_number(struct reader *reader, int most)
{
    int value = 0, digits = 0;
    for (; look(reader) >= '0' && look(reader) <= '9' && digits < 4; digits++)
        value = value * 10 + *reader->at++ - '0';
    reader->failed |= digits == 0 || value > most;
    return value;
}

/* [+-]h[h[h]][:mm[:ss]] */
static int32_t take_time(struct reader *reader)
{
    bool negative = take(reader, '-');
    if (!negative)
        take(reader, '+');
    int32_t seconds = take_number(reader, 167) * 3600;
    if (take(reader, ':'))
        seconds += take_number(reader, 59) * 60;
    if (take(reader, ':'))
        seconds += take_number(reader, 59);
    return negative ? -seconds : seconds;
}

/* A zone's abbreviation: letters, or anything between < and >. */
static void skip_name(struct reader *reader)
{
    const char *from = reader->at;
    if (take(reader, '<')) {
        while (look(reader) && look(reader) != '>')
            reader->at++;
        reader->failed |= !take(reader, '>');
    } else {
        while ((look(reader) | 0x20) >= 'a' && (look(reader) | 0x20) <= 'z')
            reader->at++;
    }
    reader->failed |= reader->at == from;
}

static struct change take_change(struct reader *reader)
{
    struct change change = {.form = CHANGE_DAY, .time = 7200};
    if (take(reader, 'M')) {
        change.form = CHANGE_WEEK;
        change.month = take_number(reader, 12);
        reader->failed |= change.month == 0 || !take(reader, '.');
        change.week = take_number(reader, 5);
        reader->failed |= change.week == 0 || !take(reader, '.');
        change.day = take_number(reader, 6);
    } else {
        change.form = take(reader, 'J') ? CHANGE_JULIAN : CHANGE_DAY;
        change.day = take_number(reader, 365);
    }
    if (take(reader, '/'))
        change.time = take_time(reader);
    return change;
}

/* A POSIX TZ string, as the footer has it; an empty one says nothing. Offsets there are west of Greenwich. */
static bool parse_rule(struct text text, struct zone *zone)
{
    struct reader reader = {text.at, text.at + text.len, false};
    if (text.len == 0)
        return true;
    skip_name(&reader);
    zone->standard = -take_time(&reader);
    zone->has_rule = true;
    if (reader.at == reader.end)
        return !reader.failed;
    skip_name(&reader);
    zone->has_daylight = true;
    zone->daylight = zone->standard + 3600;
    if (look(&reader) != ',')
        zone->daylight = -take_time(&reader);
    reader.failed |= !take(&reader, ',');
    zone->begin = take_change(&reader);
    reader.failed |= !take(&reader, ',');
    zone->end = take_change(&reader);
    return !reader.failed && reader.at == reader.end;
}

static uint32_t big32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t big64(const uint8_t *at)
{
    return (int64_t)((uint64_t)big32(at) << 32 | big32(at + 4));
}

/* One of the two data blocks: where its parts begin. */
struct block {
    size_t times, indexes, types, end;
    size_t time_count, type_count;
};

static bool locate(struct bytes file, size_t at, size_t width, struct block *out)
{
    if (at > file.len || file.len - at < HEADER || memcmp(file.at + at, "TZif", 4) != 0)
        return false;
    const uint8_t *head = file.at + at;
    size_t counts[6]; /* UT/local, standard/wall, leap, time, type, characters */
    for (size_t i = 0; i < 6; i++) {
        counts[i] = big32(head + 20 + 4 * i);
        if (counts[i] > 1 << 20)
            return false;
    }
    out->time_count = counts[3];
    out->type_count = counts[4];
    out->times = at + HEADER;
    out->indexes = out->times + counts[3] * width;
    out->types = out->indexes + counts[3];
    out->end = out->types + counts[4] * 6 + counts[5] + counts[2] * (width + 4) + counts[1] + counts[0];
    return out->end <= file.len && counts[3] <= TRANSITIONS_MAX && counts[4] > 0 && counts[4] <= TYPES_MAX;
}

static bool read_offset(struct bytes file, const struct block *block, size_t type, int32_t *out)
{
    if (type >= block->type_count)
        return false;
    *out = (int32_t)big32(file.at + block->types + 6 * type);
    return *out > -2 * DAY && *out < 2 * DAY;
}

static bool read_transitions(struct bytes file, const struct block *block, struct arena *arena, struct zone *zone)
{
    zone->count = block->time_count;
    zone->at = arena_array(arena, zone->count, sizeof *zone->at);
    zone->offset = arena_array(arena, zone->count, sizeof *zone->offset);
    if (!read_offset(file, block, 0, &zone->first))
        return false;
    for (size_t i = 0; i < zone->count; i++) {
        zone->at[i] = big64(file.at + block->times + 8 * i);
        if ((i > 0 && zone->at[i] <= zone->at[i - 1]) ||
            !read_offset(file, block, file.at[block->indexes + i], &zone->offset[i]))
            return false;
    }
    return true;
}

static bool read_footer(struct bytes file, size_t at, struct zone *zone)
{
    if (at >= file.len || file.at[at] != '\n')
        return false;
    const char *from = (const char *)file.at + at + 1;
    const char *end = memchr(from, '\n', file.len - at - 1);
    return end && parse_rule((struct text){from, (size_t)(end - from)}, zone);
}

enum err_code zone_parse(struct bytes tzif, struct arena *arena, struct zone **out, struct err *err)
{
    struct block first, second;
    struct zone *zone = arena_alloc(arena, sizeof *zone);
    if (!locate(tzif, 0, 4, &first) || tzif.at[4] < '2' || !locate(tzif, first.end, 8, &second))
        return err_set(err, ERR_CONFIG, "not a TZif file of version 2 or later");
    if (!read_transitions(tzif, &second, arena, zone) || !read_footer(tzif, second.end, zone))
        return err_set(err, ERR_CONFIG, "a TZif file that contradicts itself");
    *out = zone;
    return ERR_NONE;
}

/* Seconds since 1970, by the local calendar, at which a change falls in that year. */
static int64_t change_in(const struct change *change, int64_t year)
{
    int64_t january = civil_days(year, 1, 1);
    if (change->form == CHANGE_DAY)
        return (january + change->day) * DAY + change->time;
    if (change->form == CHANGE_JULIAN) {
        bool leaps = civil_month_length(year, 2) == 29 && change->day >= 60;
        return (january + change->day - 1 + leaps) * DAY + change->time;
    }
    int64_t first = civil_days(year, change->month, 1);
    int day = (change->day - civil_weekday(first) + 7) % 7 + 7 * (change->week - 1);
    if (day >= civil_month_length(year, change->month))
        day -= 7;
    return (first + day) * DAY + change->time;
}

static int32_t rule_offset(const struct zone *zone, int64_t seconds)
{
    if (!zone->has_daylight)
        return zone->standard;
    int64_t year = civil_at(seconds + zone->standard).year;
    int64_t begin = change_in(&zone->begin, year) - zone->standard, end = change_in(&zone->end, year) - zone->daylight;
    bool within = begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end;
    return within ? zone->daylight : zone->standard;
}

int32_t zone_offset(const struct zone *zone, int64_t seconds)
{
    size_t low = 0, high = zone->count; /* transitions at or before seconds */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_rule)
        return rule_offset(zone, seconds);
    return low == 0 ? zone->first : zone->offset[low - 1];
}

struct civil zone_local(const struct zone *zone, int64_t seconds)
{
    return civil_at(seconds + zone_offset(zone, seconds));
}

/* The offsets a day before and after are the only candidates: changes lie further apart. */
int64_t zone_instant(const struct zone *zone, int64_t local)
{
    int32_t before = zone_offset(zone, local - DAY), after = zone_offset(zone, local + DAY);
    if (before == after)
        return local - before;
    int64_t early = local - before, late = local - after;
    bool early_fits = zone_offset(zone, early) == before, late_fits = zone_offset(zone, late) == after;
    if (early_fits && late_fits)
        return early < late ? early : late;
    return early_fits || !late_fits ? early : late; /* in a gap: as the clock before it went on */
}

bool zone_fixed_offset(struct text text, int32_t *out)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    if (text.len == 6 && (negative || text.at[0] == '+'))
        text = (struct text){text.at + 1, 5};
    if (text.len != 5 || text.at[2] != ':')
        return false;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (text.at[i] < '0' || text.at[i] > '9'))
            return false;
    int hours = (text.at[0] - '0') * 10 + text.at[1] - '0', minutes = (text.at[3] - '0') * 10 + text.at[4] - '0';
    if (hours > 23 || minutes > 59)
        return false;
    *out = (negative ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}
