"""Program files as the independent model reads them: exact fractions, no knowledge of the processor's code."""
from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import yaml

from model import limits
from model.tiers import Tiers
from model.lots import Expiry, Waiting, seconds_of

RATE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s+per\s+(whole\s+)?(\d+(?:\.\d+)?|[a-z]+)\s*$")
PERCENTAGE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*%\s*$")
EACH = re.compile(r"^\s*(\d+(?:\.\d+)?)\s+(\S+)(\s+spent)?\s*$")
TYPE_OF_KIND = {"activity": "activity", "adjustment": "adjustment"}


def micros(text) -> int:
    """An RFC 3339 instant as µs since 1970."""
    if isinstance(text, datetime):
        moment = text
    else:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    delta = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(text: str, zone: ZoneInfo) -> int:
    """An instant, or a day: its midnight in the zone."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return micros(datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(timezone.utc))
    return micros(text)


def wall_clock(at: int, zone: ZoneInfo) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=at)).astimezone(zone)


def round_fraction(value: Fraction, mode: str) -> int:
    if mode == "down":
        return math.floor(value)
    if mode == "up":
        return math.ceil(value)
    if mode == "half_up":
        return math.floor(value + Fraction(1, 2))
    if mode == "half_even":
        return round(value)
    raise ValueError(mode)


@dataclass(frozen=True)
class Rate:
    points: Fraction
    per: Fraction
    whole: bool

    @staticmethod
    def parse(text: str) -> "Rate":
        if (match := PERCENTAGE.match(text)) is not None:
            return Rate(Fraction(match[1]), Fraction(100), False)
        if (match := RATE.match(text)) is None:
            raise ValueError(f"rate {text!r}")
        return Rate(Fraction(match[1]), Fraction(match[3]) if match[3][0].isdigit() else Fraction(1), bool(match[2]))

    def exact(self, basis: Fraction) -> Fraction:
        units = basis / self.per
        return self.points * (math.floor(units) if self.whole else units)


@dataclass(frozen=True)
class Gate:
    """When something counts."""

    since: int | None = None  # µs, counts from it on
    until: int | None = None  # µs, counts before it
    days: tuple = ()
    hours: tuple | None = None  # two times of day, both included; over midnight where the first is the later
    by_member: bool = False

    @staticmethod
    def parse(raw: dict, zone: ZoneInfo) -> "Gate":
        days, hours = raw.get("days") or (), raw.get("hours")
        return Gate(since=instant(raw["from"], zone) if "from" in raw else None,
                    until=instant(raw["until"], zone) if "until" in raw else None,
                    days=(days,) if isinstance(days, str) else tuple(days),
                    hours=tuple(datetime.strptime(text, "%H:%M").time() for text in hours.split("-")) if hours else None,
                    by_member=raw.get("clock") == "member")

    def is_open(self, at: int, clock: datetime) -> bool:
        if (self.since is not None and at < self.since) or (self.until is not None and at >= self.until):
            return False
        if self.days and clock.strftime("%a") not in self.days:
            return False
        if self.hours is None:
            return True
        opens, closes = self.hours
        if opens <= closes:
            return opens <= clock.time() <= closes
        return clock.time() >= opens or clock.time() <= closes


@dataclass(frozen=True)
class Items:
    """Which lines count: those that a list names, all where there is none; never those that `besides` names."""

    lists: dict | None  # name of a line's field -> names
    besides: dict

    @staticmethod
    def parse(raw: dict) -> "Items":
        lists = {name: frozenset(raw[name]) for name in ("skus", "categories", "labels") if name in raw}
        return Items(lists or None, {name: frozenset(names) for name, names in (raw.get("except") or {}).items()})

    @staticmethod
    def names(lists: dict, line) -> bool:
        return (line.sku in lists.get("skus", ()) or line.category in lists.get("categories", ())
                or any(label in lists.get("labels", ()) for label in line.labels))

    def count(self, line) -> bool:
        return (self.lists is None or self.names(self.lists, line)) and not self.names(self.besides, line)


@dataclass(frozen=True)
class Multiplier:
    id: str
    times: Fraction
    rules: tuple  # ids; all rules on orders where there is none
    gate: Gate
    when: str | None


@dataclass(frozen=True)
class Rule:
    id: str
    on: str
    currency: str
    fixed: Fraction | None
    rates: dict  # money currency -> Rate, or {"*": Rate}
    minimum: dict  # money currency -> Fraction
    rounding: str
    once_per: str | None
    networks: tuple
    to: str
    reason: str | None
    amount: str | None
    per_item: Fraction | None
    items: Items | None
    basis: frozenset  # of tax, shipping, points_used, discounts: where it is not as usual
    nth: object  # a range or numbers; empty: any
    stacking: str  # add, best, exclusive
    group: str | None
    priority: int
    gate: Gate
    when: str | None
    expires: bool  # it says how long its points last; else its currency does
    expiry: Expiry | None
    pending: Waiting | None
    limits: tuple = ()  # of each member
    budgets: tuple = ()  # of all members together


@dataclass(frozen=True)
class Threshold:
    id: str
    each: int  # minor units of `currency`
    currency: str
    spent: bool
    give: str
    worth: dict


@dataclass
class Program:
    id: str
    version: int
    effective_at: int
    points: dict
    money: dict
    partners: tuple
    refunds: str
    zone: ZoneInfo
    week_begins: str
    enrolment_required: bool = False
    worth: dict = field(default_factory=dict)  # point currency -> money currency -> money for one point
    multipliers: list = field(default_factory=list)
    expiry: dict = field(default_factory=dict)  # point currency -> Expiry or None
    warnings: dict = field(default_factory=dict)  # point currency -> seconds before an end
    rules: list = field(default_factory=list)
    rewards: list = field(default_factory=list)
    tiers: Tiers | None = None

    @staticmethod
    def parse(text: str) -> "Program":
        raw = yaml.load(text, Loader=yaml.BaseLoader)  # plain strings: no guessing at dates, and `on` stays a word
        zone = ZoneInfo(raw.get("zone", "UTC"))
        points = {name: int((spec or {}).get("decimals") or 0) for name, spec in raw["points"].items()}
        money = {name: int(digits) for name, digits in (raw.get("money") or {}).items()}
        program = Program(
            id=raw["program"],
            version=int(raw["version"]),
            effective_at=instant(raw["effective"], zone),
            points=points,
            money=money,
            partners=tuple(raw.get("partners") or ()),
            refunds=raw.get("refunds", "negative"),
            zone=zone,
            week_begins=raw.get("week_begins", "monday"),
            enrolment_required=raw.get("enrolment") == "required",
            worth={name: {money: Fraction(worth) for money, worth in ((spec or {}).get("worth") or {}).items()}
                   for name, spec in raw["points"].items()},
        )
        for name, spec in raw["points"].items():
            program.expiry[name] = Expiry.parse((spec or {}).get("expire"))
            program.warnings[name] = tuple(seconds_of(text) for text in (spec or {}).get("warn") or ())
        program.rules = [parse_rule(rule, raw, points, zone) for rule in raw.get("rules") or []]
        program.multipliers = [Multiplier(spec["id"], Fraction(spec["times"]), tuple(spec.get("rules") or ()),
                                          Gate.parse(spec, zone), spec.get("when")) for spec in raw.get("multipliers") or []]
        program.tiers = Tiers.parse(raw.get("tiers"), points, money)
        program.rewards = [parse_threshold(reward, program) for reward in raw.get("rewards") or []]
        return program

    def order_kinds(self) -> set:
        return {rule.on.split(".")[1] for rule in self.rules if rule.on.startswith("order.")}


USUALLY_ONCE_PER = {"order": "order", "review": "product", "share": "content", "referral": "referee"}
USUAL_BASIS = {"tax": "excluded", "shipping": "excluded", "discounts": "deducted", "points_used": "ignored"}


def ordinals(nth):
    """How-manieth orders of a member."""
    if isinstance(nth, str) and nth.endswith(" and later"):
        return range(int(nth.split()[0]), 2**63)
    return tuple(int(n) for n in ((nth,) if isinstance(nth, str) else nth))


def parse_rule(raw: dict, source: dict, points: dict, zone: ZoneInfo) -> Rule:
    earn = raw["earn"]
    currency = earn.get("currency", next(iter(points)))
    stacking, _, group = raw.get("stacking", "add").partition(" of ")
    rates = {}
    if "rate" in earn:
        spec = earn["rate"]
        rates = {name: Rate.parse(text) for name, text in spec.items()} if isinstance(spec, dict) else {"*": Rate.parse(spec)}
    return Rule(
        id=raw["id"],
        on=raw["on"],
        currency=currency,
        fixed=Fraction(str(earn["fixed"])) if "fixed" in earn else None,
        rates=rates,
        minimum={name: Fraction(str(least)) for name, least in (raw.get("minimum") or {}).items()},
        rounding=raw.get("rounding", "down"),
        once_per=raw.get("once_per") or USUALLY_ONCE_PER.get(raw["on"].split(".")[0]),
        networks=tuple(raw.get("networks") or ()),
        to=raw.get("to", "both"),
        reason=raw.get("reason"),
        amount=earn.get("amount"),
        per_item=Fraction(earn["per_item"]) if "per_item" in earn else None,
        items=Items.parse(raw["items"]) if "items" in raw else None,
        basis=frozenset(name for name, choice in (raw.get("basis") or {}).items() if choice != USUAL_BASIS[name]),
        nth=ordinals(raw.get("nth_order") or ()),
        stacking=stacking,
        group=group or None,
        priority=int(raw.get("priority", 0)),
        gate=Gate.parse(raw, zone),
        when=raw.get("when"),
        expires="expire" in raw,
        expiry=Expiry.parse(raw.get("expire")),
        pending=Waiting.parse(raw.get("pending")),
        limits=limits.of_rule(raw, currency, source, points, "limit", "limits"),
        budgets=limits.of_rule(raw, currency, source, points, "budget", "budgets"),
    )


def parse_threshold(raw: dict, program: Program) -> Threshold:
    match = EACH.match(raw["each"])
    if not match:
        raise ValueError(f"each {raw['each']!r}")
    currency, spent = match[2], bool(match[3])
    digits = program.money[currency] if spent else program.points[currency]
    return Threshold(
        id=raw["id"],
        each=int(Fraction(match[1]) * 10**digits),
        currency=currency,
        spent=spent,
        give=raw["give"],
        worth=raw.get("worth") or {},
    )


class ProgramSet:
    """All versions of all programs."""

    def __init__(self, *sources: str):
        self.programs = sorted((Program.parse(source) for source in sources), key=lambda p: (p.id, p.effective_at, p.version))

    def at(self, program_id: str, when: int) -> Program | None:
        held = [p for p in self.programs if p.id == program_id and p.effective_at <= when]
        return held[-1] if held else None

    def version(self, program_id: str, version: int) -> Program:
        return next(p for p in self.programs if p.id == program_id and p.version == version)

    def has_budgets(self, program_id: str) -> bool:
        return any(rule.budgets for program in self.programs if program.id == program_id for rule in program.rules)
