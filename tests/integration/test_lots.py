"""Points that end, that are pending and that are spent, through Kafka, against the model."""
from __future__ import annotations

import os
import random

from lib.events import DAY, SECOND, START, Shop, line
from lib.processor import until
from lib.verify import verify

SEED = int(os.environ.get("POINTSTEST_SEED") or random.SystemRandom().randrange(10**6))

SHOP = """\
program: shop
version: 1
effective: 2025-01-01T00:00:00Z
zone: Europe/Berlin
points:
  points: {expire: 1 month, warn: [7 days, 1 day]}
  stars: {decimals: 1}
money:
  EUR: 2
partners: [cafe, bookshop]
refunds: negative
rules:
  - {id: kept, on: order.paid, earn: {rate: "1 per 1.00"}, pending: until completed + 3 days, reason: "{amount} {currency} for {subject}"}
  - {id: parcel, on: order.paid, earn: {rate: "1 per 1.00", currency: stars}, pending: until shipped}
  - {id: at-once, on: order.placed, earn: {fixed: 5}, expire: end of quarter}
  - {id: tea, on: review.approved, earn: {fixed: 30}, pending: 12 hours, expire: 2 weeks}
  - {id: play, on: activity.play, earn: {rate: "1 per 1"}, expire: 10 days of inactivity}
  - {id: hello, on: activity.hello, earn: {fixed: 3}, once_per: member, expire: never}
rewards:
  - {id: note, each: "150 points", give: A note}
"""

CLAMP = SHOP.replace("refunds: negative", "refunds: clamp").replace("program: shop", "program: clamp")


def completed(shop: Shop, kind: str, member: str, order_id: str, **fields) -> dict:
    return shop.order(kind, member, order_id, **fields)


def redemption(shop: Shop, kind: str, member: str, redemption_id: str, points: int = 0, **fields) -> dict:
    return shop.make("redemption", kind, member, redemption_id=redemption_id, reward="voucher", points=points, **fields)


def entries(world, member: str) -> list:
    return world.query("SELECT e.kind, e.amount, e.occurred_at FROM entries e JOIN members m USING (member_key)"
                       " WHERE m.member_id = %s ORDER BY sequence", member)


def balance(world, member: str) -> int:
    return world.query("SELECT coalesce(sum(p.amount), 0)::bigint FROM postings p JOIN members m USING (member_key)"
                       " WHERE m.member_id = %s AND p.account = 2 AND p.currency = 'points'", member)[0][0]


def test_a_later_event_settles_what_fell_due(make_world):
    """No timers in this world: anna's next event comes after her points were posted, warned of, and have ended."""
    world = make_world(inputs=["order", "activity", "redemption"]).apply(SHOP)
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000), completed(shop, "completed", "anna", "o-1"))
    processor = world.processor().start()
    world.wait_caught_up()
    assert entries(world, "anna") == [(1, 20, START + SECOND), (1, 200, START + SECOND)], "both are pending"
    due = START + 2 * SECOND + 3 * DAY
    (anna,) = world.points_json("member", "show", "anna")
    assert [(credit["amount"], credit["due_at"], credit["awaits"]) for credit in anna["pending"]] == [
        (20, "2025-06-04T00:00:02Z", None), (200, None, "shipped")]
    assert [(held["currency"], held["available"]) for held in anna["balances"]] == [("points", 0), ("stars", 0)]
    assert world.query("SELECT due_at FROM members") == [(due,)]
    world.publish(redemption(shop, "confirmed", "anna", "r-1", 5, occurred_at=due))
    world.wait_caught_up()
    assert entries(world, "anna")[2:] == [(10, 20, due), (5, 5, due)], "posted when due, then spent"
    (anna,) = world.points_json("member", "show", "anna")
    assert [(lot["left"], lot["ends_at"]) for lot in anna["lots"]] == [(15, "2025-07-04T22:00:00Z")]
    world.publish(shop.activity("hello", "anna", occurred_at=START + 90 * DAY))
    world.wait_caught_up()
    posted, spent, ended, hello = entries(world, "anna")[2:]
    assert ended == (9, 15, 1751666400 * SECOND), "at the end of 4 July in Berlin"
    assert balance(world, "anna") == 3
    assert processor.terminate() == 0
    seen, _ = verify(world)
    told = [record for records in seen.rewards.values() for record in records]
    assert sorted(record["type"] for record in told).count("points_expiring") == 2
    ids = [record["id"] for record in told if record["type"] in ("points_expired", "points_expiring")]
    assert all(id.startswith("due.") for id in ids) and len(set(ids)) == 3
    assert world.points("audit").returncode == 0


