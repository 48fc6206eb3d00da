"""The decision over one event, written anew from the description of the rules: (programs, states, event) -> Decision.

States are plain objects; a decision never changes the states that it is given, it returns copies of those that it
touches, so that a search over orders of decision can step back.
"""
from __future__ import annotations

import copy
from dataclasses import dataclass, field
from fractions import Fraction

from model import limits
from model.program import Program, ProgramSet, Rule

PROGRAMME, AVAILABLE, CONVERTED, MERGED_ACCOUNT = 1, 2, 6, 7
ACCRUAL, TAKE_BACK, CONVERSION, CONVERSION_VOIDED, ADJUSTMENT, MERGED_EARNED, MERGED = 1, 2, 3, 4, 6, 7, 8
WAITING_US, WAITING_MOST = 90 * 86_400_000_000, 16
INT64_MAX = 2**63 - 1


class Refused(Exception):
    """The event is impossible: a dead letter with this reason."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Entry:
    member: tuple  # (program_id, member_id)
    sequence: int
    kind: int
    from_account: int
    to_account: int
    amount: int
    wanted: int
    currency: str
    partner_id: str
    rule_id: str
    subject: str
    program_version: int


@dataclass(frozen=True)
class Reward:
    type: str
    member: tuple
    amount: int
    currency: str
    balance_after: int
    lifetime_after: int
    rule_id: str
    benefit: str
    subject: str
    program_version: int
    partner_id: str
    reason: str | None = None  # only where the program words it
    due: int | None = None  # of what the member owed by itself: when it fell due


@dataclass
class Line:
    quantity: int
    net: int


@dataclass
class Grant:
    version: int
    points: int  # that stand
    wanted: int  # before limits cut it
    at: int  # when it was granted


@dataclass
class Order:
    currency: str
    partner_id: str
    version: int = 0
    lines: dict = field(default_factory=dict)
    returned: dict = field(default_factory=dict)  # line key -> quantity that came back, perhaps before its order
    discount: int = 0
    revision: int = 0
    refunded_amount: int = 0
    whole: bool = False
    kinds: list = field(default_factory=list)  # of events that granted, as they came
    granted: dict = field(default_factory=dict)  # rule id -> Grant, on what remains
    spent: int = 0

    def remaining(self) -> int:
        if self.whole:
            return 0
        nets = 0
        for key, line in self.lines.items():
            returned = min(line.quantity, self.returned.get(key, 0))
            nets += line.net - line.net * returned // line.quantity
        return max(0, nets - self.discount - self.refunded_amount)

    def gone(self) -> bool:
        """Nothing is left of it: not even a fixed number of points stands."""
        refunded = self.refunded_amount > 0 or any(self.returned.get(key, 0) > 0 for key in self.lines)
        return self.whole or (refunded and self.remaining() == 0)


@dataclass
class Once:
    """A product reviewed, a content shared, a referee, a once-only activity."""

    granted: dict = field(default_factory=dict)  # rule id -> Grant
    partner_id: str = ""
    closed: set = field(default_factory=set)  # what was undone: share networks, or "whatever"


@dataclass
class State:
    sequence: int = 0
    balances: dict = field(default_factory=dict)
    lifetime: dict = field(default_factory=dict)
    counters: dict = field(default_factory=dict)  # reward id -> rewards standing
    spent: dict = field(default_factory=dict)  # reward id -> minor units spent towards it
    orders: dict = field(default_factory=dict)
    subjects: dict = field(default_factory=dict)  # (kind, name) -> Once
    uses: limits.Uses = field(default_factory=limits.Uses)
    waiting: list = field(default_factory=list)  # (due, refund event) of orders that have not come, by due
    merged_into: str | None = None
    merged: set = field(default_factory=set)  # members that were merged into this one, over others too
    erased: bool = False


@dataclass
class Decision:
    entries: list = field(default_factory=list)
    rewards: list = field(default_factory=list)
    states: dict = field(default_factory=dict)  # member -> State, those touched


def parties(event: dict) -> list:
    """The members whom an event touches, its own first."""
    program_id = event.get("program_id") or "default"
    own = event["member_id"]
    if is_merge(event):
        others = [m for m in (event["merged_into"],) if m != own]
    elif event["type"] != "referral":
        return [(program_id, own)]
    else:
        others = [m for m in (event["referrer"], event["referee"]) if m != own]
    return [(program_id, own)] + [(program_id, m) for m in dict.fromkeys(others) if m]


def budgets(programs: ProgramSet, event: dict) -> list:
    """The account, beside the members', of what all of them together used of the program's budgets."""
    program_id = event.get("program_id") or "default"
    return [(program_id, None)] if programs.has_budgets(program_id) else []


def is_merge(event: dict) -> bool:
    return (event["type"], event["kind"]) == ("member", "merged")


def follow(states: dict, event: dict) -> dict:
    """The event as it counts after merges: members that went up in others are replaced by those. A merge's own member is not,
    and its target not by its own member."""
    event = dict(event)
    program_id = event.get("program_id") or "default"

    def end_of(member: str) -> str:
        while (state := states.get((program_id, member))) is not None and state.merged_into is not None:
            if is_merge(event) and state.merged_into == event["member_id"]:
                break
            member = state.merged_into
        return member

    if is_merge(event):
        event["merged_into"] = end_of(event["merged_into"])
        return event
    if event["type"] == "referral":
        event["counted_as"] = event["referee"]
        event["referrer"], event["referee"] = end_of(event["referrer"]), end_of(event["referee"])
    event["member_id"] = end_of(event["member_id"])
    return event


def touched(states: dict, event: dict) -> list:
    """The members whose states a decision over the event rests on."""
    program_id = event.get("program_id") or "default"
    members = dict.fromkeys(parties(event) + parties(follow(states, event)))
    for member in list(members):
        while (state := states.get(member)) is not None and state.merged_into is not None:
            member = (program_id, state.merged_into)
            members[member] = None
    return list(members)


class Step:
    """One decision under way."""

    def __init__(self, programs: ProgramSet, program: Program, states: dict, event: dict):
        self.programs = programs
        self.program = program
        self.event = event
        self.out = Decision()
        self.before = states
        self.partner = event.get("partner_id") or ""
        self.accrued: set = set()  # (member, currency) that this event credited

    def state(self, member: tuple) -> State:
        if member not in self.out.states:
            held = self.before.get(member)
            self.out.states[member] = copy.deepcopy(held) if held is not None else State()
        return self.out.states[member]

    # ---- entries and outputs

    def book(self, member, kind, source, target, amount, wanted, currency, rule_id, subject="", version=None, partner=None):
        state = self.state(member)
        state.sequence += 1
        sign = 1 if target == AVAILABLE else -1
        balance = state.balances.get(currency, 0) + sign * amount
        if abs(balance) > INT64_MAX:
            raise Refused("overflow")
        state.balances[currency] = balance
        if kind in (ACCRUAL, TAKE_BACK, MERGED_EARNED):
            state.lifetime[currency] = state.lifetime.get(currency, 0) + sign * amount
        partner = self.partner if partner is None else partner
        self.out.entries.append(Entry(member, state.sequence, kind, source, target, amount, wanted, currency, partner, rule_id,
                                      subject, version or self.program.version))

    def tell(self, type_, member, amount, currency, shown, rule_id="", subject="", benefit="", version=None, partner=None,
             reason=None, due=None):
        """shown: the point currency whose balance is told."""
        state = self.state(member)
        partner = self.partner if partner is None else partner
        self.out.rewards.append(Reward(type_, member, amount, currency, state.balances.get(shown, 0),
                                       state.lifetime.get(shown, 0), rule_id, benefit, subject, version or self.program.version,
                                       partner, reason, due))

    # ---- limits

    def applied(self, member, terms: Program, rule: Rule, at: int) -> list:
        network = self.event.get("network") or ""
        found = []
        for owner, kept, many in ((member, limits.KEPT, rule.limits), ((terms.id, None), None, rule.budgets)):
            for limit in many:
                period = limits.window(limit.period, at, terms.zone, terms.week_begins)
                found.append((self.state(owner).uses, limit, limit.key(network), period, kept))
        return found

    def give_back(self, member, terms: Program, rule: Rule, amount: int, grant: Grant):
        for uses, limit, key, _, _ in self.applied(member, terms, rule, grant.at):
            back = amount if not limit.times else int(amount == grant.points)
            uses.give_back(key, grant.at, back)

    # ---- grants

    def accrue(self, member, terms: Program, rule: Rule, wanted: int, subject: str, partner: str, grant: Grant):
        """Grants so much more, as far as limits leave it."""
        grant.wanted += wanted
        amount = limits.take(wanted, grant.points, self.applied(member, terms, rule, grant.at)) if wanted > 0 else 0
        if amount <= 0:
            return
        grant.points += amount
        self.book(member, ACCRUAL, PROGRAMME, AVAILABLE, amount, wanted, rule.currency, rule.id, subject, terms.version, partner)
        reason = None
        if rule.reason is not None:
            values = {"amount": decimal(amount, terms.points[rule.currency]), "currency": rule.currency, "subject": subject,
                      "rule": rule.id}
            reason = rule.reason.format(**values)
        self.tell("points.granted", member, amount, rule.currency, rule.currency, rule.id, subject, "", terms.version, partner, reason)
        self.accrued.add((member, rule.currency))

    def take_back(self, member, terms: Program, rule: Rule, amount: int, subject: str, partner: str, grant: Grant):
        state, currency = self.state(member), rule.currency
        self.give_back(member, terms, rule, amount, grant)
        grant.points -= amount
        self.void_until_covered(member, currency, amount)
        wanted = amount
        if terms.refunds == "clamp":
            amount = min(amount, max(0, state.balances.get(currency, 0)))
        if amount > 0:
            self.book(member, TAKE_BACK, AVAILABLE, PROGRAMME, amount, wanted, currency, rule.id, subject, terms.version, partner)
            self.tell("points.taken_back", member, amount, currency, currency, rule.id, subject, "", terms.version, partner)

    # ---- automatic rewards

    def void_until_covered(self, member, currency: str, amount: int):
        """Points that became rewards return, as many as a take-back needs."""
        state = self.state(member)
        for reward in self.program.rewards:
            while (not reward.spent and reward.currency == currency and state.counters.get(reward.id, 0) > 0
                   and state.balances.get(currency, 0) < amount):
                state.counters[reward.id] -= 1
                self.book(member, CONVERSION_VOIDED, CONVERTED, AVAILABLE, reward.each, reward.each, currency, reward.id)
                self.tell_reward("reward.voided", member, reward, currency)

    def tell_reward(self, type_, member, reward, shown):
        worth_currency, worth = next(iter(reward.worth.items()), ("", "0"))
        amount = int(Fraction(str(worth)) * 10 ** self.program.money.get(worth_currency, 0))
        self.tell(type_, member, amount, worth_currency, shown, reward.id, benefit=reward.give)

    def settle(self, member, money: str = "", spent: int = 0):
        """Automatic rewards after an event's entries: points that reach a threshold turn, purchases are counted. They are
        booked under the version in force at the event's time, whose thresholds the tests' versions share."""
        state = self.state(member)
        for reward in self.program.rewards:
            if reward.spent and reward.currency == money and spent != 0:
                self.count_spent(member, reward, spent)
            if reward.spent or (member, reward.currency) not in self.accrued:
                continue
            while state.balances.get(reward.currency, 0) >= reward.each:
                self.book(member, CONVERSION, AVAILABLE, CONVERTED, reward.each, reward.each, reward.currency, reward.id)
                state.counters[reward.id] = state.counters.get(reward.id, 0) + 1
                self.tell_reward("reward.granted", member, reward, reward.currency)

    def count_spent(self, member, reward, spent: int):
        state, first = self.state(member), next(iter(self.program.points))
        state.spent[reward.id] = state.spent.get(reward.id, 0) + spent
        due = state.spent[reward.id] // reward.each
        while (standing := state.counters.get(reward.id, 0)) != due:
            state.counters[reward.id] = standing + (1 if standing < due else -1)
            self.tell_reward("reward.granted" if standing < due else "reward.voided", member, reward, first)

    def rules_on(self, on: str) -> list:
        return [rule for rule in self.program.rules if rule.on == on]

    # ---- orders

    def order(self):
        event, kind = self.event, self.event["kind"]
        if event["currency"] not in self.program.money:
            raise Refused("undeclared_currency")
        if kind in ("refunded", "cancelled"):
            self.order_undone()
        elif kind == "amended":
            self.order_amended()
        elif kind in ("placed", "paid", "shipped", "completed"):
            self.order_granted()

    def order_of(self, member) -> Order:
        """The order as it is known; where it has not come: as what waits for it."""
        state, order_id = self.state(member), self.event["order_id"]
        order = state.orders.get(order_id)
        if order is None:
            waiting = [event for _, event in state.waiting if event["order_id"] == order_id]
            first = waiting[0] if waiting else self.event
            order = Order(first["currency"], first.get("partner_id") or "")
            for event in waiting:
                undo_some(order, event)
        if order.currency != self.event["currency"]:
            raise Refused("impossible_event")
        return order

    def keep(self, member, order_id: str, order: Order):
        state = self.state(member)
        state.orders[order_id] = order
        state.waiting = [(due, event) for due, event in state.waiting if event["order_id"] != order_id]

    def order_undone(self):
        event, member = self.event, parties(self.event)[0]
        order, state = self.order_of(member), self.state(member)
        undo_some(order, event)
        if order.kinds:
            self.keep(member, event["order_id"], order)
            self.recompute(member, order)
        elif len(state.waiting) >= WAITING_MOST:
            raise Refused("refund_without_order")
        else:
            state.waiting.append((event["occurred_at"] + WAITING_US, event))
            state.waiting.sort(key=lambda item: item[0])

    def drop_waiting(self):
        """Settles what falls due by the event's time: refunds whose orders did not come."""
        first = next(iter(self.program.points))
        for member in parties(self.event):
            if self.before.get(member) is None:
                continue
            while (held := self.before[member] if member not in self.out.states else self.state(member)).waiting \
                    and held.waiting[0][0] <= self.event["occurred_at"]:
                due, refund = self.state(member).waiting.pop(0)
                self.tell("refund.dropped", member, 0, first, first, "refund", refund["order_id"], partner="", due=due)

    def order_amended(self):
        event, member = self.event, parties(self.event)[0]
        order = self.order_of(member)
        if order.kinds and (event.get("revision") or 0) > order.revision:
            order.revision = event["revision"]
            order.lines = read_lines(event)
            order.discount = event.get("discount") or 0
            self.recompute(member, order)

    def order_granted(self):
        event, member = self.event, parties(self.event)[0]
        net = sum(line.net for line in read_lines(event).values())
        rules = self.rules_on(f"order.{event['kind']}")
        if (rules or event.get("lines")) and (event.get("discount") or 0) > net:
            raise Refused("impossible_event")
        if not rules:
            return
        order = self.order_of(member)
        if event["kind"] in order.kinds:
            return
        self.keep(member, event["order_id"], order)
        first = not order.kinds
        if first:
            order.version = self.program.version
            order.partner_id = self.partner
            order.revision = event.get("revision") or 0
            order.lines = read_lines(event)
            order.discount = event.get("discount") or 0
            order.spent = order.remaining()
        order.kinds.append(event["kind"])
        for rule in rules:
            if rule.id not in order.granted:
                grant = order.granted[rule.id] = Grant(self.program.version, 0, 0, event["occurred_at"])
                self.accrue(member, self.program, rule, self.due(self.program, rule, order), event["order_id"], order.partner_id, grant)
        self.settle(member, order.currency, order.spent if first else 0)

    def due(self, terms: Program, rule: Rule, order: Order) -> int:
        return 0 if order.gone() else rule.amount(terms, order.remaining(), order.currency, terms.money[order.currency])

    def recompute(self, member, order: Order):
        """The grant as if what remains had been ordered, at the terms frozen with it; the difference is booked."""
        frozen = self.programs.version(self.program.id, order.version)
        asked = [rule for kind in order.kinds for rule in frozen.rules if rule.on == f"order.{kind}"]
        for rule in asked:
            if rule.id not in order.granted:
                continue
            grant, due = order.granted[rule.id], self.due(frozen, rule, order)
            if due < grant.points:
                self.take_back(member, frozen, rule, grant.points - due, self.event["order_id"], order.partner_id, grant)
            self.accrue(member, frozen, rule, max(0, due - grant.wanted), self.event["order_id"], order.partner_id, grant)
            grant.wanted = due
        before, order.spent = order.spent, order.remaining()
        self.settle(member, order.currency, order.spent - before)

    # ---- things that count once

    def once(self, member, kind: str, name: str) -> Once:
        return self.state(member).subjects.setdefault((kind, name), Once())

    def grant_once(self, member, held: Once, rule: Rule, subject: str, basis: int = 0):
        """Grants what the rule gives unless it did so before for the same thing."""
        amount = rule.amount(self.program, basis, None, 3)
        if rule.id in held.granted or amount <= 0:
            return
        if not held.granted:
            held.partner_id = self.partner
        grant = held.granted[rule.id] = Grant(self.program.version, 0, 0, self.event["occurred_at"])
        self.accrue(member, self.program, rule, amount, subject, self.partner, grant)

    def undo_once(self, member, held: Once, subject: str, network: str = ""):
        """Takes back what was granted for the thing, in file order of rules; of a share only by rules for that network."""
        for version in sorted({grant.version for grant in held.granted.values()}):
            self.undo_version(member, held, self.programs.version(self.program.id, version), subject, network)

    def undo_version(self, member, held: Once, terms: Program, subject: str, network: str):
        for rule in terms.rules:
            grant = held.granted.get(rule.id, Grant(0, 0, 0, 0))
            if grant.version == terms.version and grant.points > 0 and (not network or not rule.networks or network in rule.networks):
                self.take_back(member, terms, rule, grant.points, subject, held.partner_id, grant)

    def review(self):
        member, sku, kind = parties(self.event)[0], self.event["sku"], self.event["kind"]
        held = self.once(member, "product", sku)
        if kind in ("removed", "rejected"):
            self.undo_once(member, held, sku)
            if kind == "removed":
                held.closed.add("whatever")
            return
        for rule in self.rules_on(f"review.{kind}"):
            if not held.closed:
                self.grant_once(member, held, rule, sku)
        self.settle(member)

    def share(self):
        member, content, network = parties(self.event)[0], self.event["content"], self.event["network"]
        held = self.once(member, "content", content)
        if self.event["kind"] == "withdrawn":
            self.undo_once(member, held, content, network)
            held.closed.add(network)
            return
        for rule in self.rules_on("share.shared"):
            if network not in held.closed and (not rule.networks or network in rule.networks):
                self.grant_once(member, held, rule, content)
        self.settle(member)

    def referral(self):
        event, members, referee = self.event, parties(self.event), self.event["counted_as"]
        if event["member_id"] not in (event["referrer"], event["referee"]):
            raise Refused("impossible_event")
        first = next(iter(self.program.points))
        if event["kind"] == "voided":
            self.referral_voided(members, referee)
        elif event["kind"] == "converted" and event["referrer"] == event["referee"]:
            for rule in self.rules_on("referral.converted")[:1]:
                self.tell("referral.refused", members[0], 0, first, first, rule.id, referee)
        elif event["kind"] == "converted":
            self.referral_converted(members, referee, first)

    def referral_voided(self, members, referee: str):
        """Undoes this pair for ever; a referee whom somebody else referred keeps what that earned."""
        if len(members) == 1:
            return
        records = {member: self.once(member, "referral", referee) for member in members}
        pair = records[(members[0][0], self.event["referrer"])]
        for member, held in records.items():
            if pair.granted:
                self.undo_once(member, held, referee)
        pair.closed.add("whatever")

    def referral_converted(self, members, referee: str, first: str):
        """A rule rewards a referee once, whoever referred; a pair that was voided never."""
        referrer = (members[0][0], self.event["referrer"])
        records = {member: self.once(member, "referral", referee) for member in members}
        granted = None
        for rule in self.rules_on("referral.converted"):
            if records[referrer].closed or any(rule.id in held.granted for held in records.values()):
                continue
            granted = granted or rule
            for member, held in records.items():
                if rule.to == "both" or (rule.to == "referrer") == (member == referrer):
                    self.grant_once(member, held, rule, referee)
                else:
                    held.granted[rule.id] = Grant(self.program.version, 0, 0, self.event["occurred_at"])
        if granted is not None:
            self.tell("referral.accepted", referrer, 0, first, first, granted.id, referee)
            for member in members:
                self.settle(member)

    # ---- members

    def member(self):
        if self.event["kind"] == "merged":
            self.merge()
        elif self.event["kind"] == "erased":
            self.erase()

    def erase(self):
        own = parties(self.event)[0]
        for member in [own, *self.state(own).merged]:
            state = self.state(member)
            self.out.states[member] = State(sequence=state.sequence, balances=state.balances, lifetime=state.lifetime, erased=True)

    def merge(self):
        if not self.event["merged_into"]:
            raise Refused("impossible_event")
        ends, into = parties(self.event)
        old, new = self.state(ends), self.state(into)
        if old.merged_into is not None:
            raise Refused("merged_before")
        if new.merged_into is not None:
            raise Refused("merge_cycle")
        self.unite_subjects(old, new, ends, into)
        for order_id, order in old.orders.items():
            new.orders[order_id] = unite_orders(new.orders[order_id], order) if order_id in new.orders else order
        for counter in ("counters", "spent"):
            for name, value in getattr(old, counter).items():
                getattr(new, counter)[name] = getattr(new, counter).get(name, 0) + value
        new.uses.unite(old.uses, limits.KEPT)
        told = self.merge_points(ends, into)
        new.waiting = sorted(new.waiting + old.waiting, key=lambda item: item[0])
        for _, refund in list(new.waiting):
            if refund["order_id"] in new.orders:
                self.meet(into, new, refund)
        for currency, amount in told:
            self.tell("member.merged", ends, max(0, amount), currency, currency, "merge", into[1])
            self.tell("member.merged", into, max(0, amount), currency, currency, "merge", ends[1])
        new.merged |= {ends} | old.merged
        self.out.states[ends] = State(sequence=old.sequence, balances=old.balances, lifetime=old.lifetime, merged_into=into[1])

    def unite_subjects(self, old: State, new: State, ends, into):
        """A referee counts once: from now on under both names, but what each earned is taken back under its own."""
        names = [("referral", ends[1]), ("referral", into[1])]
        referred = [copy.deepcopy(old.subjects.get(names[0])), copy.deepcopy(new.subjects.get(names[1]))]
        for name, once in old.subjects.items():
            new.subjects[name] = unite_once(new.subjects[name], once) if name in new.subjects else once
        for name, other in zip(names, reversed(referred)):
            if other is not None:
                used = Once({rule: Grant(grant.version, 0, 0, grant.at) for rule, grant in other.granted.items()}, other.partner_id, other.closed)
                new.subjects[name] = unite_once(new.subjects.get(name) or Once(), used)

    def merge_points(self, ends, into) -> list:
        old = self.state(ends)
        held = {name for part in (old.balances, old.lifetime) for name, points in part.items() if points}
        moved = [(currency, old.balances.get(currency, 0)) for currency in sorted(held, key=lambda name: name.encode())]
        for currency, available in moved:
            earned = old.lifetime.get(currency, 0)
            for kind, amount in ((MERGED_EARNED, earned), (MERGED, available - earned)):
                for member, signed in ((ends, -amount), (into, amount)):
                    source, target = (MERGED_ACCOUNT, AVAILABLE) if signed > 0 else (AVAILABLE, MERGED_ACCOUNT)
                    if signed:
                        other = into if member == ends else ends
                        self.book(member, kind, source, target, abs(signed), abs(signed), currency, "merge", other[1])
        return moved or [(next(iter(self.program.points)), 0)]

    def meet(self, member, state: State, refund: dict):
        """A refund that waited at one account meets its order of the other. Lines that the order does not have are nothing."""
        cause, order = self.event, state.orders[refund["order_id"]]
        state.waiting = [(due, event) for due, event in state.waiting if event is not refund]
        if order.currency != refund["currency"]:
            return
        lines = refund.get("lines") or []
        known = [line for line in lines if line_key(line) in order.lines]
        if known or not lines:
            undo_some(order, dict(refund, lines=known))
        self.event = dict(refund, member_id=member[1])
        self.recompute(member, order)
        self.event = cause

    def activity(self):
        event, member = self.event, parties(self.event)[0]
        name, value = event["name"], event.get("value") or 0
        for rule in self.rules_on(f"activity.{name}"):
            held = self.once(member, "activity", name) if rule.once_per == "member" else Once()
            self.grant_once(member, held, rule, name, value)
        self.settle(member)

    def adjustment(self):
        event, member = self.event, parties(self.event)[0]
        currency = event.get("currency") or next(iter(self.program.points))
        if currency not in self.program.points:
            raise Refused("undeclared_currency")
        amount, adds = abs(event["points"]), event["points"] > 0
        source, target = (PROGRAMME, AVAILABLE) if adds else (AVAILABLE, PROGRAMME)
        self.book(member, ADJUSTMENT, source, target, amount, amount, currency, "adjustment")
        self.tell("points.granted" if adds else "points.taken_back", member, amount, currency, currency, "adjustment",
                  reason=event["reason"])


