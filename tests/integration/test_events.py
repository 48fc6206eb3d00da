"""End to end for each kind of event: from Kafka through the ledger to rewards and Redis, against the model."""
from __future__ import annotations

from lib import events
from lib.events import DAY, Shop, line
from lib.observe import observe
from lib.programs import ALL, CLUB, SHOP
from lib.verify import redis_balances, verify


def test_a_condition_decides_whether_a_rule_applies(make_world):
    source = """\
program: shop
version: 1
effective: 2025-01-01T00:00:00Z
points: {points: {}}
rules:
  - {id: informed, on: review.approved, when: "event.verified_purchase && event.length >= 40", earn: {fixed: 50}, once_per: product}
  - {id: steps, on: activity.walked, when: "event.value >= 5000 && event.attributes.tracker != 'none'", earn: {fixed: 5}}
"""
    world = make_world(inputs=["review", "activity"]).apply(source)
    shop = Shop()
    sent = world.publish(shop.review("approved", "anna", "book", verified_purchase=True, length=40),
                         shop.review("approved", "anna", "lamp", verified_purchase=True, length=39),
                         shop.activity("walked", "anna", 5000, attributes={"tracker": "watch"}),
                         shop.activity("walked", "anna", 4999, attributes={"tracker": "watch"}),
                         shop.activity("walked", "anna", 9000))
    world.processor().start()
    world.wait_caught_up()
    seen = observe(world)
    granted = {where: [(entry.rule_id, entry.amount) for entry in entries] for where, entries in seen.entries.items()}
    assert granted == {sent[0].coordinates: [("informed", 50)], sent[2].coordinates: [("steps", 5)]}
    assert not seen.dead, "an attribute that is not there is no poison"


def test_a_list_of_skus_comes_from_a_file_beside_the_program(make_world):
    """What is stored is the program with its list: who runs it needs no file, and a changed list is another version."""
    world = make_world(inputs=["order"])
    path = world.folder / "spring.yaml"
    path.write_text("""\
program: shop
version: 1
effective: 2025-01-01
points: {points: {}}
money: {EUR: 2}
rules:
  - {id: spring, on: order.paid, earn: {per_item: 5}, items: {skus_from: lists/spring.txt}}
""")
    missing = world.points("program", "apply", str(path), check=False)
    assert missing.returncode != 0 and "lists/spring.txt" in missing.stderr, missing.stderr
    skus = path.parent / "lists/spring.txt"
    skus.parent.mkdir()
    skus.write_text("".join(f"sku-{number:06}\n" for number in range(100_000)))
    world.points("program", "apply", str(path))
    skus.unlink()
    (order,) = world.publish(Shop().order("paid", "anna", "o-1", [line("sku-000007", 2, 100), line("sku-99999", 9, 100),
                                                                  line("sku-099999", 1, 100)]))
    world.processor().start()
    world.wait_caught_up()
    assert [entry.amount for entry in observe(world).entries[order.coordinates]] == [15]
    skus.write_text("sku-000008\n")
    changed = world.points("program", "apply", str(path), check=False)
    assert changed.returncode == 3, changed.stderr


def available(world, member: str, currency: str = "points", program: str = "shop") -> int:
    return redis_balances(world).get(((program, member), currency), (0, 0))[0]


def run(world, *made):
    """Publishes, processes, checks everything."""
    world.publish(*made)
    processor = world.processors[0] if world.processors else world.processor()
    if not processor.running():
        processor.start()
    world.wait_caught_up()
    return verify(world)


def test_orders_earn_when_they_are_paid(world):
    shop = Shop()
    run(world,
        shop.paid("anna", "o-1", 1999),
        shop.paid("anna", "o-2", 999),  # below the minimum
        shop.order("paid", "bert", "o-3", [line("book", 2, 1250), line("pen", 3, 99, discount=50)], discount=100),
        shop.order("placed", "bert", "o-4", [line("book", 1, 5000)]),
        shop.order("shipped", "bert", "o-3", []),
        shop.order("completed", "bert", "o-3", []))
    assert available(world, "anna") == 19
    assert available(world, "bert") == 26  # 25.00 + 2.47 - 1.00 = 26.47