def history(shop: Shop, rng: random.Random, count: int) -> list:
    """Three months of a few members: orders that are kept or not, in any order, play, redemptions, corrections."""
    made, orders, redemptions = [], 0, 0
    for _ in range(count):
        shop.now += rng.choice((0, SECOND, DAY // 3, 2 * DAY))
        at = shop.now - rng.choice((0, 0, 0, DAY, 20 * DAY))
        member = f"member-{rng.randrange(8)}"
        partner = rng.choice(("", "", "cafe", "bookshop"))
        choice = rng.random()
        if choice < 0.45:
            orders += 1
            made += order(shop, rng, member, f"o-{shop.program_id}-{orders}", at, partner)
        elif choice < 0.6:
            made.append(shop.activity(rng.choice(("play", "play", "hello")), member, rng.randrange(1, 90) * 1000, occurred_at=at, partner_id=partner))
        elif choice < 0.7:
            kind = rng.choice(("approved", "approved", "removed"))
            made.append(shop.review(kind, member, f"tea-{rng.randrange(6)}", occurred_at=at))
        elif choice < 0.9:
            redemptions += rng.random() < 0.6
            kind, currency = rng.choice(("confirmed", "confirmed", "cancelled")), rng.choice(("", "", "stars"))
            made.append(redemption(shop, kind, f"member-{redemptions % 8}", f"r-{redemptions}", rng.randrange(1, 40), currency=currency,
                                   occurred_at=at, partner_id=partner))
        else:
            made.append(shop.adjustment(member, rng.choice((-60, -15, -1, 10, 80)), occurred_at=at, partner_id=partner))
    return made


def order(shop: Shop, rng: random.Random, member: str, order_id: str, at: int, partner: str) -> list:
    lines = [line(f"sku-{n}", rng.randrange(1, 4), rng.randrange(100, 3000)) for n in range(rng.randrange(1, 4))]
    steps = [("placed", lines, {}), ("paid", lines, {})]
    steps += [(kind, rng.choice(([], lines)), {}) for kind in ("shipped", "completed") if rng.random() < 0.7]
    if rng.random() < 0.4:
        steps.append(("refunded", [], {"refund_amount": rng.choice((0, 500, 1500))}))
    if rng.random() < 0.3:
        steps.append(("refunded", [line("sku-0", 1, 0)], {}))
    if rng.random() < 0.2:
        steps.append(("amended", lines[:1] + [line("sku-9", 1, rng.randrange(100, 9000))], {"revision": 1}))
    if rng.random() < 0.2:
        rng.shuffle(steps)
    return [shop.order(kind, member, order_id, sold, occurred_at=at + n * rng.choice((SECOND, DAY, 5 * DAY)), partner_id=partner, **fields)
            for n, (kind, sold, fields) in enumerate(steps)]


def test_histories_of_lots_and_pending_points_as_the_model_has_them(make_world):
    """With timers and late events: what is settled is settled at its time, whatever settles it."""
    print(f"POINTSTEST_SEED={SEED}")
    world = make_world(partitions=2).apply(SHOP)
    world.apply(CLAMP)
    rng = random.Random(SEED)
    first = history(Shop("shop"), rng, 250) + history(Shop("clamp"), rng, 250)
    processor = world.processor().start()
    for begin in range(0, len(first), 300):
        world.publish(*first[begin:begin + 300])
        world.wait_caught_up()
    until(lambda: world.query("SELECT count(*) FROM members WHERE due_at IS NOT NULL") == [(0,)], 60, "timers have settled it all")
    world.wait_caught_up()
    assert processor.terminate() == 0
    world.adopt_timers()
    seen, expected = verify(world)
    kinds = {entry.kind for found in seen.entries.values() for entry in found}
    assert kinds >= {1, 2, 3, 5, 6, 9, 10, 11}, f"the history has too little in it: {kinds}"
    assert world.points("audit").returncode == 0
