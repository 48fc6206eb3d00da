"""Random histories of a shop, from a seed: the same seed gives the same records on the same partitions in the same order."""
from __future__ import annotations

import json
import random

from lib import events, wire
from lib.events import DAY, SECOND, START, line
from lib.world import Record, World
from model.explain import subject_of
from model.program import ProgramSet

SKUS = [f"sku-{n}" for n in range(40)]
CATEGORIES = ["tea", "coffee", "books"]
LABELS = ["sale", "new", "gift"]
ZONES = ["Europe/Paris", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Chatham", "", "Atlantis/Nowhere"]
NETWORKS = ["x", "facebook", "telegram", "tiktok", "other"]


class Workload:
    """Shares are of all events. scatter: things (orders, products, contents …) whose events go to another partition than
    their member's others. What is about one thing keeps to one partition, as keyed topics do, so that the order of decision
    can be told from what it left; copies go anywhere."""

    def __init__(self, world: World, seed: int, members: int = 80, scatter: float = 0.15, duplicates: float = 0.1,
                 conflicts: float = 0.02, late: float = 0.03, poison: float = 0.02,
                 merges: float = 0.0, step: int = 20 * SECOND):
        self.world = world
        self.seed = seed
        self.random = random.Random(seed)
        self.members = [f"member-{n:03}" for n in range(members)]
        self.merges = merges
        self.step = step  # between events
        self.scatter, self.duplicates, self.conflicts, self.late, self.poison = scatter, duplicates, conflicts, late, poison
        programs = {program.id: program for program in ProgramSet(*world.programs).programs}
        self.shops = {name: events.Shop(name, at=START, step=0) for name in programs}
        self.money = {name: list(program.money) for name, program in programs.items()}
        self.partners = {name: list(program.partners or ()) for name, program in programs.items()}
        self.orders: list[dict] = []  # paid events, to be refunded
        self.reviews: list[tuple] = []
        self.shares: list[tuple] = []
        self.referrals: list[tuple] = []
        self.sent: list[Record] = []
        self.held_back: list[dict] = []  # paid events that come after their refund
        self.orders_made = 0
        self.revisions: dict = {}  # order id -> newest
        self.clock = START

    def plan(self, count: int) -> list[Record]:
        """The next `count` records, not yet sent."""
        planned: list[Record] = []
        while len(planned) < count:
            planned.extend(self.some())
        return planned[:count]

    def some(self) -> list[Record]:
        draw = self.random.random()
        if draw < self.poison:
            return [self.poisoned()]
        if self.sent and draw < self.poison + self.duplicates:
            return [self.duplicate()]
        if self.sent and draw < self.poison + self.duplicates + self.conflicts:
            return [self.conflict()]
        event = self.event()
        if self.random.random() < self.late:
            event["occurred_at"] -= self.random.choice((2 * DAY, 100 * DAY, 200 * DAY))
        record = self.world.plan(event, self.partition(event), timestamp=self.clock // 1000)
        self.sent.append(record)
        return [record]

    def partition(self, event: dict) -> int:
        choice = random.Random(f"{self.seed} {subject_of(event)}")
        if choice.random() < self.scatter:
            return choice.randrange(self.world.partitions)
        return self.world.partition_of(event["referee"] if event["type"] == "referral" else event["member_id"])

    def event(self) -> dict:
        shop = self.random.choice(list(self.shops.values()))
        member = self.random.choice(self.members)
        self.tick()
        if self.held_back and self.random.random() < 0.3:
            event = self.held_back.pop(0)
            self.orders.append(event)
            return event
        if self.merges and self.random.random() < self.merges:
            return self.merged(shop, member)
        made = self.random.choices(
            (self.paid, self.refund, self.order_news, self.review, self.share, self.referral, self.activity, self.adjustment, self.ignored),
            weights=(34, 16, 6, 10, 8, 8, 8, 4, 4))[0]
        return made(shop, member)

    def tick(self):
        self.clock += self.step
        for shop in self.shops.values():
            shop.now = self.clock

    # ---- kinds

    def lines(self) -> list:
        chosen = self.random.sample(SKUS, self.random.choices((1, 2, 3, 6), weights=(4, 3, 2, 1))[0])
        made = []
        for sku in chosen:
            quantity = self.random.choices((1, 2, 3, 7), weights=(5, 2, 1, 1))[0]
            price = self.random.choice((0, 1, 99, 499, 999, 1000, 1999, 2500, 4999, 12345))
            discount = self.random.randint(0, quantity * price) if self.random.random() < 0.2 else 0
            extra = {"line_id": f"line-{sku}"} if self.random.random() < 0.3 else {}
            made.append(line(sku, quantity, price, discount=discount, tax=price // 5, category=self.random.choice(CATEGORIES),
                             labels=self.random.sample(LABELS, self.random.randrange(3)), **extra))
        return made

    def paid(self, shop, member) -> dict:
        self.orders_made += 1
        lines = self.lines()
        total = sum(item["quantity"] * item["unit_price"] - item["discount"] for item in lines)
        currency = self.random.choice(["EUR", *self.money[shop.program_id]])
        partners = self.partners[shop.program_id]
        fields = {"discount": self.random.randint(0, total) if self.random.random() < 0.15 else 0,
                  **self.terms(),
                  "partner_id": self.random.choice(partners) if partners and self.random.random() < 0.2 else ""}
        event = shop.order("paid", member, f"order-{self.orders_made}", lines, currency, **fields)
        if self.random.random() < 0.08:
            self.held_back.append(event)
            return self.refund_of(event)
        self.orders.append(event)
        return event

    def terms(self) -> dict:
        """What an order has beside its lines."""
        return {"shipping": self.random.choice((0, 490, 490)), "channel": self.random.choice(("web", "app")),
                "coupon": "SPRING" if self.random.random() < 0.1 else "", "points_used": self.random.choice((0, 0, 50, 777))}

    def refund(self, shop, member) -> dict:
        if not self.orders:
            return self.paid(shop, member)
        return self.refund_of(self.random.choice(self.orders[-200:]))

    def refund_of(self, paid: dict) -> dict:
        shop = self.shops[paid["program_id"]]
        common = {"currency": paid["currency"], "partner_id": paid["partner_id"]}
        how = self.random.choices(("lines", "amount", "whole", "cancelled"), weights=(5, 4, 2, 1))[0]
        if how == "cancelled":
            return shop.order("cancelled", paid["member_id"], paid["order_id"], **common)
        if how == "lines":
            chosen = self.random.sample(paid["lines"], self.random.randint(1, len(paid["lines"])))
            lines = [dict(item, quantity=self.random.randint(1, item["quantity"]), discount=0, tax=0) for item in chosen]
            return shop.order("refunded", paid["member_id"], paid["order_id"], lines, **common)
        amount = self.random.choice((1, 100, 999, 2000, 5000)) if how == "amount" else 0
        return shop.order("refunded", paid["member_id"], paid["order_id"], refund_amount=amount, **common)

    def order_news(self, shop, member) -> dict:
        """What changes no points: placed, shipped, completed, paid again under another id."""
        if not self.orders:
            return self.paid(shop, member)
        paid = self.random.choice(self.orders[-200:])
        shop = self.shops[paid["program_id"]]
        kind = self.random.choice(("placed", "shipped", "completed", "paid", "amended", "amended"))
        if kind == "amended":
            return self.amended(paid)
        told = {name: paid[name] for name in ("discount", "shipping", "channel", "coupon", "points_used", "partner_id")}
        return shop.order(kind, paid["member_id"], paid["order_id"], paid["lines"], paid["currency"], **told)

    def amended(self, paid: dict) -> dict:
        """Some lines stay, others come; at times a revision that is not newer."""
        revision = self.revisions.get(paid["order_id"], 0) + self.random.choice((0, 1, 1, 2))
        self.revisions[paid["order_id"]] = revision
        kept = self.random.sample(paid["lines"], self.random.randint(0, len(paid["lines"])))
        names = {item["sku"] for item in kept}
        lines = kept + [item for item in self.lines() if item["sku"] not in names]
        return self.shops[paid["program_id"]].order("amended", paid["member_id"], paid["order_id"], lines, paid["currency"],
                                                    revision=revision, partner_id=paid["partner_id"], **self.terms())

    def review(self, shop, member) -> dict:
        if self.reviews and self.random.random() < 0.25:
            shop, member, sku = self.random.choice(self.reviews)
            return shop.review("removed", member, sku)
        sku = self.random.choice(SKUS)
        if self.random.random() < 0.2:
            return shop.review("submitted", member, sku, rating=5)
        self.reviews.append((shop, member, sku))
        return shop.review("approved", member, sku, rating=4, length=120, photos=1, verified_purchase=True)

    def share(self, shop, member) -> dict:
        if self.shares and self.random.random() < 0.25:
            shop, member, content, network = self.random.choice(self.shares)
            return shop.share("withdrawn", member, content, network)
        content, network = f"post-{self.random.randrange(30)}", self.random.choice(NETWORKS)
        self.shares.append((shop, member, content, network))
        return shop.share("shared", member, content, network)

    def referral(self, shop, member) -> dict:
        if self.referrals and self.random.random() < 0.2:
            shop, referrer, referee = self.random.choice(self.referrals)
            return shop.referral("voided", referee, referrer, referee)
        friends = self.friends(member)
        referee = member if self.random.random() < 0.1 else self.random.choice(friends)
        if self.random.random() < 0.2:
            return shop.referral("invited", member, member, "")
        self.referrals.append((shop, member, referee))
        return shop.referral("converted", self.random.choice((member, referee)), member, referee)

    def friends(self, member: str) -> list:
        """Members meet in fours: the search for the order of decision stays among few."""
        at = self.members.index(member) // 4 * 4
        return [other for other in self.members[at:at + 4] if other != member] or [member]

    def merged(self, shop, member) -> dict:
        """Mostly into a friend; at times into itself; one in eight is erased."""
        if self.random.random() < 0.125:
            return shop.make("member", "erased", member)
        into = member if self.random.random() < 0.05 else self.random.choice(self.friends(member))
        return shop.make("member", "merged", member, merged_into=into)

    def activity(self, shop, member) -> dict:
        name = self.random.choice(("sign_up", "miles_walked", "app_visit", "survey"))
        return shop.activity(name, member, value=self.random.randrange(0, 30_000), attributes={"device": "phone"})

    def adjustment(self, shop, member) -> dict:
        return shop.adjustment(member, self.random.choice((-40, -1, 1, 25, 300)))

    def ignored(self, shop, member) -> dict:
        return self.random.choice((
            lambda: self.told(shop, member),
            lambda: self.told(shop, member),
            lambda: shop.make("redemption", "requested", member, redemption_id=f"r-{shop.count}", points=10),
            lambda: shop.make("timer", "due", member, obligation="reminder", due_at=shop.now),
        ))()

    def told(self, shop, member) -> dict:
        """What is known of a member changes; at times members leave."""
        kind = self.random.choice(("enrolled", "enrolled", "updated", "updated", "left"))
        return shop.make("member", kind, member, zone=self.random.choice(ZONES), language=self.random.choice(("de", "en-GB", "")),
                         segments=self.random.sample(("vip", "new", "staff"), self.random.randrange(3)),
                         birthday=self.random.choice(("", "1990-06-15", "2000-02-29")), consent=self.random.random() < 0.5, attributes=self.random.choice(({}, {"size": "4"}, {"size": "large"})))

    # ---- what is wrong

    def duplicate(self) -> Record:
        """The same event again: on its partition or another."""
        again = self.random.choice(self.sent[-400:])
        where = again.partition if self.random.random() < 0.5 else self.random.randrange(self.world.partitions)
        return Record(again.topic, where, value=again.value, event=again.event, key=again.key, timestamp=again.timestamp)

    def conflict(self) -> Record:
        """Another event under an id that is taken, of the same member or a friend."""
        taken = self.random.choice(self.sent[-400:]).event
        shop = self.shops[taken["program_id"]]
        member = taken["member_id"] if self.random.random() < 0.6 else self.random.choice(self.friends(taken["member_id"]))
        event = shop.activity("miles_walked", member, value=self.random.randrange(1, 9000), id=taken["id"])
        return self.world.plan(event, self.partition(event), timestamp=self.clock // 1000)

    def poisoned(self) -> Record:
        shop, member = next(iter(self.shops.values())), self.random.choice(self.members)
        self.tick()
        name = self.random.choice(sorted(POISON))
        type_, value, refused, event = POISON[name](shop, member, self.random)
        where = self.random.randrange(self.world.partitions)
        headers = [("trace", self.random.randbytes(8)), ("origin", b"test")]
        if event is not None:
            return self.world.plan(event, where, headers=headers, timestamp=self.clock // 1000)
        return self.world.poison(type_, value, refused, where, key=member.encode(), headers=headers, timestamp=self.clock // 1000)


def encoded(event: dict) -> bytes:
    return events.encode(event)


# Each gives (topic's type, value, reason that decoding gives, event where the rules refuse it instead).
POISON = {
    "noise": lambda shop, member, rng: ("order", rng.randbytes(40).replace(b"\x00", b"n").replace(b"\xc3", b"n"), "undecodable", None),
    "empty": lambda shop, member, rng: ("order", b"", "undecodable", None),
    "tombstone": lambda shop, member, rng: ("review", None, "undecodable", None),
    "cut short": lambda shop, member, rng: ("order", encoded(shop.paid(member, "cut", 5000))[:-9], "undecodable", None),
    "bytes left over": lambda shop, member, rng: ("order", encoded(shop.paid(member, "long", 5000)) + b"\x00\x01", "undecodable", None),
    "huge count": lambda shop, member, rng: ("order", huge_count(shop, member), "undecodable", None),
    "negative quantity": lambda shop, member, rng:
        ("order", encoded(shop.order("paid", member, "negative", [line("sku-1", -1, 500)])), "impossible_event", None),
    "discount above line": lambda shop, member, rng:
        ("order", encoded(shop.order("paid", member, "discount", [line("sku-1", 1, 500, discount=501)])), "impossible_event", None),
    "overflow": lambda shop, member, rng:
        ("order", encoded(shop.order("paid", member, "overflow", [line("sku-1", 2**40, 2**40)])), "overflow", None),
    "from the future": lambda shop, member, rng:
        ("order", encoded(shop.paid(member, "future", 5000, occurred_at=shop.now + DAY)), "time_out_of_bounds", None),
    "undeclared currency": lambda shop, member, rng:
        ("order", None, None, shop.order("paid", member, "gold", [line("sku-1")], currency="XAU")),
    "unknown program": lambda shop, member, rng: ("order", None, None, dict(shop.paid(member, "nowhere", 5000), program_id="nowhere")),
    "unknown partner": lambda shop, member, rng: ("order", None, None, shop.paid(member, "partner", 5000, partner_id="stranger")),
}


def huge_count(shop, member) -> bytes:
    """An order that claims 2**40 lines in a few bytes."""
    whole = wire.schema("order")
    names = [field["name"] for field in whole["fields"]]
    head = dict(whole, fields=whole["fields"][:names.index("lines")])
    event = shop.order("paid", member, "huge")
    body = wire.body(json.dumps(head), {field["name"]: event[field["name"]] for field in head["fields"]})
    return wire.prefix_of(wire.schema_text("order")) + body + zigzag(2**40)


def zigzag(number: int) -> bytes:
    value, out = number << 1, bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])
