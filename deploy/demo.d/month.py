#!/usr/bin/env python3
"""A shop's March 2025, and what came back in April, as JSON lines for `points publish`: the same lines on every run.

usage: month.py [--members N] [--seed N] > month.jsonl

Beside the everyday (orders placed, paid, shipped, refunded, reviewed, shared), it holds what makes counting points
hard: the same event sent twice, events that come late, a refund before its order, one id with two contents, and orders
that cannot be true. Anna, Bruno, Clara, David and Emma are the ones to look at: see stories().
"""
import argparse
import json
import random
import sys
from datetime import datetime, timedelta, timezone

BEGIN = datetime(2025, 3, 1, tzinfo=timezone.utc)
DAYS = 31

CATALOGUE = [  # sku, category, labels, price in cents
    ("house-blend-1kg", "coffee", ["organic"], 1990),
    ("espresso-roma-500g", "coffee", [], 1290),
    ("decaf-peru-500g", "coffee", ["organic", "fair"], 1390),
    ("earl-grey-100g", "tea", ["fair"], 690),
    ("sencha-100g", "tea", ["organic"], 890),
    ("rooibos-vanilla-100g", "tea", [], 590),
    ("moka-pot-6", "kitchen", [], 3490),
    ("hand-grinder", "kitchen", ["bestseller"], 5900),
    ("espresso-machine-duo", "kitchen", [], 38900),
    ("cup-set-blue", "kitchen", ["gift"], 2450),
    ("book-of-coffee", "books", ["gift"], 3200),
    ("tea-journeys", "books", [], 2800),
    ("gift-box-spring", "gifts", ["gift", "seasonal"], 4500),
]
FIRST_NAMES = ("jonas lea felix mia paul hanna leon lina max nora tim ida ben ella finn maya tom zoe jan eva lars "
               "rosa emil vera otto lucy karl anton greta hugo frida oskar klara theo alma").split()
NETWORKS = ["facebook", "pinterest", "x", "whatsapp", "instagram", "tiktok", "telegram"]
SOURCES = {"order": "checkout", "review": "reviews", "share": "social", "referral": "friends", "activity": "app",
           "adjustment": "support", "member": "accounts", "redemption": "checkout"}


