"""Orders, written anew from the description of the rules: what was bought, what came back, what remains of each line."""
from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Line:
    """Lines with one key are one line; the first says what the thing is."""

    quantity: int = 0
    net: int = 0  # after the line's discount
    discount: int = 0
    tax: int = 0
    sku: str = ""
    category: str = ""
    labels: tuple = ()


@dataclass
class Left:
    """What remains of a line."""

    line: Line
    quantity: int
    gross: int  # before the line's discount
    net: int  # after it
    tax: int
    left: int  # net less the line's shares of what the whole order lost
    refund: int = 0  # its share of amounts refunded


@dataclass(frozen=True)
class Asked:
    """An event that rules were asked about; they are asked again whenever less or more remains."""

    kind: str
    version: int
    at: int


@dataclass
class Grant:
    version: int
    points: int  # that stand
    wanted: int  # before limits cut it
    at: int  # when it was granted
    network: str = ""  # of a share: where it was made


@dataclass
class Order:
    currency: str
    partner_id: str
    asked: list = field(default_factory=list)  # in order of decision
    lines: dict = field(default_factory=dict)
    returned: dict = field(default_factory=dict)  # line key -> quantity that came back, perhaps before its order
    discount: int = 0
    shipping: int = 0
    points_used: int = 0
    channel: str = ""
    coupon: str = ""
    revision: int = 0
    nth: int = 0  # the member's how-manieth
    refunded_amount: int = 0
    whole: bool = False
    granted: dict = field(default_factory=dict)  # (version, rule id) -> Grant
    spent: int = 0
    tier: str = ""  # the member's level when the order was first decided
    was_gone: bool = False
    known: bool = False  # its lines came; before, refunds and shipments may have

    def happened(self) -> dict:
        """kind -> when."""
        return {asked.kind: asked.at for asked in self.asked}

    def take(self, event: dict):
        """Becomes what the event says."""
        self.revision = event.get("revision") or 0
        self.lines = read_lines(event)
        for name in ("discount", "shipping", "points_used"):
            setattr(self, name, event.get(name) or 0)
        for name in ("channel", "coupon"):
            setattr(self, name, event.get(name) or "")

    def remaining(self) -> int:
        return Remains(self).total

    def gone(self) -> bool:
        return Remains(self).gone


class Remains:
    """An order as if what remains of it had been ordered."""

    def __init__(self, order: Order):
        self.order = order
        self.lines = {key: self.line_left(key) for key in sorted(order.lines, key=lambda name: name.encode())}
        self.lose(order.discount)
        for left, lost in zip(self.lines.values(), self.lose(order.refunded_amount)):
            left.refund = lost
            left.tax = left.tax * left.left // (left.left + lost) if left.left + lost else left.tax
        self.total = sum(left.left for left in self.lines.values())
        refunded = order.refunded_amount > 0 or any(order.returned.get(key, 0) > 0 for key in order.lines)
        self.gone = order.whole or (refunded and self.total == 0)  # not even a fixed number of points stands
        self.ordered = max(0, sum(line.net for line in order.lines.values()) - order.discount)  # before anything came back

    def line_left(self, key: str) -> Left:
        """By quantity alone: of each amount the part that came back, rounded down, is gone."""
        line = self.order.lines[key]
        back = line.quantity if self.order.whole else min(line.quantity, self.order.returned.get(key, 0))
        gross, net, tax = (amount - amount * back // line.quantity for amount in (line.net + line.discount, line.net, line.tax))
        return Left(line, line.quantity - back, gross, net, tax, net)

    def lose(self, amount: int) -> list:
        shares = spread(amount, [left.left for left in self.lines.values()])
        for left, lost in zip(self.lines.values(), shares):
            left.left -= lost
        return shares

    def as_event(self, event: dict, asked: Asked) -> dict:
        """What conditions read."""
        order, lines = self.order, []
        for key, left in self.lines.items():
            if left.quantity:
                price = -(-left.gross // left.quantity)
                lines.append({"line_id": key, "sku": left.line.sku, "category": left.line.category, "labels": list(left.line.labels),
                              "quantity": left.quantity, "unit_price": price, "discount": price * left.quantity - left.net,
                              "tax": left.tax})
        return {"program_id": event.get("program_id") or "", "partner_id": order.partner_id, "member_id": event["member_id"],
                "occurred_at": asked.at, "kind": asked.kind, "order_id": event["order_id"], "revision": order.revision,
                "currency": order.currency, "lines": lines, "shipping": 0 if self.gone else order.shipping,
                "discount": sum(left.net for left in self.lines.values()) - self.total, "points_used": order.points_used,
                "channel": order.channel, "coupon": order.coupon, "total": self.total}


def spread(amount: int, weights: list) -> list:
    """An amount in proportion, at most their sum, by largest remainder; of equal ones the first is served first."""
    whole = sum(weights)
    amount = min(amount, whole)
    shares = [amount * weight // whole if whole else 0 for weight in weights]
    first = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole) if whole else 0, i))
    for i in first[:amount - sum(shares)]:
        shares[i] += 1
    return shares


def line_key(line: dict) -> str:
    return line.get("line_id") or line["sku"]


def read_lines(event: dict) -> dict:
    lines: dict = {}
    for line in event.get("lines") or []:
        if line_key(line) not in lines:
            lines[line_key(line)] = Line(sku=line["sku"], category=line.get("category") or "", labels=tuple(line.get("labels") or ()))
        held = lines[line_key(line)]
        held.quantity += line["quantity"]
        held.discount += line.get("discount") or 0
        held.net += line["quantity"] * line["unit_price"] - (line.get("discount") or 0)
        held.tax += line.get("tax") or 0
    return lines


def unite_grants(into: dict, other: dict):
    for rule, grant in other.items():
        if rule in into:
            into[rule].points += grant.points
            into[rule].wanted += grant.wanted
        else:
            into[rule] = grant


def unite_orders(into: Order, other: Order) -> Order:
    """One order that both accounts had: what was granted and what came back adds up."""
    into.whole |= other.whole
    into.refunded_amount += other.refunded_amount
    for key, quantity in other.returned.items():
        into.returned[key] = into.returned.get(key, 0) + quantity
    into.known |= other.known
    into.asked += [asked for asked in other.asked if asked.kind not in into.happened()]
    unite_grants(into.granted, other.granted)
    into.spent = into.remaining()
    return into
