"""The decision over one event, written anew from the description of the rules: (programs, states, event) -> Decision.

States are plain objects; a decision never changes the states that it is given, it returns copies of those that it
touches, so that a search over orders of decision can step back.
"""
from __future__ import annotations

import copy
from dataclasses import dataclass, field
from fractions import Fraction

from model import earning, limits, lots
from model.keys import key_hash, settlement_key, subject_key
from model.lots import Lot, Pending
from model.order import Asked, Grant, Order, Remains, line_key, read_lines, unite_grants, unite_orders
from model.profile import Profile
from model.program import Program, ProgramSet, Rule
from model.tiers import Judging, Tier

PROGRAMME, AVAILABLE, PENDING, REDEEMED, BREAKAGE, CONVERTED, MERGED_ACCOUNT = 1, 2, 3, 4, 5, 6, 7
ACCRUAL, TAKE_BACK, CONVERSION, CONVERSION_VOIDED, REDEMPTION, ADJUSTMENT, MERGED_EARNED, MERGED = 1, 2, 3, 4, 5, 6, 7, 8
EXPIRY, POSTING, RETURNED, ERASED = 9, 10, 11, 12
SETTLEMENT_SOURCE = "/points/obligations"
WAITING_US, WAITING_MOST = 90 * 86_400_000_000, 16
INT64_MAX = 2**63 - 1
EARNING = {("order", "placed"), ("order", "paid"), ("order", "shipped"), ("order", "completed"), ("review", "submitted"),
           ("review", "approved"), ("share", "shared"), ("referral", "invited"), ("referral", "signed_up"),
           ("referral", "converted"), ("activity", "done")}  # for those who are members


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
    occurred_at: int
    cause: str  # the key of the event, or of what was settled


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
    settled: tuple | None = None  # when it was due, its key; None: the event is the cause

    def settled_facts(self) -> tuple | None:
        return self.settled and (self.settled[0], SETTLEMENT_SOURCE, self.settled[1].hex())


@dataclass
class Once:
    """A product reviewed, a content shared, a referee, a once-only activity."""

    granted: dict = field(default_factory=dict)  # rule id -> Grant
    partner_id: str = ""
    closed: set = field(default_factory=set)  # what was undone: share networks, or "whatever"


@dataclass
class Redemption:
    cancelled: bool = False
    currency: str = ""
    partner_id: str = ""
    points: int = 0  # 0: not spent
    drawn: list = field(default_factory=list)  # Lot: from where


@dataclass
class State:
    sequence: int = 0
    balances: dict = field(default_factory=dict)
    lifetime: dict = field(default_factory=dict)
    counters: dict = field(default_factory=dict)  # reward id -> rewards standing
    spent: dict = field(default_factory=dict)  # reward id -> minor units spent towards it
    orders: dict = field(default_factory=dict)
    subjects: dict = field(default_factory=dict)  # (kind, name) -> Once
    tier: Tier | None = None
    profile: Profile = field(default_factory=Profile)
    lots: list = field(default_factory=list)  # all points
    pending: list = field(default_factory=list)
    redemptions: dict = field(default_factory=dict)  # id -> Redemption
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