class Month:
    """Collects events with the time at which they arrive, which is mostly, not always, when they happened."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.arrivals = []
        self.orders = 5000
        self.reviews = 800

    def emit(self, at, kind, member, id, arrives=None, **fields):
        """kind: "order.paid". Returns the event."""
        type_, kind = kind.split(".")
        event = {"type": type_, "kind": kind, "id": id, "source": "https://shop.example/" + SOURCES[type_],
                 "program_id": "shop", "member_id": member, "occurred_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), **fields}
        self.arrivals.append((arrives or at, len(self.arrivals), event))
        return event

    def again(self, event, at):
        self.arrivals.append((at, len(self.arrivals), event))

    def moment(self, day, hours=14):
        """Sometime on that day of the month, in opening hours."""
        return BEGIN + timedelta(days=day, hours=7, seconds=self.random.randrange(hours * 3600))

    def later(self, at, least_hours, most_hours):
        return at + timedelta(seconds=self.random.randrange(int(least_hours * 3600), int(most_hours * 3600)))

    def next_order(self):
        self.orders += 1
        return str(self.orders)

    def lines(self):
        weights = [1 if item[3] > 30000 else 8 for item in CATALOGUE]
        count = self.random.choice([1, 1, 2, 2, 3, 4])
        chosen = {item[0] for item in self.random.choices(CATALOGUE, weights, k=count)}
        return [line(sku, self.random.choice([1, 1, 1, 2, 3]), self.random.random() < 0.1) for sku in sorted(chosen)]

    def jsonl(self):
        return [json.dumps(event, separators=(",", ":")) for _, _, event in sorted(self.arrivals, key=lambda a: a[:2])]


def line(sku, quantity=1, reduced=False):
    _, category, labels, price = next(item for item in CATALOGUE if item[0] == sku)
    return {"sku": sku, "category": category, "labels": labels, "quantity": quantity, "unit_price": price,
            "discount": price * quantity // 10 if reduced else 0, "tax": price * quantity * 19 // 119}


def buy(month, member, at, lines, **fields):
    """An order from basket to doorstep; returns its id and when it was completed."""
    order = month.next_order()
    facts = {"order_id": order, "currency": "EUR", "lines": lines, "shipping": 490, "channel": "web", **fields}
    month.emit(at, "order.placed", member, order + "-placed", **facts)
    paid = month.later(at, 0.02, 0.5)
    month.emit(paid, "order.paid", member, order + "-paid", **facts)
    shipped = month.later(paid, 12, 40)
    month.emit(shipped, "order.shipped", member, order + "-shipped", **facts)
    done = month.later(shipped, 24, 90)
    month.emit(done, "order.completed", member, order + "-completed", **facts)
    return order, done


def give_back(month, member, order, at, number=1, **fields):
    """A refund: of lines, of an amount, or with neither of all."""
    month.emit(at, "order.refunded", member, f"{order}-refund-{number}", order_id=order, currency="EUR",
               **fields)


def review(month, member, at, sku, fate="approved"):
    month.reviews += 1
    id = f"review-{month.reviews}"
    facts = {"review_id": id, "sku": sku, "rating": month.random.choice([3, 4, 4, 5, 5, 5]),
             "length": month.random.randrange(40, 900), "photos": month.random.choice([0, 0, 0, 1, 2]),
             "verified_purchase": True}
    month.emit(at, "review.submitted", member, id + "-submitted", **facts)
    judged = month.later(at, 1, 30)
    month.emit(judged, "review.rejected" if fate == "rejected" else "review.approved", member, id + "-judged", **facts)
    if fate == "removed":
        month.emit(month.later(judged, 24, 72), "review.removed", member, id + "-removed", **facts)


def share(month, member, at, network, content):
    month.emit(at, "share.shared", member, f"{member}-{network}-{content}", network=network, content=content)


def refer(month, referrer, referee, at, converted_at=None):
    """The friend's id stands first in the events once there is a friend to name."""
    facts = {"referrer": referrer, "referee": referee, "code": referrer.upper()[:4] + "10", "network": "whatsapp"}
    month.emit(at, "referral.invited", referrer, f"{referrer}-{referee}-invited", **facts)
    joined = month.later(at, 1, 20)
    month.emit(joined, "referral.signed_up", referee, f"{referrer}-{referee}-signed-up", **facts)
    month.emit(converted_at or month.later(joined, 30, 90), "referral.converted", referee,
               f"{referrer}-{referee}-converted", **facts)


def sign_up(month, member, at):
    month.emit(at, "member.enrolled", member, member + "-enrolled", zone="Europe/Berlin", language="de", consent=True)
    month.emit(at, "activity.done", member, member + "-sign-up", name="sign_up", value=1000)


def stories(month):
    """People whose month shows one thing each."""
    day = month.moment
    # Anna buys a lot: notes, treats, reviews, a share; her friend Bruno brings both of them points.
    sign_up(month, "anna", day(0))
    for at, lines in ((2, [line("espresso-machine-duo"), line("hand-grinder")]),
                      (9, [line("house-blend-1kg", 3), line("cup-set-blue")]), (20, [line("gift-box-spring", 2)])):
        _, done = buy(month, "anna", day(at), lines)
        review(month, "anna", month.later(done, 2, 20), lines[0]["sku"])
    share(month, "anna", day(11), "instagram", "spring-brunch")
    share(month, "anna", day(12), "instagram", "spring-brunch-2")
    refer(month, "anna", "bruno", day(4))
    # Bruno sends one of his two lines back.
    sign_up(month, "bruno", day(5))
    order, done = buy(month, "bruno", day(6), [line("moka-pot-6"), line("house-blend-1kg", 2)])
    give_back(month, "bruno", order, month.later(done, 20, 40), lines=[{"sku": "moka-pot-6", "quantity": 1}])
    # Clara's refund overtakes her order: the warehouse was faster than the checkout's queue.
    sign_up(month, "clara", day(1))
    month.orders += 1
    late = {"order_id": str(month.orders), "currency": "EUR", "shipping": 490,
            "lines": [line("book-of-coffee"), line("tea-journeys"), line("sencha-100g", 2)]}
    give_back(month, "clara", late["order_id"], day(8), lines=[{"sku": "tea-journeys", "quantity": 1}])
    month.emit(day(7), "order.paid", "clara", late["order_id"] + "-paid", arrives=day(10), **late)
    # David got a note for a machine that he then returned: the note is void, the points are gone.
    sign_up(month, "david", day(3))
    order, done = buy(month, "david", day(5), [line("espresso-machine-duo"), line("espresso-roma-500g", 4)])
    give_back(month, "david", order, month.later(done, 40, 60))
    refer(month, "david", "david", day(13))
    # Emma walks, and support makes up for a mistake.
    sign_up(month, "emma", day(2))
    for at in range(3, 28):
        month.emit(day(at), "activity.done", "emma", f"emma-walk-{at}", name="miles_walked",
                   value=month.random.randrange(800, 9000))
    month.emit(day(15), "adjustment.made", "emma", "ticket-7714", points=150, reason="Parcel lost: with our apologies",
               actor="support.kim")