def undo_some(order: Order, event: dict):
    """Notes what a refund or a cancellation takes of the order."""
    lines, amount = event.get("lines") or [], event.get("refund_amount") or 0
    if event["kind"] == "cancelled" or (not lines and not amount):
        order.whole = True
    elif lines and amount:
        raise Refused("impossible_event")
    elif order.kinds and any(line_key(line) not in order.lines for line in lines):
        raise Refused("impossible_event")
    else:
        order.refunded_amount += amount
        for line in lines:
            order.returned[line_key(line)] = order.returned.get(line_key(line), 0) + line["quantity"]


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
    into.kinds += [kind for kind in other.kinds if kind not in into.kinds]
    unite_grants(into.granted, other.granted)
    into.spent = into.remaining()
    return into


def unite_once(into: Once, other: Once) -> Once:
    if not into.granted:
        into.partner_id = other.partner_id
    unite_grants(into.granted, other.granted)
    into.closed |= other.closed
    return into


def decimal(amount: int, digits: int) -> str:
    return str(amount) if digits == 0 else f"{amount // 10**digits}.{amount % 10**digits:0{digits}d}"


def line_key(line: dict) -> str:
    return line.get("line_id") or line["sku"]


def read_lines(event: dict) -> dict:
    lines: dict = {}
    for line in event.get("lines") or []:
        held = lines.setdefault(line_key(line), Line(0, 0))
        held.quantity += line["quantity"]
        held.net += line["quantity"] * line["unit_price"] - (line.get("discount") or 0)
    return lines


def decide(programs: ProgramSet, states: dict, event: dict) -> Decision:
    """Raises Refused where the event is a dead letter."""
    program = programs.at(event.get("program_id") or "default", event["occurred_at"])
    if program is None:
        raise Refused("unknown_program")
    if event.get("partner_id") and event["partner_id"] not in program.partners:
        raise Refused("undeclared_partner")
    if is_merge(event) and event["merged_into"] == event["member_id"]:
        raise Refused("merged_with_itself")
    event = follow(states, event)
    step = Step(programs, program, states, event)
    if any(states[member].erased for member in parties(event) if member in states):
        raise Refused("member_erased")
    step.drop_waiting()
    handler = getattr(step, event["type"], None)
    if handler is not None:
        handler()
    return step.out