class Step(Judging):
    """One decision under way."""

    def __init__(self, programs: ProgramSet, program: Program, states: dict, event: dict):
        self.programs = programs
        self.program = program
        self.event = event
        self.out = Decision()
        self.before = states
        self.partner = event.get("partner_id") or ""
        self.accrued: set = set()  # (member, currency) that this event credited
        self.cause = event  # also while a refund that waited is met
        self.now = event["occurred_at"]
        self.settled: tuple | None = None  # what is being settled
        self.at_hand: Order | None = None

    def state(self, member: tuple) -> State:
        if member not in self.out.states:
            held = self.before.get(member)
            self.out.states[member] = copy.deepcopy(held) if held is not None else State()
        return self.out.states[member]

    # ---- entries and outputs

    def book(self, member, kind, source, target, amount, wanted, currency, rule_id, subject="", version=None, partner=None, lot=None):
        """lot: what is added becomes part of it, what is taken comes from it first. Says from which lots it was taken."""
        state, drawn = self.state(member), []
        state.sequence += 1
        before = state.balances.get(currency, 0)
        sign = {AVAILABLE: 1}.get(target, {AVAILABLE: -1}.get(source, 0))
        state.balances[currency] = before + sign * amount
        if abs(state.balances[currency]) > INT64_MAX:
            raise Refused("overflow")
        if kind in (ACCRUAL, TAKE_BACK, POSTING, MERGED_EARNED):
            state.lifetime[currency] = state.lifetime.get(currency, 0) + sign * amount
        if kind not in (MERGED, MERGED_EARNED) and sign > 0:
            lots.put(state.lots, lot or Lot(currency, ""), min(amount, before + amount))
        elif kind not in (MERGED, MERGED_EARNED) and sign < 0:
            drawn = lots.spend(state.lots, currency, amount, lot)
        partner = self.partner if partner is None else partner
        at, cause = self.settled or (self.cause["occurred_at"], key_hash(self.cause))
        self.out.entries.append(Entry(member, state.sequence, kind, source, target, amount, wanted, currency, partner, rule_id,
                                      subject, version or self.program.version, at, cause.hex()))
        return drawn

    def tell(self, type_, member, amount, currency, shown, rule_id="", subject="", benefit="", version=None, partner=None,
             reason=None):
        """shown: the point currency whose balance is told."""
        state = self.state(member)
        partner = self.partner if partner is None else partner
        self.out.rewards.append(Reward(type_, member, amount, currency, state.balances.get(shown, 0),
                                       state.lifetime.get(shown, 0), rule_id, benefit, subject, version or self.program.version,
                                       partner, reason, self.settled))

    # ---- lots and pending points

    def lot(self, terms: Program, currency: str, partner: str, at: int, rule: Rule | None = None) -> Lot:
        expiry = rule.expiry if rule is not None and rule.expires else terms.expiry.get(currency)
        if expiry is None:
            return Lot(currency, "")
        end = expiry.end(terms.zone, at)
        warn = lots.next_warning(terms.warnings.get(currency, ()), end, at)
        return Lot(currency, partner, end, expiry if expiry.idle else None, warn)

    def touch(self, member, terms: Program, currency: str):
        lots.touch(self.state(member).lots, currency, self.now, terms.zone, terms.warnings.get(currency, ()))

    def available_at(self, rule: Rule, grant: Grant) -> int | None:
        """When what the rule grants is available; None: it waits."""
        if rule.pending is None:
            return grant.at
        begin = grant.at if rule.pending.awaits is None else self.at_hand.happened().get(rule.pending.awaits)
        return None if begin is None else begin + rule.pending.delay

    def credit(self, member, terms: Program, rule: Rule, kind: int, source: int, amount: int, wanted: int, subject: str, partner: str):
        lot = self.lot(terms, rule.currency, partner, self.now, rule)
        self.book(member, kind, source, AVAILABLE, amount, wanted, rule.currency, rule.id, subject, terms.version, partner, lot)
        self.tell("points.granted", member, amount, rule.currency, rule.currency, rule.id, subject, "", terms.version, partner,
                  words(terms, rule, amount, subject))
        self.accrued.add((member, rule.currency))
        self.count(member, terms, "earned", rule.currency, amount, self.granted_at if rule.pending is None else self.now)

    def put_aside(self, member, terms: Program, rule: Rule, amount: int, wanted: int, subject: str, partner: str, due: int | None):
        credit = Pending(due, lots.subject_key_of(rule, subject), terms.version, terms.rules.index(rule), partner, subject,
                         rule.currency, None if due is not None else rule.pending.awaits, amount)
        lots.add_pending(self.state(member).pending, credit)
        self.book(member, ACCRUAL, PROGRAMME, PENDING, amount, wanted, rule.currency, rule.id, subject, terms.version, partner)
        self.tell("points.pending", member, amount, rule.currency, rule.currency, rule.id, subject, "", terms.version, partner)

    def post(self, member, credit: Pending):
        terms = self.programs.version(self.program.id, credit.version)
        self.state(member).pending.remove(credit)
        self.credit(member, terms, terms.rules[credit.place], POSTING, PENDING, credit.amount, credit.amount, credit.subject,
                    credit.partner)

    def release(self, member, key: bytes, kind: str):
        """The event that the subject's points wait for came."""
        for credit in [c for c in self.state(member).pending if c.key == key and c.awaits == kind]:
            rule = self.programs.version(self.program.id, credit.version).rules[credit.place]
            if rule.pending.delay == 0:
                self.post(member, credit)
                continue
            self.state(member).pending.remove(credit)
            lots.add_pending(self.state(member).pending, Pending(self.now + rule.pending.delay, *credit_rest(credit)))

    # ---- what falls due

    def owed(self, state: State) -> list:
        """(when, in which order of those due at once, which, how) of all that the member owes."""
        return ([(lot.end, 0, "expiry", self.expire) for lot in state.lots if lot.end is not None]
                + [(credit.due, 1, "posting", self.post_due) for credit in state.pending if credit.due is not None]
                + [(lot.warn, 2, "warning", self.warn) for lot in state.lots if lot.warn is not None]
                + [(due, 3, "refund", self.drop_waiting) for due, _ in state.waiting]
                + [(tier.due, 4, "tier", self.end_tier) for tier in [state.tier] if tier is not None and tier.due is not None]
                + [(tier.birthday, 5, "birthday", self.gift) for tier in [state.tier] if tier is not None and tier.birthday is not None])

    def settle_due(self):
        """What each member owes by the event's time, in order of the times, as if nothing had come since."""
        event_program, event_partner = self.program, self.partner
        for member in parties(self.event):
            while self.before.get(member) is not None:
                held = self.out.states.get(member) or self.before[member]
                due, _, name, settle = min(self.owed(held), key=lambda item: item[:2], default=(INT64_MAX, 0, "", None))
                if due > self.event["occurred_at"]:
                    break
                self.program, self.partner, self.now = self.programs.at(event_program.id, due), "", due
                self.settled = (due, settlement_key(member, name, due, held.sequence))
                settle(member, due)
                self.accrued = set()
        self.program, self.partner, self.now, self.settled = event_program, event_partner, self.event["occurred_at"], None

    def expire(self, member, due: int):
        for lot in sorted((lot for lot in self.state(member).lots if lot.end == due), key=Lot.terms):
            self.expire_lot(member, lot, lot.left)

    def expire_lot(self, member, lot: Lot, amount: int):
        self.book(member, EXPIRY, AVAILABLE, BREAKAGE, amount, amount, lot.currency, "expiry", partner=lot.partner, lot=lot)
        self.tell("points.expired", member, amount, lot.currency, lot.currency, "expiry", partner=lot.partner)

    def post_due(self, member, due: int):
        for credit in [credit for credit in self.state(member).pending if credit.due == due]:
            self.post(member, credit)
        self.settle(member)

    def warn(self, member, due: int):
        for lot in sorted((lot for lot in self.state(member).lots if lot.warn == due), key=Lot.terms):
            self.tell("points.expiring", member, lot.left, lot.currency, lot.currency, "expiry", partner=lot.partner)
            lot.warn = lots.next_warning(self.program.warnings.get(lot.currency, ()), lot.end, due)

    # ---- limits

    def applied(self, member, terms: Program, rule: Rule, grant: Grant) -> list:
        found = []
        for owner, kept, many in ((member, limits.KEPT, rule.limits), ((terms.id, None), None, rule.budgets)):
            for limit in many:
                period = limits.window(limit.period, grant.at, terms.zone, terms.week_begins)
                found.append((self.state(owner).uses, limit, limit.key(grant.network), period, kept))
        return found

    def give_back(self, member, terms: Program, rule: Rule, amount: int, grant: Grant):
        for uses, limit, key, _, _ in self.applied(member, terms, rule, grant):
            back = amount if not limit.times else int(amount == grant.points)
            uses.give_back(key, grant.at, back)

    # ---- grants

    def accrue(self, member, terms: Program, rule: Rule, wanted: int, subject: str, partner: str, grant: Grant):
        """Grants so much more, as far as limits leave it."""
        grant.wanted += wanted
        amount = limits.take(wanted, grant.points, self.applied(member, terms, rule, grant)) if wanted > 0 else 0
        if amount <= 0:
            return
        grant.points += amount
        due = self.available_at(rule, grant)
        self.granted_at = grant.at
        self.touch(member, terms, rule.currency)
        if rule.pending is not None and (due is None or due > self.now):
            self.put_aside(member, terms, rule, amount, wanted, subject, partner, due)
        else:
            self.credit(member, terms, rule, ACCRUAL, PROGRAMME, amount, wanted, subject, partner)

    def take_back(self, member, terms: Program, rule: Rule, amount: int, subject: str, partner: str, grant: Grant):
        state, currency = self.state(member), rule.currency
        self.give_back(member, terms, rule, amount, grant)
        grant.points -= amount
        amount -= self.take_back_pending(member, terms, rule, amount, subject, partner)
        if amount == 0:
            return
        self.void_until_covered(member, currency, amount)
        wanted = amount
        self.count(member, terms, "earned", currency, -wanted, grant.at if rule.pending is None else self.available_at(rule, grant) or 0)
        if terms.refunds == "clamp":
            amount = min(amount, max(0, state.balances.get(currency, 0)))
        if amount > 0:
            home = self.lot(terms, currency, partner, self.available_at(rule, grant) or 0, rule)
            self.book(member, TAKE_BACK, AVAILABLE, PROGRAMME, amount, wanted, currency, rule.id, subject, terms.version, partner, home)
            self.tell("points.taken_back", member, amount, currency, currency, rule.id, subject, "", terms.version, partner)

    def take_back_pending(self, member, terms: Program, rule: Rule, amount: int, subject: str, partner: str) -> int:
        identity = (lots.subject_key_of(rule, subject), terms.version, terms.rules.index(rule))
        taken = lots.take_pending(self.state(member).pending, identity, amount)
        if taken > 0:
            self.book(member, TAKE_BACK, PENDING, PROGRAMME, taken, taken, rule.currency, rule.id, subject, terms.version, partner)
            self.tell("points.taken_back", member, taken, rule.currency, rule.currency, rule.id, subject, "", terms.version, partner)
        return taken

    # ---- automatic rewards

    def void_until_covered(self, member, currency: str, amount: int):
        """Points that became rewards return, as many as a take-back needs."""
        state = self.state(member)
        for reward in self.program.rewards:
            while (not reward.spent and reward.currency == currency and state.counters.get(reward.id, 0) > 0
                   and state.balances.get(currency, 0) < amount):
                state.counters[reward.id] -= 1
                lot = self.lot(self.program, currency, self.partner, self.now)
                self.book(member, CONVERSION_VOIDED, CONVERTED, AVAILABLE, reward.each, reward.each, currency, reward.id, lot=lot)
                self.tell_reward("reward.voided", member, reward, currency)

    def tell_reward(self, type_, member, reward, shown):
        worth_currency, worth = next(iter(reward.worth.items()), ("", "0"))
        amount = int(Fraction(str(worth)) * 10 ** self.program.money.get(worth_currency, 0))
        self.tell(type_, member, amount, worth_currency, shown, reward.id, benefit=reward.give)

    def settle(self, member, money: str = "", spent: int = 0):
        """Automatic rewards after an event's entries: points that reach a threshold turn, purchases are counted. They are
        booked under the version in force at the event's time, whose thresholds the tests' versions share."""
        self.follow_tier(member)
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

    def handle(self):
        handler = getattr(self, self.event["type"], None)
        try:
            if handler is not None:
                handler()
        except earning.Overflow:
            raise Refused("overflow") from None

    def follow_tiers(self):
        """What the event changed may change a level."""
        if self.event["type"] == "timer" or self.event["kind"] in ("merged", "erased"):
            return
        required = self.program.enrolment_required
        for member in parties(self.event):
            if self.program.tiers is None and (self.before.get(member) or State()).tier is None:
                continue
            state = self.out.states.get(member) or self.before.get(member) or State()
            told = self.event["type"] == "member" and state != self.before.get(member)
            if (state.tier is not None and state.tier.moved) or state.profile.counts(self.now, required):
                self.follow_tier(member, told)

    def all_count(self) -> bool:
        """Whether what earns counts for all whom the event touches."""
        at, required = self.event["occurred_at"], self.program.enrolment_required
        return all((self.before.get(member) or State()).profile.counts(at, required) for member in parties(self.event))

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

    def order_of(self, member, with_refunds: bool = True) -> Order:
        """The order as it is known; where it has not come: as what waits for it."""
        state, order_id = self.state(member), self.event["order_id"]
        held = state.orders.get(order_id)
        waiting = [event for _, event in state.waiting if event["order_id"] == order_id] if with_refunds else []
        if held is None or not held.known:
            first = waiting[0] if waiting else self.event
            order = copy.deepcopy(held) or Order(first["currency"], first.get("partner_id") or "")
            for event in waiting:
                undo_some(order, event)
        else:
            order = held
        if order.currency != self.event["currency"]:
            raise Refused("impossible_event")
        self.at_hand = order
        return order

    def keep(self, member, order_id: str, order: Order):
        state = self.state(member)
        state.orders[order_id] = order
        if order.known:
            state.waiting = [(due, event) for due, event in state.waiting if event["order_id"] != order_id]

    def order_undone(self):
        event, member = self.event, parties(self.event)[0]
        order, state = self.order_of(member), self.state(member)
        undo_some(order, event)
        if order.known:
            self.keep(member, event["order_id"], order)
            self.recompute(member, order)
        elif len(state.waiting) >= WAITING_MOST:
            raise Refused("refund_without_order")
        else:
            state.waiting.append((event["occurred_at"] + WAITING_US, event))
            state.waiting.sort(key=lambda item: item[0])

    def drop_waiting(self, member, due: int):
        """Refunds whose orders did not come."""
        state, first = self.state(member), next(iter(self.program.points))
        while state.waiting and state.waiting[0][0] <= due:
            _, refund = state.waiting.pop(0)
            self.tell("refund.dropped", member, 0, first, first, "refund", refund["order_id"])

    def order_amended(self):
        event, member = self.event, parties(self.event)[0]
        order = self.order_of(member)
        if order.known and (event.get("revision") or 0) > order.revision:
            order.take(event)
            self.recompute(member, order)

    def order_granted(self):
        event, member = self.event, parties(self.event)[0]
        net = sum(line.net for line in read_lines(event).values())
        rules = self.rules_on(f"order.{event['kind']}")
        if (rules or event.get("lines")) and (event.get("discount") or 0) > net:
            raise Refused("impossible_event")
        key = subject_key("order", event["order_id"])
        awaited = any(rule.pending is not None and rule.pending.awaits == event["kind"] for rule in self.program.rules)
        awaited = awaited or any(c.key == key and c.awaits == event["kind"] for c in self.state(member).pending)
        tiers = self.program.tiers
        counts = bool(rules) or (event["kind"] == "paid" and tiers is not None and tiers.measure != "earned")
        if not counts and not awaited:
            return
        order = self.order_of(member, bool(counts or event.get("lines")))
        if event["kind"] in order.happened():
            return
        first = not order.known and bool(counts or event.get("lines"))
        if first:
            order.partner_id = self.partner
            order.tier = self.held[member]
            order.take(event)
            order.spent = order.remaining()
            order.was_gone = order.gone()
            others = [other for other in self.state(member).orders.values() if other is not order and other.known]
            order.nth = 1 + sum(not other.gone() for other in others)
            order.known = True
        self.keep(member, event["order_id"], order)
        order.asked.append(Asked(event["kind"], self.program.version, event["occurred_at"]))
        if order.known:
            self.follow_order(member, order, len(order.asked) - 1)
        self.release(member, key, event["kind"])
        if first:
            self.count_purchase(member, order, order.spent, int(not order.gone()))
        self.settle(member, order.currency, order.spent if first else 0)

    def follow_order(self, member, order: Order, place: int):
        """Books what the rules of an event of the order grant now on what remains, less what they granted before."""
        asked, before = order.asked[place], order.asked[:place]
        terms = self.programs.version(self.program.id, asked.version)
        elsewhere = {rule.id for other in before if other.version != asked.version
                     for rule in self.programs.version(self.program.id, other.version).rules if rule.on == f"order.{other.kind}"}
        remains = Remains(order)
        situation = earning.Situation(terms, self.state(member).profile, asked.at, remains.as_event(self.event, asked), order.tier)
        dues = [(rule, earning.of_order(situation, rule, remains)) for rule in terms.rules if rule.on == f"order.{asked.kind}"]
        for rule, points in earning.stacked(dues):
            if rule.id in elsewhere and (terms.version, rule.id) not in order.granted:
                continue
            grant = order.granted.setdefault((terms.version, rule.id), Grant(terms.version, 0, 0, asked.at))
            if points < grant.points:
                self.take_back(member, terms, rule, grant.points - points, self.event["order_id"], order.partner_id, grant)
            self.accrue(member, terms, rule, max(0, points - grant.wanted), self.event["order_id"], order.partner_id, grant)
            grant.wanted = points

    def recompute(self, member, order: Order):
        """The grants as if what remains had been ordered, each at its own terms, in the order in which they were decided."""
        self.at_hand = order
        was_gone, order.was_gone = order.was_gone, order.gone()
        for place in range(len(order.asked)):
            self.follow_order(member, order, place)
        before, order.spent = order.spent, order.remaining()
        self.count_purchase(member, order, order.spent - before, was_gone - order.was_gone)
        self.settle(member, order.currency, order.spent - before)

    # ---- things that count once

    def once(self, member, kind: str, name: str) -> Once:
        return self.state(member).subjects.setdefault((kind, name), Once())

    def situation(self, member) -> earning.Situation:
        fields = earning.event_fields(self.event)
        return earning.Situation(self.program, self.state(member).profile, self.event["occurred_at"], fields, self.held[member])

    def grant_stacked(self, member, held: Once, rules: list, subject: str, value: int = 0):
        """Grants what the rules give that did not grant before for the same thing, beside each other as they stack."""
        open_rules = [rule for rule in rules if rule.once_per is None or rule.id not in held.granted]
        situation = self.situation(member)
        dues = [(rule, earning.of_event(situation, rule, value)) for rule in open_rules]
        for rule, amount in earning.stacked(dues):
            self.grant_once(member, held, rule, subject, amount)

    def grant_once(self, member, held: Once, rule: Rule, subject: str, amount: int):
        if amount <= 0:
            return
        grant = Grant(self.program.version, 0, 0, self.event["occurred_at"], self.event.get("network") or "")
        if rule.once_per is not None:
            if not held.granted:
                held.partner_id = self.partner
            held.granted[rule.id] = grant
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
        if not held.closed:
            self.grant_stacked(member, held, self.rules_on(f"review.{kind}"), sku)
        self.settle(member)

    def share(self):
        member, content, network = parties(self.event)[0], self.event["content"], self.event["network"]
        held = self.once(member, "content", content)
        if self.event["kind"] == "withdrawn":
            self.undo_once(member, held, content, network)
            held.closed.add(network)
            return
        rules = [rule for rule in self.rules_on("share.shared") if not rule.networks or network in rule.networks]
        if network not in held.closed:
            self.grant_stacked(member, held, rules, content)
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
            points = earning.of_event(self.situation(members[0]), rule)
            if points == 0:
                continue
            granted = granted or rule
            for member, held in records.items():
                if rule.to == "both" or (rule.to == "referrer") == (member == referrer):
                    self.grant_once(member, held, rule, referee, points)
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
        else:
            self.state(parties(self.event)[0]).profile.take(self.event)

    def erase(self):
        own = parties(self.event)[0]
        for currency in sorted({credit.currency for credit in self.state(own).pending}, key=lambda name: name.encode()):
            amount = sum(credit.amount for credit in self.state(own).pending if credit.currency == currency)
            self.book(own, ERASED, PENDING, PROGRAMME, amount, amount, currency, "erasure")
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
        self.merge_lots(old, new)
        self.merge_pending(ends, into)
        new.redemptions = {**old.redemptions, **new.redemptions}
        new.waiting = sorted(new.waiting + old.waiting, key=lambda item: item[0])
        for _, refund in list(new.waiting):
            if refund["order_id"] in new.orders:
                self.meet(into, new, refund)
        for currency, amount in told:
            self.tell("member.merged", ends, max(0, amount), currency, currency, "merge", into[1])
            self.tell("member.merged", into, max(0, amount), currency, currency, "merge", ends[1])
        new.profile.unite(old.profile)
        self.unite_tiers(into, old.tier)
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

    def merge_lots(self, old: State, new: State):
        """Lots keep their ends; a deficit of either account is paid from both's. The balances are moved already."""
        for lot in old.lots:
            lots.put(new.lots, lot, lot.left)
        for currency in {lot.currency for lot in new.lots}:
            held = sum(lot.left for lot in new.lots if lot.currency == currency)
            lots.spend(new.lots, currency, held - max(0, new.balances.get(currency, 0)))

    def merge_pending(self, ends, into):
        old, new = self.state(ends), self.state(into)
        for currency in sorted({credit.currency for credit in old.pending}, key=lambda name: name.encode()):
            amount = sum(credit.amount for credit in old.pending if credit.currency == currency)
            self.book(ends, MERGED, PENDING, MERGED_ACCOUNT, amount, amount, currency, "merge", into[1])
            self.book(into, MERGED, MERGED_ACCOUNT, PENDING, amount, amount, currency, "merge", ends[1])
        for credit in old.pending:
            lots.add_pending(new.pending, credit)

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
        rules = self.rules_on(f"activity.{name}")
        once = any(rule.once_per is not None for rule in rules)
        held = self.once(member, "activity", name) if once else Once()
        self.grant_stacked(member, held, rules, name, value)
        self.settle(member)

    def adjustment(self):
        event, member = self.event, parties(self.event)[0]
        currency = event.get("currency") or next(iter(self.program.points))
        if currency not in self.program.points:
            raise Refused("undeclared_currency")
        amount, adds = abs(event["points"]), event["points"] > 0
        source, target = (PROGRAMME, AVAILABLE) if adds else (AVAILABLE, PROGRAMME)
        lot = self.lot(self.program, currency, self.partner, self.now) if adds else None
        self.book(member, ADJUSTMENT, source, target, amount, amount, currency, "adjustment", lot=lot)
        self.tell("points.granted" if adds else "points.taken_back", member, amount, currency, currency, "adjustment",
                  reason=event["reason"])


    def redemption(self):
        event, member = self.event, parties(self.event)[0]
        if event["kind"] not in ("confirmed", "cancelled"):
            return
        held = self.state(member).redemptions.setdefault(event["redemption_id"], Redemption())
        if event["kind"] == "confirmed":
            self.confirm(member, held)
        elif not held.cancelled:
            self.cancel(member, held)

    def confirm(self, member, held: Redemption):
        event = self.event
        currency = event.get("currency") or next(iter(self.program.points))
        if held.points or held.cancelled:
            return
        if currency not in self.program.points:
            raise Refused("undeclared_currency")
        if not event.get("points"):
            raise Refused("impossible_event")
        if event["points"] > self.state(member).balances.get(currency, 0):
            raise Refused("insufficient_points")
        held.currency, held.partner_id, held.points = currency, self.partner, event["points"]
        held.drawn = self.book(member, REDEMPTION, AVAILABLE, REDEEMED, held.points, held.points, currency, "redemption",
                               event["redemption_id"])
        self.tell("points.spent", member, held.points, currency, currency, "redemption", event["redemption_id"])
        for lot in held.drawn:
            if lot.idle is not None:
                lot.end = max(lot.end, lot.idle.end(self.program.zone, self.now))
        self.touch(member, self.program, currency)

    def cancel(self, member, held: Redemption):
        event, state = self.event, self.state(member)
        held.cancelled = True
        if not held.points:
            return
        deficit = max(0, -state.balances.get(held.currency, 0))
        everything = sum(lot.left for lot in state.lots if lot.currency == held.currency)
        self.book(member, RETURNED, REDEEMED, AVAILABLE, held.points, held.points, held.currency, "redemption", event["redemption_id"],
                  partner=held.partner_id)
        lots.spend(state.lots, held.currency, max(0, held.points - deficit), Lot(held.currency, ""))  # it came as if for ever
        assert everything == sum(lot.left for lot in state.lots if lot.currency == held.currency)
        self.tell("points.returned", member, held.points, held.currency, held.currency, "redemption", event["redemption_id"],
                  partner=held.partner_id)
        for lot in sorted(held.drawn, key=Lot.terms):
            paid = min(lot.left, deficit)
            deficit -= paid
            back = Lot(lot.currency, lot.partner, lot.end, lot.idle)
            if back.end is not None:
                back.warn = lots.next_warning(self.program.warnings.get(lot.currency, ()), lot.end, self.now)
            back = lots.with_idle_end(state.lots, back)
            lots.put(state.lots, back, lot.left - paid)
            if back.end is not None and back.end <= self.now and lot.left > paid:
                self.expire_lot(member, back, lot.left - paid)


