"""Program files as the independent model reads them: exact fractions, no knowledge of the processor's code."""
from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import yaml

from model import limits
from model.lots import Expiry, Waiting, seconds_of

RATE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s+per\s+(whole\s+)?(\d+(?:\.\d+)?)\s*$")
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
        match = RATE.match(text)
        if not match:
            raise ValueError(f"rate {text!r}")
        return Rate(Fraction(match[1]), Fraction(match[3]), bool(match[2]))

    def exact(self, basis: int, digits: int) -> Fraction:
        units = Fraction(basis, 10**digits) / self.per
        return self.points * (math.floor(units) if self.whole else units)


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
    expires: bool  # it says how long its points last; else its currency does
    expiry: Expiry | None
    pending: Waiting | None
    limits: tuple = ()  # of each member
    budgets: tuple = ()  # of all members together

    def amount(self, program: "Program", basis: int, money: str | None, digits: int) -> int:
        """Points in minor units for a basis in minor units of `money`."""
        scale = 10 ** program.points[self.currency]
        least = self.minimum.get(money)
        if least is not None and Fraction(basis, 10**digits) < least:
            return 0
        if self.fixed is not None:
            return round_fraction(self.fixed * scale, self.rounding)
        rate = self.rates.get(money) or self.rates.get("*")
        if rate is None:
            return 0
        return round_fraction(rate.exact(basis, digits) * scale, self.rounding)


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
    expiry: dict = field(default_factory=dict)  # point currency -> Expiry or None
    warnings: dict = field(default_factory=dict)  # point currency -> seconds before an end
    rules: list = field(default_factory=list)
    rewards: list = field(default_factory=list)

    @staticmethod
    def parse(text: str) -> "Program":
        raw = yaml.load(text, Loader=yaml.BaseLoader)  # plain strings: no guessing at dates, and `on` stays a word
        points = {name: int((spec or {}).get("decimals") or 0) for name, spec in raw["points"].items()}
        money = {name: int(digits) for name, digits in (raw.get("money") or {}).items()}
        program = Program(
            id=raw["program"],
            version=int(raw["version"]),
            effective_at=micros(raw["effective"]),
            points=points,
            money=money,
            partners=tuple(raw.get("partners") or ()),
            refunds=raw.get("refunds", "negative"),
            zone=ZoneInfo(raw.get("zone", "UTC")),
            week_begins=raw.get("week_begins", "monday"),
        )
        for name, spec in raw["points"].items():
            program.expiry[name] = Expiry.parse((spec or {}).get("expire"))
            program.warnings[name] = tuple(seconds_of(text) for text in (spec or {}).get("warn") or ())
        program.rules = [parse_rule(rule, raw, points) for rule in raw.get("rules") or []]
        program.rewards = [parse_threshold(reward, program) for reward in raw.get("rewards") or []]
        return program

    def order_kinds(self) -> set:
        return {rule.on.split(".")[1] for rule in self.rules if rule.on.startswith("order.")}


def parse_rule(raw: dict, source: dict, points: dict) -> Rule:
    earn = raw["earn"]
    currency = earn.get("currency", next(iter(points)))
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
        once_per=raw.get("once_per"),
        networks=tuple(raw.get("networks") or ()),
        to=raw.get("to", "both"),
        reason=raw.get("reason"),
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
