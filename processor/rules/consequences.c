#include "rules/consequences.h"

#include "rules/tier.h"

enum err_code consequences_settle(struct work *work, struct member_work *member, const struct purchase *purchase)
{
    if (purchase)
        tier_count_purchase(work, member, purchase);
    enum err_code code = tier_follow(work, member);
    return code ? code : automatic_settle(work, member, purchase);
}