def test_rates_hold_per_currency(world):
    shop = Shop()
    run(world,
        shop.order("paid", "anna", "usd", [line("book", 1, 9999)], "USD"),  # 74.9925 down, and 6 of whole 25.00, half up
        shop.order("paid", "bert", "jpy", [line("book", 1, 14999)], "JPY"))
    assert available(world, "anna") == 74 + 6
    assert available(world, "bert") == 99 + 2 * (14999 // 25)


def test_a_second_paid_event_of_an_order_grants_nothing(world):
    shop = Shop()
    run(world, shop.paid("anna", "o-1", 2000), shop.paid("anna", "o-1", 2000))
    assert available(world, "anna") == 20


def test_many_small_refunds_end_where_one_large_one_ends(world):
    shop = Shop()
    run(world, shop.paid("small", "o-1", 4990), shop.paid("large", "o-2", 4990),
        *(shop.order("refunded", "small", "o-1", refund_amount=499) for _ in range(7)),
        shop.order("refunded", "large", "o-2", refund_amount=7 * 499))
    assert available(world, "small") == available(world, "large") == 14


def test_refunds_by_line_amount_and_whole(world):
    shop = Shop()
    lines = [line("book", 3, 1000, line_id="a"), line("pen", 4, 550, line_id="b", discount=200)]
    run(world,
        shop.order("paid", "lines", "o-1", lines), shop.order("refunded", "lines", "o-1", [line("pen", 1, 550, line_id="b")]),
        shop.order("paid", "amount", "o-2", lines), shop.order("refunded", "amount", "o-2", refund_amount=4100),
        shop.order("paid", "whole", "o-3", lines), shop.order("refunded", "whole", "o-3"),
        shop.order("paid", "cancelled", "o-4", lines), shop.order("cancelled", "cancelled", "o-4"),
        shop.order("paid", "twice", "o-5", lines), shop.order("refunded", "twice", "o-5"), shop.order("cancelled", "twice", "o-5"))
    assert available(world, "lines") == 45  # 50.00 less a quarter of 20.00; below the bonus' minimum
    assert available(world, "amount") == 0  # 9.00 left: below the minimum
    assert available(world, "whole") == available(world, "cancelled") == available(world, "twice") == 0


def test_a_refund_that_comes_first_waits_for_its_order(world):
    shop = Shop()
    lines = [line("book", 3, 1000), line("pen", 1, 550)]
    seen, _ = run(world,
        shop.order("refunded", "anna", "o-1", [line("book", 1, 1000)]),
        shop.order("paid", "anna", "o-1", lines),
        shop.order("cancelled", "bert", "o-2"),
        shop.order("paid", "bert", "o-2", lines))
    assert available(world, "anna") == 25
    assert available(world, "bert") == 0
    assert sum(len(entries) for entries in seen.entries.values()) == 1, "one entry of the net amount, none for the cancelled order"


def test_an_amended_order_books_the_difference(world):
    shop = Shop()
    run(world, shop.paid("anna", "o-1", 3000),
        shop.order("amended", "anna", "o-1", [line("sku-1", 1, 4500)], revision=1),
        shop.order("amended", "anna", "o-1", [line("sku-1", 1, 9999)], revision=1),  # not newer
        shop.order("amended", "anna", "o-1", [line("sku-1", 1, 2100)], revision=2))
    assert available(world, "anna") == 21


def test_a_refund_line_that_the_order_lacks_is_a_dead_letter(world):
    shop = Shop()
    seen, _ = run(world, shop.paid("anna", "o-1", 3000), shop.order("refunded", "anna", "o-1", [line("stranger")]))
    assert list(seen.dead.values()) == ["impossible_event"]


def test_reviews_count_once_per_product_until_removed(world):
    shop = Shop()
    run(world, shop.review("submitted", "anna", "book"), shop.review("approved", "anna", "book"),
        shop.review("approved", "anna", "book"), shop.review("approved", "anna", "pen"),
        shop.review("removed", "anna", "pen"), shop.review("approved", "anna", "pen"),
        shop.review("approved", "bert", "book"), shop.review("rejected", "bert", "book"))
    assert available(world, "anna") == 50
    assert available(world, "bert") == 0


def test_shares_count_once_per_content_on_the_networks_named(world):
    shop = Shop()
    run(world, shop.share("shared", "anna", "post", "x"), shop.share("shared", "anna", "post", "facebook"),
        shop.share("shared", "anna", "other", "tiktok"), shop.share("shared", "bert", "post", "x"),
        shop.share("withdrawn", "bert", "post", "x"), shop.share("shared", "bert", "post", "x"))
    assert available(world, "anna") == 5
    assert available(world, "bert") == 0


def test_a_referral_rewards_both_members_once_per_referee(world):
    shop = Shop()
    seen, _ = run(world,
        shop.referral("invited", "anna", "anna", ""), shop.referral("signed_up", "bert", "anna", "bert"),
        shop.referral("converted", "bert", "anna", "bert"), shop.referral("converted", "anna", "anna", "bert"),
        shop.referral("converted", "carl", "anna", "carl"), shop.referral("voided", "carl", "anna", "carl"))
    assert available(world, "anna") == available(world, "bert") == 500
    assert available(world, "carl") == 0
    types = [record["type"] for records in seen.rewards.values() for record in records]
    assert types.count("referral_accepted") == 2


def test_a_self_referral_is_refused_by_name(world):
    shop = Shop()
    seen, _ = run(world, shop.referral("converted", "anna", "anna", "anna"))
    (record,) = [record for records in seen.rewards.values() for record in records]
    assert record["type"] == "referral_refused" and "self-referral" in record["reason"]
    assert not seen.entries


def test_activities_count_by_value_and_once_per_member(world):
    shop = Shop()
    run(world, shop.activity("sign_up", "anna"), shop.activity("sign_up", "anna"),
        shop.activity("miles_walked", "anna", 2550), shop.activity("miles_walked", "anna", 99), shop.activity("survey", "anna"))
    assert available(world, "anna") == 100 + 25 + 0


def test_adjustments_move_points_either_way(world):
    shop = Shop()
    seen, _ = run(world, shop.adjustment("anna", 300, reason="late parcel"), shop.adjustment("anna", -120))
    assert available(world, "anna") == 180
    assert redis_balances(world)[(("shop", "anna"), "points")] == (180, 0), "adjustments are not earned"
    assert "late parcel" in [record["reason"] for records in seen.rewards.values() for record in records]


def test_kinds_without_an_effect_count_as_seen(world):
    shop = Shop()
    seen, _ = run(world, shop.make("member", "enrolled", "anna", zone="Europe/Paris"),
        shop.make("redemption", "requested", "anna", redemption_id="r-1", points=10),
        shop.make("timer", "due", "anna", obligation="reminder", due_at=events.START))
    assert seen.event_keys == 3 and not seen.entries and not seen.dead


def test_points_turn_into_rewards_at_the_threshold_and_back(world):
    shop = Shop()
    run(world, shop.adjustment("anna", 1900))
    seen, _ = run(world, shop.activity("miles_walked", "anna", 23_000))
    types = [record["type"] for records in seen.rewards.values() for record in records]
    assert "reward_granted" in types
    run(world, shop.adjustment("anna", -2000))
    assert available(world, "anna") == -1870
    run(world, shop.paid("anna", "o-2", 500_000))
    seen, _ = run(world, shop.order("refunded", "anna", "o-2"))
    types = [record["type"] for records in seen.rewards.values() for record in records]
    assert "reward_voided" in types


def test_purchases_give_a_reward_each_300_and_take_it_back(world):
    shop = Shop()
    seen, _ = run(world, shop.paid("anna", "o-1", 29_999), shop.paid("anna", "o-2", 31_000), shop.order("refunded", "anna", "o-1", refund_amount=1000),
        shop.order("refunded", "anna", "o-2"))
    kinds = [record["type"] for records in seen.rewards.values() for record in records if record["rule_id"] == "reward-300"]
    assert kinds.count("reward_granted") == 2 and kinds.count("reward_voided") == 2


def test_an_event_out_of_time_keeps_the_terms_of_its_day(make_world):
    world = make_world()
    for program in ALL:
        world.apply(program)
    shop = Shop()
    run(world,
        shop.paid("anna", "new", 2000, occurred_at=events.START + 20 * DAY),  # the second version's: 2 points per 1.00
        shop.paid("anna", "old", 2000, occurred_at=events.START),
        shop.order("refunded", "anna", "old", refund_amount=500, occurred_at=events.START + 21 * DAY),
        shop.order("refunded", "anna", "new", refund_amount=500, occurred_at=events.START + 21 * DAY))
    assert available(world, "anna") == 15 + 30


def test_programs_with_decimals_and_clamp_stand_beside_each_other(make_world):
    world = make_world().apply(SHOP).apply(CLUB)
    club = Shop("club")
    run(world, club.paid("anna", "o-1", 1000), club.activity("app_visit", "anna"), Shop("shop").paid("anna", "o-1", 2000, id="other"),
        club.referral("converted", "anna", "anna", "bert"))
    assert available(world, "anna", "stars", "club") == 333 + 100 + 1000
    assert available(world, "bert", "stars", "club") == 0
    run(world, club.adjustment("anna", -1400))
    run(world, club.order("refunded", "anna", "o-1"))
    assert available(world, "anna", "stars", "club") == 0, "taken back to zero, not below"


def test_partners_are_accounts_of_their_own(world):
    shop = Shop()
    run(world, shop.paid("anna", "o-1", 2000, partner_id="bookshop"), shop.paid("anna", "o-2", 3000, partner_id="cafe"),
        shop.order("refunded", "anna", "o-1", refund_amount=500, partner_id="bookshop"))
    sums = dict(world.query("SELECT partner_id, sum(amount)::bigint FROM postings WHERE account = 1 GROUP BY 1"))
    assert sums == {"bookshop": -15, "cafe": -30}


def test_what_the_program_does_not_know_is_a_dead_letter(world):
    shop = Shop()
    seen, _ = run(world,
        shop.order("paid", "anna", "o-1", [line("book")], "XAU"),
        shop.paid("anna", "o-2", 5000, partner_id="stranger"),
        dict(shop.paid("anna", "o-3", 5000), program_id="nowhere"),
        shop.paid("anna", "o-4", 5000, occurred_at=events.START - 300 * DAY),
        shop.referral("converted", "carl", "anna", "bert"))
    assert sorted(seen.dead.values()) == ["impossible_event", "undeclared_currency", "undeclared_partner", "unknown_program", "unknown_program"]