def words(terms: Program, rule: Rule, amount: int, subject: str) -> str | None:
    if rule.reason is None:
        return None
    values = {"amount": decimal(amount, terms.points[rule.currency]), "currency": rule.currency, "subject": subject, "rule": rule.id}
    return rule.reason.format(**values)


def credit_rest(credit: Pending) -> tuple:
    """All but when it is due, once nothing is awaited any more."""
    return (credit.key, credit.version, credit.place, credit.partner, credit.subject, credit.currency, None, credit.amount)


def undo_some(order: Order, event: dict):
    """Notes what a refund or a cancellation takes of the order."""
    lines, amount = event.get("lines") or [], event.get("refund_amount") or 0
    if event["kind"] == "cancelled" or (not lines and not amount):
        order.whole = True
    elif lines and amount:
        raise Refused("impossible_event")
    elif order.known and any(line_key(line) not in order.lines for line in lines):
        raise Refused("impossible_event")
    else:
        order.refunded_amount += amount
        for line in lines:
            order.returned[line_key(line)] = order.returned.get(line_key(line), 0) + line["quantity"]


def unite_once(into: Once, other: Once) -> Once:
    if not into.granted:
        into.partner_id = other.partner_id
    unite_grants(into.granted, other.granted)
    into.closed |= other.closed
    return into


def decimal(amount: int, digits: int) -> str:
    return str(amount) if digits == 0 else f"{amount // 10**digits}.{amount % 10**digits:0{digits}d}"


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
    step.settle_due()
    step.held = {member: step.held_tier(member) for member in parties(event)}
    if (event["type"], event["kind"]) not in EARNING or step.all_count():
        step.handle()
    step.follow_tiers()
    for state in step.out.states.values():
        check_lots(state)
    return step.out


def check_lots(state: State):
    """A balance is the sum of its lots; below zero there are none."""
    if state.erased or state.merged_into is not None:
        return
    for currency, balance in state.balances.items():
        held = sum(lot.left for lot in state.lots if lot.currency == currency)
        assert held == max(0, balance), f"{currency}: {held} in lots, balance {balance}"
