#include "program/difference.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "program/bundle.h"
#include "program/node.h"
#include "rules/program_model.h"

struct comparing {
    struct arena *arena;
    struct program_difference *items;
    size_t count;
    size_t capacity;
};

/* ---- what is told */

static void write_node(struct buffer *line, const struct node *node)
{
    if (node->kind == NODE_SCALAR) {
        buffer_put(line, node->text.at, node->text.len);
        return;
    }
    bool map = node->kind == NODE_MAP;
    buffer_put_u8(line, map ? '{' : '[');
    for (const struct node *item = node->first; item; item = item->next) {
        if (item != node->first)
            buffer_put(line, ", ", 2);
        if (map) {
            buffer_put(line, item->text.at, item->text.len);
            buffer_put(line, ": ", 2);
        }
        write_node(line, map ? item->value : item);
    }
    buffer_put_u8(line, map ? '}' : ']');
}

static struct text in_one_line(struct comparing *comparing, const struct node *node)
{
    struct buffer line = {0};
    write_node(&line, node);
    struct text text = arena_text(comparing->arena, (struct text){(const char *)line.at, line.len});
    buffer_release(&line);
    return text;
}

static void tell(struct comparing *comparing, struct program_difference difference)
{
    if (comparing->count == comparing->capacity) {
        comparing->capacity = comparing->capacity > 0 ? 2 * comparing->capacity : 16;
        struct program_difference *larger = arena_array(comparing->arena, comparing->capacity, sizeof *larger);
        if (comparing->count > 0)
            memcpy(larger, comparing->items, comparing->count * sizeof *larger);
        comparing->items = larger;
    }
    comparing->items[comparing->count++] = difference;
}

static void tell_added(struct comparing *comparing, struct text path, const struct node *node)
{
    tell(comparing,
         (struct program_difference){
             .kind = CHANGE_ADDED, .path = path, .after = in_one_line(comparing, node), .after_line = node->line});
}

static void tell_removed(struct comparing *comparing, struct text path, const struct node *node)
{
    tell(comparing,
         (struct program_difference){
             .kind = CHANGE_REMOVED, .path = path, .before = in_one_line(comparing, node), .before_line = node->line});
}

/* ---- values */

static struct text path_to(struct comparing *comparing, struct text path, struct text name)
{
    if (path.len == 0)
        return name;
    return arena_printf(comparing->arena, "%.*s %.*s", (int)path.len, path.at, (int)name.len, name.at);
}

/* 10 and 10.00 are one number. */
static bool same_scalar(struct text a, struct text b)
{
    struct decimal left, right;
    int64_t left_scaled, right_scaled;
    if (text_equal(a, b))
        return true;
    return decimal_parse(a, DECIMALS_MAX, &left) && decimal_parse(b, DECIMALS_MAX, &right) &&
           decimal_scale(left, DECIMALS_MAX, &left_scaled) && decimal_scale(right, DECIMALS_MAX, &right_scaled) &&
           left_scaled == right_scaled;
}

static void compare(struct comparing *comparing, struct text path, const struct node *before, const struct node *after);

/* ---- members: keys of a map; entries of a list, known by their id, or by what they say */

struct member {
    struct text name;
    const struct node *node; /* a map's key, a list's entry */
    const struct node *value;
    const struct member *partner; /* of that name in the other list; NULL: it has none */
    size_t place;
    bool moved;
};

struct members {
    struct member *items; /* in the file's order */
    struct member **by_name;
    size_t count;
};

static struct text name_of(const struct node *list, const struct node *member)
{
    if (list->kind == NODE_MAP || member->kind == NODE_SCALAR)
        return member->text;
    for (const struct node *key = member->kind == NODE_MAP ? member->first : NULL; key; key = key->next)
        if (text_equal(key->text, TEXT("id")) && key->value->kind == NODE_SCALAR)
            return key->value->text;
    return TEXT("");
}

