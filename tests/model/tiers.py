"""Tiers, written anew from config/README.md: what counted is kept as it came, and a level is found by counting again."""
from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo, available_timezones

DAY_US = 86_400_000_000
SPAN = re.compile(r"^\s*(\d+) (day|week|month|year)s?\s*$")
ZONES = available_timezones()
GIVEN = re.compile(r"^\s*(\d+(?:\.\d+)?)\s+(\S+)\s*$")


def months_later(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True)
class Span:
    months: int = 0
    days: int = 0

    @staticmethod
    def parse(text: str | None) -> "Span":
        match = SPAN.match(text or "")
        if not match:
            return Span()
        number, unit = int(match[1]), match[2]
        return Span(number * {"month": 1, "year": 12}.get(unit, 0), number * {"day": 1, "week": 7}.get(unit, 0))

    def after(self, day: date, sign: int = 1) -> date:
        return months_later(day, sign * self.months) + timedelta(days=sign * self.days)


@dataclass(frozen=True)
class Level:
    id: str
    spend: dict  # money currency -> minor units
    threshold: int
    multiplier: Fraction
    bonus: tuple | None  # (minor units, point currency)
    gift: tuple | None  # the same
    give: str


@dataclass(frozen=True)
class Tiers:
    measure: str  # spend, orders, earned
    currency: str
    over: str
    one_step: bool
    grace: Span
    levels: tuple

    @staticmethod
    def parse(raw: dict | None, points: dict, money: dict) -> "Tiers | None":
        if raw is None:
            return None
        by = raw["by"]
        measure, currency = ("earned", by["earned"]) if isinstance(by, dict) else (by, "")

        def given(text: str | None) -> tuple | None:
            match = GIVEN.match(text or "")
            return (int(Fraction(match[1]) * 10 ** points[match[2]]), match[2]) if match else None

        def level(spec: dict) -> Level:
            at, birthday = spec["at"], spec.get("birthday") or {}
            spend = {name: int(Fraction(amount) * 10 ** money[name]) for name, amount in at.items()} if isinstance(at, dict) else {}
            if measure == "spend" and not isinstance(at, dict):
                spend = dict.fromkeys(money, 0)
            threshold = 0 if isinstance(at, dict) else int(Fraction(at) * 10 ** points.get(currency, 0))
            return Level(spec["id"], spend, threshold, Fraction(spec.get("multiplier", "1")), given(spec.get("bonus")),
                         given(birthday.get("bonus")), birthday.get("give", ""))

        return Tiers(measure, currency, raw["over"], raw.get("down") == "one_step", Span.parse(raw.get("grace")),
                     tuple(level(spec) for spec in raw["levels"]))

    def number(self, level: str) -> int:
        return next((number for number, it in enumerate(self.levels, 1) if it.id == level), 0)

    def name(self, number: int) -> str:
        return self.levels[number - 1].id if number else ""

    def fit(self, items: list, first: date | None, last: date) -> int:
        """The level that what counted from the one day to the other reaches; of money each currency by itself."""
        sums: dict = {}
        for key, day, amount in items:
            if (first is None or day >= first) and (day <= last or first is None):
                sums[key] = sums.get(key, 0) + amount
        for number in range(len(self.levels), 0, -1):
            level = self.levels[number - 1]
            if self.measure == "spend":
                reached = any(sums.get(name, 0) >= least for name, least in level.spend.items())
            else:
                reached = sum(sums.values()) >= level.threshold
            if reached:
                return number
        return 0

    def fit_year(self, items: list, year: int) -> int:
        return self.fit(items, date(year, 1, 1), date(year, 12, 31))

    def level_on(self, items: list, day: date) -> int:
        if self.over == "lifetime":
            return self.fit(items, None, day)
        if self.over == "rolling_year":
            level, looked = 0, day
            while True:
                level = max(level, self.fit(items, months_later(looked + timedelta(1), -12), looked))
                looked -= timedelta(1)
                if self.grace.after(looked + timedelta(1)) <= day:
                    return level
        began = 0
        for year in range(min((when.year for _, when, _ in items), default=day.year), day.year):
            reached = self.fit_year(items, year)
            held = max(began, reached)
            began = max(reached, held - 1) if self.one_step and held else reached
            if year == day.year - 1 and day < self.grace.after(date(day.year, 1, 1)):
                began = held
        return max(began, self.fit_year(items, day.year))

    def end_after(self, items: list, day: date) -> date | None:
        """The first day of a lower level, if nothing else counts."""
        level = self.level_on(items, day)
        if level == 0 or self.over == "lifetime":
            return None
        if self.over == "calendar_year":
            days = [self.grace.after(date(day.year + years, 1, 1)) for years in range(len(self.levels) + 3)]
        else:
            ends = {self.grace.after(months_later(when, 12)) for _, when, _ in items}
            days = sorted({end + timedelta(near) for end in ends for near in range(-3, 4)})
        return next((it for it in days if it > day and self.level_on(items, it) < level), None)


