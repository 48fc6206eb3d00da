#include <stdlib.h>

#include "program/draft.h"
#include "rules/record.h"

/* `items`: which lines of an order a rule counts. */

enum { ITEMS_MAX = 500000, ITEM_BYTES_MAX = 256 };

/* A list in the making: from the file's own entries and from the lines of a list file. */
struct collected {
    struct text *texts;
    size_t count;
    size_t capacity;
};

static void collect(struct loader *loader, struct collected *all, struct text text)
{
    if (all->count == all->capacity) {
        size_t capacity = all->capacity > 0 ? 2 * all->capacity : 16;
        struct text *texts = arena_array(loader->arena, capacity, sizeof *texts);
        if (all->count > 0)
            memcpy(texts, all->texts, all->count * sizeof *texts);
        all->texts = texts;
        all->capacity = capacity;
    }
    all->texts[all->count++] = text;
}

static void collect_entries(struct loader *loader, const struct node *node, const char *what, struct collected *all)
{
    if (!expect_kind(loader, node, NODE_LIST, what) || !expect_count(loader, node, what, 1, ITEMS_MAX))
        return;
    for (const struct node *item = node->first; item; item = item->next) {
        if (item->kind != NODE_SCALAR || item->text.len == 0 || item->text.len > ITEM_BYTES_MAX)
            complain(loader, item, "%s: an entry is a text of 1 to %d bytes", what, ITEM_BYTES_MAX);
        else
            collect(loader, all, item->text);
    }
}

/* One entry a line; blanks around it, empty lines and lines that begin with # do not count. */
static void collect_lines(struct loader *loader, const struct node *node, struct text list, struct collected *all)
{
    size_t before = all->count;
    while (list.len > 0) {
        const char *newline = memchr(list.at, '\n', list.len);
        struct text line = {list.at, newline ? (size_t)(newline - list.at) : list.len};
        size_t used = line.len + (newline != NULL);
        list.at += used, list.len -= used;
        while (line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t'))
            line.at++, line.len--;
        while (line.len > 0 &&
               (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t' || line.at[line.len - 1] == '\r'))
            line.len--;
        if (line.len > 0 && line.at[0] != '#')
            collect(loader, all, line);
    }
    if (all->count == before)
        complain(loader, node, "`%.*s` holds no entry", SHOWN(node->text));
}

static void collect_file(struct loader *loader, const struct node *node, struct collected *all)
{
    struct text list;
    if (!expect_kind(loader, node, NODE_SCALAR, "skus_from"))
        return;
    if (attachment_find(&loader->attachments, node->text, &list))
        collect_lines(loader, node, list, all);
    else
        complain(loader, node, "`%.*s` was not read: a list file stands beside the program, one SKU a line",
                 SHOWN(node->text));
}

/* What `items` names; its two lists of SKUs become one. */
struct items {
    struct collected skus;
    struct item_list *into;
    struct item_filter *filter;
};

static void read_skus(struct loader *loader, const struct node *node, void *into)
{
    collect_entries(loader, node, "skus", &((struct items *)into)->skus);
}

static void read_skus_from(struct loader *loader, const struct node *node, void *into)
{
    collect_file(loader, node, &((struct items *)into)->skus);
}

static void read_categories(struct loader *loader, const struct node *node, void *into)
{
    struct collected all = {0};
    collect_entries(loader, node, "categories", &all);
    ((struct items *)into)->into->categories = text_set_make(all.texts, all.count, loader->arena);
}

static void read_labels(struct loader *loader, const struct node *node, void *into)
{
    struct collected all = {0};
    collect_entries(loader, node, "labels", &all);
    ((struct items *)into)->into->labels = text_set_make(all.texts, all.count, loader->arena);
}

static void read_except(struct loader *loader, const struct node *node, void *into);

static const struct shape entry_shape = {.kind = SHAPE_TEXT};
static const struct shape entries_shape = {.kind = SHAPE_LIST, .least = 1, .most = ITEMS_MAX, .of = &entry_shape};
static const struct shape file_shape = {.kind = SHAPE_TEXT, .example = "spring-skus.txt"};

#define LIST_FIELDS                                                                                                    \
    {"skus", false, read_skus, &entries_shape, "by SKU"},                                                              \
        {"skus_from", false, read_skus_from, &file_shape, "by SKU, one a line of a file beside the program"},          \
        {"categories", false, read_categories, &entries_shape, "by category"},                                         \
    {                                                                                                                  \
        "labels", false, read_labels, &entries_shape, "by label: any of a line's"                                      \
    }

static const struct field except_fields[] = {LIST_FIELDS};
static const struct shape except_shape = SHAPE_OF_FIELDS(except_fields);
static const struct field items_fields[] = {
    LIST_FIELDS,
    {"except", false, read_except, &except_shape, "lines that do not count, whatever else names them"},
};
const struct shape items_shape = SHAPE_OF_FIELDS(items_fields);

static void finish(struct loader *loader, struct items *items)
{
    struct item_list *list = items->into;
    list->skus = text_set_make(items->skus.texts, items->skus.count, loader->arena);
    list->names_any = list->skus.count + list->categories.count + list->labels.count > 0;
}

static void read_except(struct loader *loader, const struct node *node, void *into)
{
    struct items except = {.into = &((struct items *)into)->filter->except};
    fields_read(loader, node, "except", except_fields, FIELD_COUNT(except_fields), &except);
    finish(loader, &except);
}

void read_items(struct loader *loader, const struct node *node, void *into)
{
    struct draft *draft = into;
    if (!expect_order_rule(loader, node, draft, "items"))
        return;
    struct item_filter *filter = arena_alloc(loader->arena, sizeof *filter);
    struct items items = {.into = &filter->only, .filter = filter};
    fields_read(loader, node, "items", items_fields, FIELD_COUNT(items_fields), &items);
    finish(loader, &items);
    if (node->kind == NODE_MAP && !filter->only.names_any && !filter->except.names_any && node->count == 0)
        complain(loader, node, "items names nothing; it takes skus, skus_from, categories, labels, except");
    draft->rule.items = filter;
    draft->rule.image |= IMAGE_ITEM;
}
