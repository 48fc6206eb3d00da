"""Limits of each member and budgets of all members, written anew from their description in config/README.md."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

KEPT = 8  # windows of a limit in which something was granted; those before are closed
SECOND = 1_000_000
PHRASE = re.compile(r"^(\d+(?:\.\d+)?)(?: (times?|[a-z][a-z0-9_-]*))??(?: (in all|per .*))?$")
LENGTHS = {"minutes": 60, "hours": 3600, "days": 86400}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVER = (float("-inf"), float("inf"))


@dataclass(frozen=True)
class Limit:
    id: str
    times: bool
    most: int
    period: str  # "ever", "hour", "day", …, or "4 hours"
    network: bool

    def key(self, network: str) -> tuple:
        return (self.id, self.times, self.period, network if self.network else "")

    def need(self, points: int, standing: int) -> int:
        return points if not self.times else int(standing == 0)


def parse_phrase(phrase: str, id_: str, currency: str, points: dict) -> Limit:
    match = PHRASE.match(phrase)
    assert match, phrase
    times = (match[2] or "").startswith("time")
    named = currency if times or match[2] is None else match[2]
    parts = (match[3] or "in all").removeprefix("per ").split(" and ")
    periods = [part for part in parts if part not in ("network", "in all")]
    most = int(match[1]) if times else int(Fraction(match[1]) * 10 ** points[named])
    return Limit(id_, times, most, periods[0] if periods else "ever", "network" in parts)


def currency_of(phrase: str, points: dict) -> str | None:
    """The currency that the phrase names; None where it counts times."""
    word = PHRASE.match(phrase)[2] or next(iter(points))
    return None if word.startswith("time") else word


def of_rule(raw: dict, currency: str, source: dict, points: dict, own: str, shared: str) -> tuple:
    """own: "limit", shared: "limits"; or of budgets."""
    phrases = raw.get(own) or []
    limits = [parse_phrase(phrase, raw["id"], currency, points) for phrase in ([phrases] if isinstance(phrases, str) else phrases)]
    for spec in source.get(shared) or []:
        counts = currency_of(spec["most"], points)
        network = "network" in spec["most"]
        everybody = counts in (None, currency) and (not network or raw["on"] == "share.shared")
        if raw["id"] in spec["rules"] if "rules" in spec else everybody:
            limits.append(parse_phrase(spec["most"], spec["id"], currency, points))
    return tuple(limits)


def midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(0), tzinfo=zone).timestamp())


def window(period: str, at: int, zone: ZoneInfo, week_begins: str) -> tuple:
    """[begin, end) in seconds of the period that holds the instant, in µs."""
    if period == "ever":
        return EVER
    seconds = at // SECOND
    local = datetime.fromtimestamp(seconds, zone)
    if period == "hour":
        begin = seconds - (local.minute * 60 + local.second)
        return begin, begin + 3600
    if period[0].isdigit():
        length = int(period.split()[0]) * LENGTHS[period.split()[1]]
        return seconds // length * length, seconds // length * length + length
    first, after = days_of(period, local.date(), week_begins)
    return midnight(first, zone), midnight(after, zone)


def days_of(period: str, day: date, week_begins: str) -> tuple:
    if period == "day":
        return day, day + timedelta(days=1)
    if period == "week":
        first = day - timedelta(days=(day.weekday() - WEEKDAYS.index(week_begins)) % 7)
        return first, first + timedelta(days=7)
    months = {"month": 1, "quarter": 3, "year": 12}[period]
    month = (day.month - 1) // months * months
    after = day.year * 12 + month + months
    return date(day.year, month + 1, 1), date(after // 12, after % 12 + 1, 1)


@dataclass
class Uses:
    """What was used of limits, in their windows."""

    windows: dict = field(default_factory=dict)  # key -> {(begin, end): used}
    closed: dict = field(default_factory=dict)  # key -> end of the newest window that was forgotten

    def used(self, key: tuple, period: tuple) -> float:
        if period[0] < self.closed.get(key, float("-inf")):
            return float("inf")
        return sum(used for (begin, end), used in self.windows.get(key, {}).items() if begin < period[1] and period[0] < end)

    def use(self, key: tuple, period: tuple, amount: int, kept: int | None):
        windows = self.windows.setdefault(key, {})
        windows[period] = windows.get(period, 0) + amount
        while kept is not None and len(windows) > kept:
            oldest = min(windows)
            del windows[oldest]
            self.close(key, oldest[1])

    def close(self, key: tuple, end: float):
        self.closed[key] = max(self.closed.get(key, float("-inf")), end)

    def unite(self, other: "Uses", kept: int):
        for key, windows in other.windows.items():
            for period, used in windows.items():
                self.use(key, period, used, kept)
        for key, end in other.closed.items():
            self.close(key, end)

    def give_back(self, key: tuple, at: int, amount: int):
        windows = self.windows.get(key, {})
        for begin, end in sorted(windows):
            if begin <= at // SECOND < end:
                part = min(amount, windows[(begin, end)])
                windows[(begin, end)] -= part
                amount -= part
                if windows[(begin, end)] == 0:
                    del windows[(begin, end)]


def take(wanted: int, standing: int, asked: list) -> int:
    """asked: (uses, limit, key, period, windows kept). Uses what the smallest residue leaves of what is wanted."""
    left = wanted
    for uses, limit, key, period, _ in asked:
        residue, need = max(0, limit.most - uses.used(key, period)), limit.need(left, standing)
        if residue < need:
            left = 0 if limit.times else int(residue)
    for uses, limit, key, period, kept in asked:
        if left > 0 and limit.need(left, standing) > 0:
            uses.use(key, period, limit.need(left, standing), kept)
    return left