@dataclass
class Tier:
    """What is known of a member's level."""

    level: str = ""
    clock: int = -(2**63)
    version: int = 0
    due: int | None = None
    birthday: int | None = None
    gift_year: int = 0
    items: list = field(default_factory=list)  # (key, day, amount)
    entered: dict = field(default_factory=dict)  # level -> (version, minor units) that entering it gave
    moved: bool = False
    lost: bool = False


def local_day(at: int, zone) -> date:
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=at)).astimezone(zone).date()


def begins(day: date, zone) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


def next_birthday(birthday: str, zone, after: int, gift_year: int) -> int | None:
    if not birthday:
        return None
    month, day = int(birthday[5:7]), int(birthday[8:10])
    first = local_day(after, zone).year
    for year in range(max(first, gift_year + 1), max(first, gift_year + 1) + 3):
        at = begins(date(year, month, min(day, calendar.monthrange(year, month)[1])), zone)
        if at > after:
            return at
    return None


class Judging:
    """The part of a decision that is about levels, for decide.Step."""

    def held_tier(self, member) -> str:
        tiers, state = self.program.tiers, self.out.states.get(member) or self.before.get(member)
        if tiers is None:
            return ""
        if state is not None and state.tier is not None:
            return state.tier.level
        return tiers.name(tiers.fit([], None, date(1970, 1, 1)))

    def member_zone(self, member, terms, at: int):
        told = self.state(member).profile.facts(at)["zone"]
        return ZoneInfo(told) if told in ZONES else terms.zone

    def count(self, member, terms, measure: str, key: str, amount: int, at: int):
        """What counted under terms, and does under the version in force too."""
        tiers, other = self.program.tiers, terms.tiers
        if tiers is None or other is None or tiers.measure != measure or amount == 0:
            return
        if (other.measure, other.currency) != (tiers.measure, tiers.currency) or (measure == "earned" and key != tiers.currency):
            return
        state = self.state(member)
        state.tier = state.tier or Tier()
        state.tier.items.append((key, local_day(at, self.program.zone), amount))
        state.tier.moved, state.tier.lost = True, state.tier.lost or amount < 0

    def count_purchase(self, member, order, spent: int, orders: int):
        terms = self.programs.version(self.program.id, order.asked[0].version)
        self.count(member, terms, "spend", order.currency, spent, order.asked[0].at)
        self.count(member, terms, "orders", "", orders, order.asked[0].at)

    def follow_tier(self, member, told: bool = False):
        tier = self.state(member).tier
        if tier is None and self.program.tiers is None:
            return
        at = self.now if tier is None else max(self.now, tier.clock)
        terms = self.program if at == self.now else self.programs.at(self.program.id, at)
        if tier is None or tier.moved or told or tier.version != terms.version:
            self.judge(member, terms, at)

    def judge(self, member, terms, at: int):
        state, tiers = self.state(member), terms.tiers
        tier = state.tier = state.tier or Tier()
        lost, tier.moved, tier.lost = tier.lost, False, False
        tier.version, tier.clock, before = terms.version, at, tier.level
        if tiers is None:
            tier.level, tier.due, tier.birthday = "", None, None
            return
        day = local_day(at, terms.zone)
        held, level = tiers.number(before), tiers.level_on(tier.items, day)
        end = tiers.end_after(tier.items, day)
        tier.level, tier.due = tiers.name(level), None if end is None else begins(end, terms.zone)
        self.plan_gift(member, terms, at)
        if tier.level != before:
            first = next(iter(terms.points))
            self.tell("tier.changed", member, 0, "", first, tier.level or before, before, tier.level, terms.version)
        for number in range(held, level):
            it = tiers.levels[number]
            if it.bonus and it.id not in tier.entered:
                tier.entered[it.id] = (terms.version, it.bonus[0])
                self.give_points(member, terms, it.bonus, it.id, it.id)
        for number in range(level, held if lost else level):
            self.leave(member, tiers.levels[number].id, at)

    def give_points(self, member, terms, given: tuple, rule_id: str, subject: str):
        amount, currency = given
        self.touch(member, terms, currency)
        lot = self.lot(terms, currency, self.partner, self.now)
        self.book(member, 1, 1, 2, amount, amount, currency, rule_id, subject, terms.version, lot=lot)
        self.tell("points.granted", member, amount, currency, currency, rule_id, subject, "", terms.version)
        self.accrued.add((member, currency))

    def leave(self, member, level: str, at: int):
        """Takes back what entering gave, at the terms under which it did."""
        tier = self.state(member).tier
        version, amount = tier.entered.pop(level, (0, 0))
        if amount == 0:
            return
        terms = self.programs.version(self.program.id, version)
        currency = next(it.bonus[1] for it in terms.tiers.levels if it.id == level)
        wanted = amount
        self.void_until_covered(member, currency, amount)
        if terms.refunds == "clamp":
            amount = min(amount, max(0, self.state(member).balances.get(currency, 0)))
        if amount > 0:
            home = self.lot(terms, currency, self.partner, at)
            self.book(member, 2, 2, 1, amount, wanted, currency, level, level, terms.version, lot=home)
            self.tell("points.taken_back", member, amount, currency, currency, level, level, "", terms.version)

    def plan_gift(self, member, terms, after: int):
        state = self.state(member)
        state.tier.birthday = None
        if any(level.gift or level.give for level in terms.tiers.levels):
            zone = self.member_zone(member, terms, after)
            state.tier.birthday = next_birthday(state.profile.facts(after)["birthday"], zone, after, state.tier.gift_year)

    def end_tier(self, member, due: int):
        self.judge(member, self.program, due)
        self.settle(member)

    def gift(self, member, due: int):
        state, tiers = self.state(member), self.program.tiers
        number = tiers.number(state.tier.level) if tiers else 0
        level = tiers.levels[number - 1] if number else None
        state.tier.birthday = None
        if level and (level.gift or level.give) and state.profile.counts(due, False):
            state.tier.gift_year = local_day(due, self.member_zone(member, self.program, due)).year
            first, rule_id = next(iter(self.program.points)), f"{level.id}-birthday"
            if level.give:
                self.tell("reward.granted", member, 0, "", first, rule_id, benefit=level.give)
            if level.gift:
                self.give_points(member, self.program, level.gift, rule_id, "")
        if tiers:
            self.plan_gift(member, self.program, due)
        self.settle(member)

    def unite_tiers(self, into, old: Tier | None):
        """Nothing is awarded anew: what both reach together counts as entered."""
        state, at = self.state(into), self.now
        if old is None or self.program.tiers is None:
            return
        tier = state.tier = state.tier or Tier()
        at = max(at, tier.clock, old.clock)
        terms = self.program if at == self.now else self.programs.at(self.program.id, at)
        if terms.tiers is None:
            return
        tier.items += old.items
        tier.gift_year = max(tier.gift_year, old.gift_year)
        tier.entered = {**old.entered, **tier.entered}
        for number in range(terms.tiers.level_on(tier.items, local_day(at, terms.zone))):
            level = terms.tiers.levels[number]
            if level.bonus:
                tier.entered.setdefault(level.id, (terms.version, 0))
        self.judge(into, terms, at)