static int by_name(const void *a, const void *b)
{
    const struct member *left = *(struct member *const *)a, *right = *(struct member *const *)b;
    int order = text_compare(left->name, right->name);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

static struct members members_of(struct comparing *comparing, const struct node *list)
{
    struct members members = {arena_array(comparing->arena, list->count, sizeof *members.items),
                              arena_array(comparing->arena, list->count, sizeof(struct member *)), 0};
    for (const struct node *node = list->first; node; node = node->next) {
        struct member *member = &members.items[members.count];
        *member = (struct member){.name = name_of(list, node),
                                  .node = node,
                                  .value = list->kind == NODE_MAP ? node->value : node,
                                  .place = members.count};
        members.by_name[members.count++] = member;
    }
    if (members.count > 1)
        qsort(members.by_name, members.count, sizeof(struct member *), by_name);
    return members;
}

/* Of lists whose entries have no names, or one name twice, there is only the whole. */
static bool has_names(const struct members *members)
{
    for (size_t i = 0; i < members->count; i++)
        if (members->by_name[i]->name.len == 0 ||
            (i > 0 && text_equal(members->by_name[i]->name, members->by_name[i - 1]->name)))
            return false;
    return true;
}

static void find_partners(struct members *before, struct members *after)
{
    for (size_t b = 0, a = 0; b < before->count && a < after->count;) {
        struct member *old = before->by_name[b], *new = after->by_name[a];
        int order = text_compare(old->name, new->name);
        if (order == 0) {
            old->partner = new;
            new->partner = old;
        }
        b += order <= 0;
        a += order >= 0;
    }
}

/* True where the entries' order means something: that of rules, rewards and point currencies, not of words. */
static bool is_ordered(const struct node *list, struct text path)
{
    return (list->kind == NODE_LIST && list->first && list->first->kind == NODE_MAP) ||
           text_equal(path, TEXT("points"));
}

/* The fewest members whose moving makes the old order of what both have the new one: all but a longest run that keeps
 * its order. ends[n] is the last member of such a run of n + 1 members, that with the least place in the old list. */
static void mark_moved(struct comparing *comparing, struct members *after)
{
    struct member **ends = arena_array(comparing->arena, after->count, sizeof(struct member *));
    struct member **previous = arena_array(comparing->arena, after->count, sizeof(struct member *));
    size_t longest = 0;
    for (size_t i = 0; i < after->count; i++) {
        struct member *member = &after->items[i];
        size_t low = 0, high = longest;
        if (!member->partner)
            continue;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (ends[middle]->partner->place < member->partner->place)
                low = middle + 1;
            else
                high = middle;
        }
        member->moved = true;
        previous[i] = low > 0 ? ends[low - 1] : NULL;
        ends[low] = member;
        longest = low == longest ? longest + 1 : longest;
    }
    for (struct member *kept = longest > 0 ? ends[longest - 1] : NULL; kept; kept = previous[kept->place])
        kept->moved = false;
}

static struct text member_path(struct comparing *comparing, struct text path, const struct member *member)
{
    bool word = member->node == member->value && member->value->kind == NODE_SCALAR;
    return word ? path : path_to(comparing, path, member->name);
}

static void tell_moved(struct comparing *comparing, struct text path, const struct members *after,
                       const struct member *member)
{
    tell(comparing,
         (struct program_difference){.kind = CHANGE_MOVED,
                                     .path = path,
                                     .after = member->place > 0 ? after->items[member->place - 1].name : TEXT(""),
                                     .before_line = member->partner->node->line,
                                     .after_line = member->node->line});
}

static void compare_members(struct comparing *comparing, struct text path, struct members *before,
                            struct members *after, bool ordered)
{
    find_partners(before, after);
    if (ordered)
        mark_moved(comparing, after);
    for (size_t i = 0; i < after->count; i++) {
        const struct member *new = &after->items[i];
        struct text inner = member_path(comparing, path, new);
        if (new->moved)
            tell_moved(comparing, inner, after, new);
        if (new->partner)
            compare(comparing, inner, new->partner->value, new->value);
        else
            tell_added(comparing, inner, new->value);
    }
    for (size_t i = 0; i < before->count; i++)
        if (!before->items[i].partner)
            tell_removed(comparing, member_path(comparing, path, &before->items[i]), before->items[i].value);
}

