"""Lots and pending points, written anew from their description in config/README.md. Every point lies in a lot, also those that
last for ever; a balance below zero has none."""
from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from model.keys import subject_key

SECOND = 1_000_000
MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}
PERIODS = {"month": 1, "quarter": 3, "year": 12}
SECONDS = {"hour": 3600, "day": 86400, "week": 7 * 86400}
SPAN = re.compile(r"^(\d+) ([a-z]+?)s?$")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SUBJECTS = {"order": "order", "review": "product", "share": "content", "referral": "referral", "activity": "activity"}


@dataclass(frozen=True)
class Expiry:
    """How long points last: behind the period of so many months (0: behind the day), so many months and days later."""

    period: int = 0
    months: int = 0
    days: int = 0
    idle: bool = False

    @staticmethod
    def parse(text: str | None) -> "Expiry | None":
        """None: for ever."""
        if text is None or text == "never":
            return None
        idle = text.endswith(" of inactivity")
        text = text.removesuffix(" of inactivity")
        head, _, span = text.partition(" + ")
        period = PERIODS[head.removeprefix("end of ")] if head.startswith("end of ") else 0
        span = span if period else head
        count, unit = SPAN.match(span).groups() if span else ("0", "day")
        return Expiry(period, int(count) * MONTHS.get(unit, 0), int(count) * DAYS.get(unit, 0), idle)

    def end(self, zone: ZoneInfo, at: int) -> int:
        """The first instant at which points that came then are gone: a midnight of the zone."""
        day = (EPOCH + timedelta(microseconds=at)).astimezone(zone).date()
        if self.period:
            first = day.replace(day=1, month=(day.month - 1) // self.period * self.period + 1)
            day = add_months(first, self.period + self.months) + timedelta(days=self.days)
        else:
            day = add_months(day, self.months) + timedelta(days=self.days + 1)
        return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND


def add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def seconds_of(text: str) -> int:
    count, unit = SPAN.match(text).groups()
    return int(count) * SECONDS[unit]


def next_warning(distances: tuple, end: int, after: int) -> int | None:
    return min((end - d * SECOND for d in distances if end - d * SECOND > after), default=None)


@dataclass
class Lot:
    currency: str
    partner: str
    end: int | None = None  # None: never
    idle: Expiry | None = None  # what moves its end
    warn: int | None = None
    left: int = 0

    def terms(self) -> tuple:
        if self.end is None:
            return (self.currency, True, 0, "", "")
        return (self.currency, False, self.end, self.partner.encode(), str(self.idle or ""))


@dataclass
class Pending:
    due: int | None  # None: it waits
    key: bytes
    version: int
    place: int  # of the rule
    partner: str
    subject: str
    currency: str
    awaits: str | None
    amount: int

    def identity(self) -> tuple:
        return (self.key, self.version, self.place)

    def order(self) -> tuple:
        return (self.due is None, self.due or 0, *self.identity(), self.awaits or "", self.partner.encode())


@dataclass(frozen=True)
class Waiting:
    """How long what a rule grants is pending."""

    awaits: str | None
    delay: int  # µs

    @staticmethod
    def parse(text: str | None) -> "Waiting | None":
        if text is None:
            return None
        head, _, span = text.partition(" + ")
        if not head.startswith("until "):
            return Waiting(None, seconds_of(head) * SECOND)
        return Waiting(head.removeprefix("until "), seconds_of(span) * SECOND if span else 0)


def subject_key_of(rule, subject: str) -> bytes:
    kind = rule.on.split(".")[0]
    if kind == "activity" and rule.once_per is None:
        return bytes(16)
    return subject_key(SUBJECTS[kind], subject)


def with_idle_end(lots: list, lot: Lot) -> Lot:
    """Points that end with inactivity end with those of them that end last."""
    for other in lots:
        if lot.idle is not None and other.idle == lot.idle and other.currency == lot.currency and other.end > lot.end:
            lot.end, lot.warn = other.end, other.warn
    return lot


def put(lots: list, lot: Lot, amount: int):
    if amount <= 0:
        return
    lot = with_idle_end(lots, Lot(lot.currency, lot.partner, lot.end, lot.idle, lot.warn, amount))
    for other in lots:
        if other.terms() == lot.terms():
            other.left += amount
            return
    lots.append(lot)


def draw(lots: list, lot: Lot, amount: int) -> Lot:
    taken = Lot(lot.currency, lot.partner, lot.end, lot.idle, None, min(amount, lot.left))
    lot.left -= taken.left
    if lot.left == 0:
        lots[:] = [other for other in lots if other is not lot]
    return taken


def spend(lots: list, currency: str, amount: int, home: Lot | None = None) -> list:
    """Takes from the home first, then from what ends first; says from where."""
    drawn = []
    if home is not None:
        for terms in (home.terms(), with_idle_end(lots, home).terms()):
            found = next((lot for lot in lots if lot.terms() == terms), None)
            if found is not None:
                drawn.append(draw(lots, found, amount))
                break
    amount -= sum(lot.left for lot in drawn)
    for lot in sorted((lot for lot in lots if lot.currency == currency), key=Lot.terms):
        if amount > 0:
            drawn.append(draw(lots, lot, amount))
            amount -= drawn[-1].left
    return drawn


def touch(lots: list, currency: str, at: int, zone: ZoneInfo, distances: tuple):
    for lot in [lot for lot in lots if lot.idle is not None and lot.currency == currency]:
        end = lot.idle.end(zone, at)
        if end > lot.end:
            lots[:] = [other for other in lots if other is not lot]
            put(lots, Lot(lot.currency, lot.partner, end, lot.idle, next_warning(distances, end, at)), lot.left)


def add_pending(pending: list, credit: Pending):
    for other in pending:
        if other.order() == credit.order():
            other.amount += credit.amount
            return
    pending.append(credit)
    pending.sort(key=Pending.order)


def take_pending(pending: list, identity: tuple, amount: int) -> int:
    """Takes of what the rule granted for the subject, the newest due first; says how much."""
    taken = 0
    for credit in reversed([credit for credit in pending if credit.identity() == identity]):
        part = min(credit.amount, amount - taken)
        credit.amount -= part
        taken += part
    pending[:] = [credit for credit in pending if credit.amount > 0]
    return taken
