"""Events as plain dictionaries: the fields of schemas/avro by name, and `type` for which schema. Times are µs."""
from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache

from lib import wire

SECOND = 1_000_000
DAY = 86_400 * SECOND
START = int(datetime(2025, 6, 1, tzinfo=timezone.utc).timestamp()) * SECOND
SOURCE = "/shop/test"


@lru_cache(maxsize=None)
def _defaults(name: str) -> dict:
    return {field["name"]: field["default"] for field in wire.schema(name)["fields"] if "default" in field}


def make(type_: str, kind: str, id: str, member_id: str, program_id: str, occurred_at: int = START, **fields) -> dict:
    """Any event; what is not named has the schema's default."""
    event = dict(_defaults(type_))
    event.update(type=type_, kind=kind, id=id, source=SOURCE, program_id=program_id, member_id=member_id,
                 occurred_at=occurred_at)
    event.update(fields)
    return event


def line(sku: str, quantity: int = 1, unit_price: int = 1000, **fields) -> dict:
    out = dict(line_id="", sku=sku, category="", labels=[], quantity=quantity, unit_price=unit_price, discount=0, tax=0)
    out.update(fields)
    return out


class Shop:
    """Makes events of one program with ids that count up and times that go on."""

    def __init__(self, program_id: str = "shop", at: int = START, step: int = SECOND):
        self.program_id = program_id
        self.now = at
        self.step = step
        self.count = 0

    def make(self, type_: str, kind: str, member: str, **fields) -> dict:
        self.count += 1
        self.now += self.step
        fields.setdefault("id", f"{self.program_id}-{type_}-{self.count}")
        fields.setdefault("occurred_at", self.now)
        return make(type_, kind, member_id=member, program_id=self.program_id, **fields)

    def order(self, kind: str, member: str, order_id: str, lines=(), currency: str = "EUR", **fields) -> dict:
        return self.make("order", kind, member, order_id=order_id, lines=list(lines), currency=currency, **fields)

    def paid(self, member: str, order_id: str, cents: int, **fields) -> dict:
        return self.order("paid", member, order_id, [line("sku-1", 1, cents)], **fields)

    def review(self, kind: str, member: str, sku: str, **fields) -> dict:
        return self.make("review", kind, member, sku=sku, review_id=f"review-{sku}", **fields)

    def share(self, kind: str, member: str, content: str, network: str = "x", **fields) -> dict:
        return self.make("share", kind, member, content=content, network=network, **fields)

    def referral(self, kind: str, member: str, referrer: str, referee: str, **fields) -> dict:
        return self.make("referral", kind, member, referrer=referrer, referee=referee, **fields)

    def activity(self, name: str, member: str, value: int = 0, **fields) -> dict:
        return self.make("activity", "done", member, name=name, value=value, **fields)

    def adjustment(self, member: str, points: int, **fields) -> dict:
        fields.setdefault("reason", "goodwill")
        fields.setdefault("actor", "support")
        return self.make("adjustment", "made", member, points=points, **fields)


TYPES = ("order", "review", "share", "referral", "activity", "redemption", "adjustment", "member", "timer")


def record_of(event: dict) -> dict:
    """The Avro record of an event."""
    return {name: value for name, value in event.items() if name != "type"}


def encode(event: dict) -> bytes:
    return wire.encode(event["type"], record_of(event))
