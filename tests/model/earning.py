"""How much rules grant and which stand beside each other, written anew from config/README.md."""
from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo, available_timezones

from model.conditions import evaluate, text_of
from model.order import Remains
from model.profile import Profile
from model.program import Gate, Program, Rule, round_fraction, wall_clock

INT64_MAX = 2**63 - 1
ZONES = available_timezones()
EVENT_FIELDS_APART = ("type", "counted_as")  # of the tests' dictionaries, no fields of the event


class Overflow(Exception):
    pass


@dataclass
class Situation:
    """What rules are asked about: an event, or what remains of an order."""

    program: Program
    profile: Profile
    at: int
    event: dict  # as conditions read it
    tier: str = ""  # held before it

    def zone(self) -> str:
        told = self.profile.facts(self.at)["zone"]
        return told if told in ZONES else self.program.zone.key

    @cached_property
    def variables(self) -> str:
        member = dict(self.profile.facts(self.at), zone=self.zone(), tier=self.tier)
        return text_of({"event": self.event, "member": member, "program": {"zone": self.program.zone.key}})

    def is_open(self, gate: Gate) -> bool:
        zone = ZoneInfo(self.zone()) if gate.by_member else self.program.zone
        return gate.is_open(self.at, wall_clock(self.at, zone))

    def counts(self, gate: Gate, when: str | None) -> bool:
        return self.is_open(gate) and (when is None or evaluate(when, self.variables) is True)

    def factor(self, rule: Rule) -> Fraction:
        factor, tiers = Fraction(1), self.program.tiers
        by_order = rule.on.startswith("order.") and rule.fixed is None
        if tiers is not None and by_order and (len(self.program.points) == 1 or rule.currency != tiers.currency):
            factor *= next((level.multiplier for level in tiers.levels if level.id == self.tier), Fraction(1))
        for multiplier in self.program.multipliers:
            concerned = rule.id in multiplier.rules if multiplier.rules else rule.on.startswith("order.")
            if concerned and self.counts(multiplier.gate, multiplier.when):
                factor *= multiplier.times
        return factor

    def points(self, rule: Rule, exact: Fraction) -> int:
        """Points in minor units from exact points: multiplied, and rounded once."""
        scale = 10 ** self.program.points[rule.currency]
        points = round_fraction(exact * scale * self.factor(rule), rule.rounding)
        if points > INT64_MAX:
            raise Overflow
        return points

    def by_expression(self, rule: Rule) -> int:
        points = evaluate(rule.amount, self.variables)
        return points if type(points) is int and points > 0 else 0


def event_fields(event: dict) -> dict:
    return {name: value for name, value in event.items() if name not in EVENT_FIELDS_APART}


def of_event(situation: Situation, rule: Rule, value: int = 0) -> int:
    """Points of a rule for what is no order; value: an activity's, in thousandths."""
    if not situation.counts(rule.gate, rule.when):
        return 0
    if rule.amount is not None:
        return situation.points(rule, Fraction(situation.by_expression(rule)))
    if rule.fixed is not None:
        return situation.points(rule, rule.fixed)
    return situation.points(rule, rule.rates["*"].exact(Fraction(value, 1000)))


# ---- orders


def paid_by_points(program: Program, remains: Remains, counted: int) -> int:
    """What points paid of the order, in money, as far as what is counted remains."""
    order = remains.order
    worth, digits = next(iter(program.worth.values()), {}).get(order.currency), program.money[order.currency]
    if worth is None or remains.ordered == 0:
        return 0
    paid = math.floor(Fraction(order.points_used, 10 ** next(iter(program.points.values()))) * worth * 10**digits)
    return paid * min(counted, remains.ordered) // remains.ordered


def price_of(program: Program, rule: Rule, remains: Remains, lines: list) -> int:
    """What of the price of these lines counts, on the rule's basis, in minor units."""
    basis = rule.basis
    price = sum(left.gross - left.refund if "discounts" in basis else left.left for left in lines)
    if "tax" in basis:
        price += sum(left.tax for left in lines)
    if "shipping" in basis:
        price += remains.order.shipping
    if "points_used" in basis:
        price = max(0, price - paid_by_points(program, remains, sum(left.left for left in lines)))
    return price


def of_order(situation: Situation, rule: Rule, remains: Remains) -> int:
    """Points of a rule for what remains of an order."""
    program, money = situation.program, remains.order.currency
    lines = [left for left in remains.lines.values() if left.quantity]
    counted = [left for left in lines if rule.items is None or rule.items.count(left.line)]
    if remains.gone or (rule.nth and remains.order.nth not in rule.nth) or (rule.items is not None and not counted):
        return 0
    digits = program.money[money]
    least = rule.minimum.get(money)
    if least is not None and Fraction(price_of(program, rule, remains, lines), 10**digits) < least:
        return 0
    if not situation.counts(rule.gate, rule.when):
        return 0
    if rule.amount is not None:
        return situation.points(rule, Fraction(situation.by_expression(rule)))
    if rule.fixed is not None:
        return situation.points(rule, rule.fixed)
    if rule.per_item is not None:
        return situation.points(rule, rule.per_item * sum(left.quantity for left in counted))
    rate = rule.rates.get(money) or rule.rates.get("*")
    return situation.points(rule, rate.exact(Fraction(price_of(program, rule, remains, counted), 10**digits))) if rate else 0


# ---- rules beside each other


def stacked(dues: list) -> list:
    """[(rule, points)] as they stand beside each other: what loses grants nothing. For each point currency an exclusive rule
    beats all others, and the best of a group the others of it."""
    points = [amount for _, amount in dues]

    def places(test) -> list:
        return [i for i, (rule, _) in enumerate(dues) if points[i] > 0 and test(rule)]

    for currency in {rule.currency for rule, _ in dues}:
        exclusive = places(lambda rule: rule.currency == currency and rule.stacking == "exclusive")
        if exclusive:
            best = max(exclusive, key=lambda i: (dues[i][0].priority, points[i], -i))
            for i in places(lambda rule: rule.currency == currency):
                points[i] = points[i] if i == best else 0
        for group in {rule.group for rule, _ in dues if rule.group is not None}:
            rivals = places(lambda rule: rule.currency == currency and rule.group == group)
            if rivals:
                best = max(rivals, key=lambda i: (points[i], dues[i][0].priority, -i))
                for i in rivals:
                    points[i] = points[i] if i == best else 0
    return [(rule, amount) for (rule, _), amount in zip(dues, points)]