def impossible(month):
    """Records that no shop should send, and some do."""
    day = month.moment
    facts = {"currency": "EUR", "shipping": 490, "channel": "till"}
    negative = dict(line("house-blend-1kg"), quantity=-2)
    month.emit(day(16), "order.paid", "felix.1003", "till-0001", order_id="T-0001", lines=[negative], **facts)
    month.emit(day(17), "order.paid", "lea.1002", "till-0002", order_id="T-0002", lines=[line("sencha-100g")],
               **dict(facts, currency="CHF"))
    first = month.emit(day(18), "order.paid", "mia.1004", "till-0003", order_id="T-0003",
                       lines=[line("hand-grinder")], **facts)
    month.again(dict(first, lines=[line("hand-grinder", 9)]), day(19))
    month.emit(day(21), "order.paid", "paul.1005", "till-0004", order_id="T-0004", lines=[line("earl-grey-100g")],
               partner_id="florist", **facts)


def everyday(month, members):
    for member in members:
        if month.random.random() < 0.25:
            sign_up(month, member, month.moment(month.random.randrange(0, 4)))
        for _ in range(month.random.choice([0, 1, 1, 2, 2, 3, 4, 6])):
            shop_once(month, member)
        if month.random.random() < 0.3:
            share(month, member, month.moment(month.random.randrange(DAYS)), month.random.choice(NETWORKS),
                  month.random.choice(["spring-brunch", "latte-art", "new-grinder", "tea-time"]))
        if month.random.random() < 0.08:
            for at in range(month.random.randrange(20), DAYS):
                month.emit(month.moment(at), "activity.done", member, f"{member}-walk-{at}", name="miles_walked",
                           value=month.random.randrange(500, 12000))
    for referrer, referee in zip(members[::9], members[4::9]):
        refer(month, referrer, referee, month.moment(month.random.randrange(1, 24)))


def shop_once(month, member):
    chance = month.random.random()
    extra = {}
    if chance < 0.08:
        extra["partner_id"] = month.random.choice(["bookshop", "cafe"])
    elif chance < 0.14:
        extra["currency"] = "USD"
    lines = month.lines()
    at = month.moment(month.random.randrange(DAYS - 2))
    order, done = buy(month, member, at, lines, **extra)
    fate = month.random.random()
    if "currency" in extra:
        pass
    elif fate < 0.07:
        give_back(month, member, order, month.later(done, 10, 90), lines=[{"sku": lines[0]["sku"], "quantity": 1}])
    elif fate < 0.10:
        give_back(month, member, order, month.later(done, 10, 90), refund_amount=500)
    elif fate < 0.12:
        give_back(month, member, order, month.later(done, 10, 90))
    elif fate < 0.14:
        month.emit(month.later(at, 1, 10), "order.cancelled", member, order + "-cancelled", order_id=order,
                   currency="EUR")
    elif fate < 0.40:
        review(month, member, month.later(done, 4, 100), lines[0]["sku"],
               month.random.choice(["approved"] * 8 + ["rejected", "removed"]))


def disturb(month):
    """One event in twenty-five arrives twice, one in fifty late."""
    for index in range(len(month.arrivals)):
        arrives, order, event = month.arrivals[index]
        if month.random.random() < 0.02:
            month.arrivals[index] = (month.later(arrives, 1, 50), order, event)
        if month.random.random() < 0.04:
            month.again(event, month.later(arrives, 0.01, 30))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=330)
    parser.add_argument("--seed", type=int, default=2025)
    options = parser.parse_args()
    month = Month(options.seed)
    members = [f"{FIRST_NAMES[number % len(FIRST_NAMES)]}.{1001 + number}" for number in range(options.members)]
    stories(month)
    everyday(month, members)
    disturb(month)
    impossible(month)
    sys.stdout.write("".join(text + "\n" for text in month.jsonl()))


if __name__ == "__main__":
    main()