static bool same_as_whole(struct comparing *comparing, const struct node *before, const struct node *after)
{
    return text_equal(in_one_line(comparing, before), in_one_line(comparing, after));
}

/* True where both have members that could be compared one by one. */
static bool compare_inside(struct comparing *comparing, struct text path, const struct node *before,
                           const struct node *after)
{
    if (before->kind != after->kind || before->kind == NODE_SCALAR)
        return false;
    struct members old = members_of(comparing, before), new = members_of(comparing, after);
    if (!has_names(&old) || !has_names(&new))
        return false;
    compare_members(comparing, path, &old, &new, is_ordered(after, path));
    return true;
}

static void compare(struct comparing *comparing, struct text path, const struct node *before, const struct node *after)
{
    if (compare_inside(comparing, path, before, after))
        return;
    bool scalars = before->kind == NODE_SCALAR && after->kind == NODE_SCALAR;
    if (scalars ? same_scalar(before->text, after->text) : same_as_whole(comparing, before, after))
        return;
    tell(comparing, (struct program_difference){.kind = CHANGE_CHANGED,
                                                .path = path,
                                                .before = in_one_line(comparing, before),
                                                .after = in_one_line(comparing, after),
                                                .before_line = before->line,
                                                .after_line = after->line});
}

/* ---- list files */

static int by_text(const void *a, const void *b)
{
    return text_compare(((const struct node *)a)->text, ((const struct node *)b)->text);
}

/* The lines of a list file as a list of words, each once. */
static struct node list_of(struct comparing *comparing, struct text text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    struct node *items = arena_array(comparing->arena, lines, sizeof *items);
    struct node list = {.kind = NODE_LIST, .line = 1};
    size_t count = 0;
    for (size_t from = 0, to; from < text.len; from = to + 1) {
        const char *end = memchr(text.at + from, '\n', text.len - from);
        to = end ? (size_t)(end - text.at) : text.len;
        if (to > from)
            items[count++] = (struct node){.kind = NODE_SCALAR, .line = 1, .text = {text.at + from, to - from}};
    }
    if (count > 1)
        qsort(items, count, sizeof *items, by_text);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && text_equal(items[i].text, items[i - 1].text))
            continue;
        items[i].next = list.first;
        list.first = &items[i];
        list.count++;
    }
    return list;
}

static void compare_lists(struct comparing *comparing, const struct attachments *before,
                          const struct attachments *after)
{
    for (size_t i = 0; i < after->count; i++) {
        struct text old = TEXT("");
        attachment_find(before, after->items[i].name, &old);
        struct node left = list_of(comparing, old), right = list_of(comparing, after->items[i].text);
        compare(comparing, after->items[i].name, &left, &right);
    }
}

struct program_differences program_difference(struct text before, struct text after, struct arena *arena)
{
    struct program_errors errors = {0};
    struct comparing comparing = {.arena = arena};
    struct attachments *lists = arena_array(arena, 2, sizeof *lists);
    bundle_split(before, &before, &lists[0]);
    bundle_split(after, &after, &lists[1]);
    const struct node *old = node_read(before, arena, &errors);
    const struct node *new = node_read(after, arena, &errors);
    assert(old && new);
    compare(&comparing, TEXT(""), old, new);
    compare_lists(&comparing, &lists[0], &lists[1]);
    return (struct program_differences){comparing.items, comparing.count};
}

const char *change_name(enum change_kind kind)
{
    static const char *const names[] = {
        [CHANGE_ADDED] = "added", [CHANGE_REMOVED] = "removed", [CHANGE_CHANGED] = "changed", [CHANGE_MOVED] = "moved"};
    return names[kind];
}
