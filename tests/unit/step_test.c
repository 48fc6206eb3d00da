#include <criterion/criterion.h>

#include "casebook.h"

#define CASES(name, file)                                                                                              \
    Test(step, name)                                                                                                   \
    {                                                                                                                  \
        casebook_run("tests/unit/cases/" file);                                                                        \
    }

CASES(refunds_take_back_what_no_longer_was_earned, "refunds.txt")
CASES(clamped_refunds_take_what_is_there_and_forget_the_rest, "clamp.txt")
CASES(rates_are_exact_and_rounded_once, "earning.txt")
CASES(rules_on_orders_count_what_remains, "orders.txt")
CASES(automatic_rewards_come_at_thresholds_and_carry_the_rest, "rewards.txt")
CASES(reviews_and_shares_count_once, "once.txt")
CASES(conditions_decide_whether_a_rule_applies, "conditions.txt")
CASES(conditions_read_what_was_when_the_order_was_granted, "frozen.txt")
CASES(referrals_reward_two_members_once, "referrals.txt")
CASES(refunds_wait_for_their_orders, "waiting.txt")
CASES(members_are_merged_and_erased, "merges.txt")
CASES(versions_leave_what_was_granted_under_older_ones, "versions.txt")
CASES(limits_leave_the_residue_of_their_windows, "limits.txt")
CASES(budgets_are_shared_by_all_members, "budgets.txt")
CASES(members_are_known_as_they_were_when_it_happened, "members.txt")
CASES(who_is_no_member_earns_nothing, "enrolment.txt")
CASES(tiers_follow_what_was_spent, "tiers.txt")
CASES(tiers_last_for_years, "tiers_years.txt")
CASES(tiers_are_bought_and_celebrate_birthdays, "tiers_bought.txt")
CASES(tiers_follow_versions_and_merges, "tiers_versions.txt")

Test(step, records_that_do_not_fit_are_spilled_and_found_again)
{
    cr_assert_gt(casebook_run("tests/unit/cases/spills.txt"), 40);
}
