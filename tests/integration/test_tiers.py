"""Tiers end to end: told, booked, shown in Redis and by a command; what ends by itself, and who is no member."""
from __future__ import annotations

import json
import time
from datetime import datetime, timezone

from lib import wire
from lib.events import DAY, SECOND, Shop, line
from lib.observe import micros

CLUB = """\
program: shop
version: 1
effective: 2022-01-01
zone: Europe/Berlin
points: {points: {}}
money: {EUR: 2}
enrolment: required
rules:
  - {id: base, on: order.paid, earn: {rate: "1 per 1.00"}}
  - {id: night, on: activity.visit, earn: {fixed: 3}, when: event.occurred_at.getHours(member.zone) == 21}
tiers:
  by: spend
  over: calendar_year
  levels:
    - {id: silver, at: {EUR: 100.00}, bonus: 10 points}
    - {id: gold, at: {EUR: 500.00}, multiplier: 2, birthday: {give: A cake, bonus: 7 points}}
"""
NOON = int(datetime(2023, 6, 1, 12, tzinfo=timezone.utc).timestamp()) * SECOND  # all that it leads to is over by now
NOW = int(time.time()) * SECOND


class Club:
    def __init__(self, make_world):
        self.world = make_world(inputs=["order", "member", "activity", "timer"]).apply(CLUB)
        self.shop = Shop()

    def make(self, type_: str, kind: str, member: str, at: int, **fields) -> dict:
        return self.shop.make(type_, kind, member, occurred_at=at, **fields)

    def paid(self, member: str, order_id: str, cents: int, at: int) -> dict:
        return self.make("order", "paid", member, at, order_id=order_id, currency="EUR", lines=[line("book", 1, cents)])

    def told(self, member: str, *types: str) -> list:
        self.world.wait_settled()
        rewards = [wire.decode("reward", message.value()) for message in self.world.read(self.world.rewards)]
        return [reward for reward in rewards if reward["type"] in types and reward["member_id"] == member]

    def levels(self, member: str) -> list:
        return [(reward["subject"], reward["benefit"]) for reward in self.told(member, "tier_changed")]

    def in_redis(self, member: str, field: str):
        with self.world.redis() as connection:
            return connection.hget(f"{self.world.redis_prefix}:{{shop/{member}}}", field)


def test_levels_change_by_orders_refunds_and_time(make_world):
    club = Club(make_world)
    club.world.publish(club.make("member", "enrolled", "anna", NOON + DAY, birthday="1990-09-01", zone="Asia/Tokyo"),
                       club.make("member", "enrolled", "bert", NOW - 2 * DAY))
    processor = club.world.processor().start()
    club.world.wait_caught_up()
    processor.terminate()
    orders = [club.paid("anna", "o-0", 90000, NOON)]  # she was no member yet
    orders += [club.paid("anna", f"o-{i}", cents, NOON + (i + 1) * DAY) for i, cents in enumerate([10000, 40000, 1000], 1)]
    orders += [club.make("order", "refunded", "anna", NOON + 5 * DAY, order_id="o-2", currency="EUR"),
               club.paid("anna", "o-4", 45000, NOON + 6 * DAY), club.paid("anna", "o-5", 100, NOON + 100 * DAY),
               club.paid("bert", "o-6", 10000, NOW - DAY)]
    club.world.publish(*orders, partition=0)
    processor.start()
    club.world.wait_caught_up()
    deadline = time.monotonic() + 60
    while len(club.levels("anna")) < 5 and time.monotonic() < deadline:  # timers wake her for the birthday and the end
        time.sleep(0.5)
    club.world.wait_caught_up()
    assert club.levels("anna") == [("", "silver"), ("silver", "gold"), ("gold", "silver"), ("silver", "gold"), ("gold", "")]
    ended = club.told("anna", "tier_changed")[-1]
    assert micros(ended["occurred_at"]) == int(datetime(2024, 12, 31, 23, tzinfo=timezone.utc).timestamp()) * SECOND
    gifts = club.told("anna", "reward_granted")
    assert [(gift["rule_id"], gift["benefit"], micros(gift["occurred_at"])) for gift in gifts] == [
        ("gold-birthday", "A cake", int(datetime(year, 8, 31, 15, tzinfo=timezone.utc).timestamp()) * SECOND) for year in (2023, 2024)]
    points = [(reward["rule_id"], reward["amount"]) for reward in club.told("anna", "points_granted", "points_taken_back")]
    assert points == [("base", 100), ("silver", 10), ("base", 400), ("base", 20), ("base", 400), ("base", 450), ("gold-birthday", 7),
                      ("base", 2), ("gold-birthday", 7)]
    assert club.in_redis("anna", "tier") is None and club.in_redis("bert", "tier") == "silver"
    assert club.in_redis("anna", "balance:points") == str(100 + 10 + 400 + 20 - 400 + 450 + 7 + 2 + 7)
    shown = json.loads(club.world.points("member", "show", "bert", "--json").stdout)
    assert '"level": "silver"' in json.dumps(shown)


def test_what_is_known_of_a_member_is_in_force_from_when_it_occurred(make_world):
    club = Club(make_world)
    club.world.processor().start()
    visit = ("activity", "done")
    for (type_, kind), days, fields in (
            (("member", "enrolled"), 0, {"zone": "Europe/Berlin"}),  # noon UTC is two o'clock there, and nine at night in Tokyo
            (("member", "updated"), 4, {"zone": "Asia/Tokyo"}),
            (visit, 5, {"name": "visit"}),
            (visit, 3, {"name": "visit"}),  # late: she lived in Berlin
            (("member", "updated"), 2, {"zone": "Asia/Tokyo"}),  # late: she had moved before
            (visit, 3, {"name": "visit"}),
            (("member", "left"), 6, {}),
            (visit, 7, {"name": "visit"})):
        club.world.publish(club.make(type_, kind, "anna", NOON + days * DAY, **fields))
        club.world.wait_caught_up()
    assert [micros(reward["occurred_at"]) for reward in club.told("anna", "points_granted")] == [NOON + 5 * DAY, NOON + 3 * DAY]
