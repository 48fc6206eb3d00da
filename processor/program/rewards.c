#include <assert.h>

#include "program/parts.h"

/* The automatic rewards of a program file. */

static void read_reward_id(struct loader *loader, const struct node *node, void *into)
{
    read_id(loader, node, "id", &((struct automatic *)into)->id);
}

/* "2000 points" or "300.00 EUR spent". */
static void read_each(struct loader *loader, const struct node *node, void *into)
{
    struct automatic *reward = into;
    if (!expect_kind(loader, node, NODE_SCALAR, "each"))
        return;
    struct text rest = node->text;
    struct node amount = word_node(node, next_word(&rest));
    struct node currency = word_node(node, next_word(&rest));
    struct text spent = next_word(&rest);
    bool counts_money = text_equal(spent, TEXT("spent"));
    if (currency.text.len == 0 || (spent.len > 0 && !counts_money) || next_word(&rest).len > 0) {
        complain(loader, node, "each is `%.*s`; expected \"2000 points\" or \"300.00 EUR spent\"", SHOWN(node->text));
        return;
    }
    reward->form = counts_money ? AUTOMATIC_SPENT : AUTOMATIC_POINTS;
    if (counts_money ? !read_money(loader, &currency, &reward->currency)
                     : !read_points(loader, &currency, &reward->currency))
        return;
    const struct program *program = loader->program;
    if (!counts_money && program->points[reward->currency].is_status)
        complain(loader, node, "each: %.*s are for status; they turn into nothing", SHOWN(currency.text));
    read_amount(loader, &amount, "each",
                counts_money ? &program->money[reward->currency] : &program->points[reward->currency], &reward->each);
}

static void read_give(struct loader *loader, const struct node *node, void *into)
{
    read_words(loader, node, "give", &((struct automatic *)into)->give);
}

static void read_worth(struct loader *loader, const struct node *node, void *into)
{
    struct automatic *reward = into;
    size_t place;
    if (!expect_kind(loader, node, NODE_MAP, "worth") || !expect_count(loader, node, "worth", 1, 1) ||
        !read_money(loader, node->first, &place))
        return;
    const struct currency *money = &loader->program->money[place];
    if (read_amount(loader, node->first->value, "worth", money, &reward->worth))
        reward->worth_currency = money->name;
}

static const struct shape each_shape = {
    .kind = SHAPE_TEXT, .pattern = "^ *[0-9.]+ +[A-Za-z0-9_-]+( +spent)? *$", .example = "2000 points"};
static const struct shape worth_shape = {
    .kind = SHAPE_MAP, .pattern = MONEY_PATTERN, .least = 1, .most = 1, .of = &amount_shape};

static const struct field reward_fields[] = {
    {"id", true, read_reward_id, &id_shape, "stands in the ledger beside each entry"},
    {"each", true, read_each, &each_shape, "how much gives it: \"2000 points\" or \"300.00 EUR spent\""},
    {"give", true, read_give, &words_shape, "what is given, in words"},
    {"worth", false, read_worth, &worth_shape, "its worth in money"},
};

static const struct shape reward_shape = SHAPE_OF_FIELDS(reward_fields);
const struct shape rewards_shape = {.kind = SHAPE_LIST, .least = 1, .most = PROGRAM_REWARDS_MAX, .of = &reward_shape};

void read_rewards(struct loader *loader, const struct node *node, void *unused)
{
    (void)unused;
    if (!expect_kind(loader, node, NODE_LIST, "rewards") ||
        !expect_count(loader, node, "rewards", 1, PROGRAM_REWARDS_MAX) || loader->program->point_count == 0)
        return;
    struct automatic *rewards = arena_array(loader->arena, node->count, sizeof *rewards);
    size_t count = 0;
    for (const struct node *item = node->first; item; item = item->next) {
        struct automatic *reward = &rewards[count++];
        fields_read(loader, item, "a reward", reward_fields, FIELD_COUNT(reward_fields), reward);
        claim_id(loader, item, reward->id);
    }
    assert(count == node->count);
    loader->program->rewards = rewards;
    loader->program->reward_count = count;
}
