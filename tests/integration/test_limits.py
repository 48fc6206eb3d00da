"""Limits of members and budgets of a whole campaign, through Kafka on two instances that are killed."""
from __future__ import annotations

import os
import random

from lib.events import Shop
from lib.programs import random_program
from lib.torture import Feeder, Killer
from lib.verify import verify
from lib.workload import Workload

SEED = int(os.environ.get("POINTSTEST_SEED") or random.SystemRandom().randrange(10**6))

CAMPAIGN = """\
program: shop
version: 1
effective: 2025-01-01T00:00:00Z
zone: Europe/Berlin
points:
  points: {}
money:
  EUR: 2
refunds: negative
rules:
  - {id: swim, on: activity.swim, earn: {fixed: 7}, budget: 5000 points}
  - {id: early, on: activity.sign_up, earn: {fixed: 3}, once_per: member, budget: 100 times}
  - {id: spend, on: order.paid, earn: {rate: "1 per 1.00"}, budget: 3000 points per day}
"""


def granted(world, rule: str) -> int:
    """What stands of what the rule granted to all members together."""
    return world.query("SELECT coalesce(sum(CASE kind WHEN 1 THEN amount ELSE -wanted END), 0)::bigint FROM entries"
                       " WHERE rule_id = %s", rule)[0][0]


def used(world, budget: str) -> list:
    return [row[0] for row in world.query("SELECT used FROM budgets WHERE budget_id = %s ORDER BY begins_at", budget)]


def under_kills(world, events: list, seconds: float, kills: int):
    processors = [world.processor("0"), world.processor("1")]
    killer = Killer(processors, SEED, kills, seconds)
    print(f"POINTSTEST_SEED={SEED}: kills at {killer.describe()}")
    feeder = Feeder(world, [world.plan(event) for event in events], seconds)
    for processor in processors:
        processor.start()
    feeder.start()
    killer.run()
    feeder.finish(60)
    world.wait_caught_up(90)
    assert killer.kills >= kills


def test_a_budget_is_granted_to_the_last_point_and_no_further(make_world):
    world = make_world(partitions=4, inputs=["activity"]).apply(CAMPAIGN)
    shop, rng = Shop(), random.Random(SEED)
    events = [shop.activity("swim", f"member-{n % 300}") for n in range(1500)]
    events += [shop.activity("sign_up", f"member-{n}") for n in range(300)]
    rng.shuffle(events)
    under_kills(world, events, seconds=12, kills=4)
    assert granted(world, "swim") == 5000 and used(world, "swim") == [5000]
    assert granted(world, "early") == 300 and used(world, "early") == [100]
    cut = world.query("SELECT amount, wanted FROM entries WHERE amount <> wanted")
    assert cut == [(5000 % 7, 7)], "one grant is cut, the last"


def test_refunds_return_to_a_budget_what_they_take_back(make_world):
    """Orders and their refunds on two instances: the budget holds what stands, at all times within its bound."""
    world = make_world(partitions=4, inputs=["order"]).apply(CAMPAIGN)
    shop, rng = Shop(step=60_000_000), random.Random(SEED)
    events = []
    for n in range(1200):
        member = f"member-{rng.randrange(200)}"
        paid = shop.paid(member, f"order-{n}", rng.randrange(100, 2000))
        events.append(paid)
        if rng.random() < 0.5:
            amount = rng.choice((0, 50, 300, 900))
            events.append(shop.order("refunded", member, f"order-{n}", refund_amount=amount, occurred_at=paid["occurred_at"]))
    under_kills(world, events, seconds=12, kills=4)
    assert granted(world, "spend") == sum(used(world, "spend"))
    assert max(used(world, "spend")) <= 3000
    assert world.query("SELECT 1 FROM entries WHERE kind = 1 AND amount < wanted LIMIT 1"), "the history exhausts a day"


def test_limits_and_budgets_as_the_model_has_them(make_world):
    """One instance, whose log tells the order of decision: who got the last points of a budget is known."""
    world = make_world(partitions=2)
    rng = random.Random(SEED)
    print(f"POINTSTEST_SEED={SEED}")
    for number in range(2):
        source = random_program(rng, f"program-{number}")
        budgets = "budgets: [{id: spring, most: 1500 coins, rules: [first, walk]}, {id: few, most: 9 times per 2 hours}]\n"
        world.apply(source + budgets)
    world.send(*Workload(world, SEED, members=40, poison=0.02).plan(900))
    processor = world.processor().start()
    world.wait_caught_up(60)
    processor.terminate()
    world.adopt_timers()
    applied = world.applied()
    world.history = [record for record in world.history if record.offset < applied[(record.topic, record.partition)]]
    seen, expected = verify(world, redis=False)
    assert any(entry.amount < entry.wanted for entries in seen.entries.values() for entry in entries if entry.kind == 1)
    for program in expected.states:
        if program[1] is None:
            totals = {key[0]: sum(windows.values()) for key, windows in expected.states[program].uses.windows.items()}
            stored = world.query("SELECT budget_id, sum(used)::bigint FROM budgets WHERE program_id = %s GROUP BY 1", program[0])
            assert {id_: used for id_, used in stored if used} == {id_: used for id_, used in totals.items() if used}
