"""Holds what was observed against the model: is there an order of decision, in which each partition's records keep theirs,
that gives exactly the entries, outputs and dead letters that are there?

Members who share an event, or an event id, are decided together; groups that share nothing are independent. Within a group
the order is searched: a record is taken from the head of a partition's queue if the model's decision over it is what was
observed at its coordinates. First that whose place in the order of decision comes first, as the database's transactions and
the instances' logs tell it. Among those of a transaction that no log tells of, what a record left tells its place; one that
left nothing (a refund that waits, say) is taken as late as it can be where its order, product or content still has records to
come that did leave something.
"""
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from model.decide import Refused, State, budgets, decide, is_merge, parties, touched
from model.program import ProgramSet

BUDGET = 100_000


class Mismatch(AssertionError):
    pass


@dataclass
class Expected:
    """What the accepted order of decision leaves."""

    states: dict = field(default_factory=dict)  # member -> State
    applied: dict = field(default_factory=dict)  # (source, id) -> coordinates of the copy that counted
    touched: set = field(default_factory=set)


@dataclass
class Prediction:
    entries: list = field(default_factory=list)
    rewards: list = field(default_factory=list)
    dead: str | None = None
    states: dict = field(default_factory=dict)
    applies: bool = False

    def silent(self) -> bool:
        return not self.entries and not self.rewards and self.dead is None


def content_of(event: dict) -> tuple:
    facts = dict(event, program_id=event.get("program_id") or "default")
    return tuple(sorted((name, repr(value)) for name, value in facts.items()))


def event_key(event: dict) -> tuple:
    return (event["source"], event["id"])


def reward_facts(reward, event: dict) -> tuple:
    """A predicted reward as the fields of the Avro record that the model speaks about."""
    return (reward.type, reward.member[0], reward.member[1], reward.amount, reward.currency, reward.balance_after,
            reward.lifetime_after, reward.rule_id, reward.benefit, reward.subject, reward.program_version,
            reward.partner_id, *(reward.settled_facts() or (event["occurred_at"], event["source"], event["id"])))


def observed_facts(record: dict) -> tuple:
    return (record["type"].replace("_", ".", 1), record["program_id"], record["member_id"], record["amount"], record["currency"],
            record["balance_after"], record["lifetime_after"], record["rule_id"], record["benefit"], record["subject"],
            record["program_version"], record["partner_id"], record["occurred_at"], record["event_source"], record["event_id"])


def subject_of(event: dict, one: dict | None = None) -> tuple:
    """What an event is about: only records about the same thing can change each other's outcome beyond balances. one: members
    who become one, by each of them."""
    thing = next((event[name] for name in ("order_id", "sku", "content", "referee", "name") if event.get(name)), "")
    whose = () if event["type"] == "referral" else (one or {}).get(parties(event)[0], parties(event)[0])
    return (event["type"], event.get("program_id") or "default", thing, whose)


class Group:
    """Records that must be decided together."""

    def __init__(self, programs: ProgramSet, seen, records: list):
        self.programs = programs
        self.seen = seen
        self.queues = defaultdict(list)
        for record in sorted(records, key=lambda r: r.offset):
            self.queues[(record.topic, record.partition)].append(record)
        self.names = sorted(self.queues)
        self.heads = [0] * len(self.names)
        self.states: dict = {}
        self.applied: dict = {}  # key -> (content, coordinates)
        self.fits: dict = {}
        self.total = len(records)
        self.one = become_one(records)
        self.telling = defaultdict(list)  # subject, event key, orders of a member -> [(queue, place)] of records that left something
        self.refusals = defaultdict(list)  # event key -> [(queue, place)] of records that the rules refused
        self.told = defaultdict(list)  # member -> [(queue, place, currency, balance)] of outputs without entries of that member
        for i, name in enumerate(self.names):
            for place, record in enumerate(self.queues[name]):
                booked = {entry.member for entry in seen.entries.get(record.coordinates, ())}
                for reward in seen.rewards.get(record.coordinates, ()):
                    member = (reward["program_id"], reward["member_id"])
                    if member not in booked:
                        self.told[member].append((i, place, reward["currency"], reward["balance_after"]))
                if seen.dead.get(record.coordinates, "conflicting_duplicate") != "conflicting_duplicate":
                    self.refusals[event_key(record.event)].append((i, place))
                if self.left_something(record.coordinates):
                    self.telling[subject_of(record.event, self.one)].append((i, place))
                    if record.coordinates not in seen.dead:
                        self.telling[event_key(record.event)].append((i, place))
                    if record.event["type"] == "order":
                        self.telling[("orders", self.one_of(record.event))].append((i, place))

    def one_of(self, event: dict) -> tuple:
        return self.one.get(parties(event)[0], parties(event)[0])

    def left_something(self, where: tuple) -> bool:
        return bool(self.seen.entries.get(where) or self.seen.rewards.get(where) or where in self.seen.dead)

    def rank(self, i: int, predicted: Prediction) -> int | None:
        """Which of several fitting records to try first: 0 where its place is certain, None where it cannot be here."""
        if not predicted.applies:
            return 0
        event = self.queues[self.names[i]][self.heads[i]].event
        if any(self.heads[queue] <= place for queue, place in self.refusals[event_key(event)]):
            return None  # a copy that the rules refused came before the id was taken
        if predicted.entries:
            return 2 if self.passes_over(i, predicted) else 0
        if predicted.rewards:
            return 0
        if self.to_come(i, event_key(event)):
            return None  # the copy that counted is the one that left something
        spends = any((self.states.get(member) or State()).spent != state.spent for member, state in predicted.states.items())
        about = [subject_of(event, self.one)] + ([("orders", self.one_of(event))] if spends else [])
        if not any(self.to_come(i, thing) for thing in about):
            return 0
        changes = any(self.states.get(member) != state for member, state in predicted.states.items())
        return 3 if changes else 1

    def to_come(self, i: int, about: tuple) -> bool:
        """True where another queue still holds a record about this that left something."""
        return any(queue != i and self.heads[queue] <= place for queue, place in self.telling[about])

    def passes_over(self, i: int, predicted: Prediction) -> bool:
        """True where another record, still to come, told the balance that this one is about to change."""
        for member in predicted.states:
            state = self.states.get(member) or State()
            for queue, place, currency, balance in self.told[member]:
                if queue != i and self.heads[queue] <= place and state.balances.get(currency, 0) == balance:
                    return True
        return False

    def predict(self, record) -> Prediction:
        event = record.event
        held = self.applied.get(event_key(event))
        if held is not None:
            return Prediction() if held[0] == content_of(event) else Prediction(dead="conflicting_duplicate")
        try:
            decision = decide(self.programs, self.states, event)
        except Refused as refusal:
            return Prediction(dead=refusal.reason)
        return Prediction(decision.entries, decision.rewards, None, decision.states, True)

    def difference(self, record, predicted: Prediction) -> str | None:
        """Why the prediction is not what was observed; None where it is."""
        where = record.coordinates
        dead = self.seen.dead.get(where)
        if dead != predicted.dead:
            return f"dead letter: expected {predicted.dead}, seen {dead}"
        wanted = sorted(predicted.entries, key=lambda e: (e.member, e.sequence))
        found = sorted(self.seen.entries.get(where, ()), key=lambda e: (e.member, e.sequence))
        if wanted != found:
            return f"entries:\n    expected {wanted}\n    seen     {found}"
        wanted = sorted(reward_facts(reward, record.event) for reward in predicted.rewards)
        rewards = sorted(self.seen.rewards.get(where, ()), key=lambda r: r["index"])
        found = sorted(observed_facts(reward) for reward in rewards)
        if wanted != found:
            return f"outputs:\n    expected {wanted}\n    seen     {found}"
        if [reward["index"] for reward in rewards] != list(range(len(rewards))):
            return f"outputs' indexes: {[reward['index'] for reward in rewards]}"
        worded = sorted(reward.reason for reward in predicted.rewards if reward.reason is not None)
        if not set(worded) <= {reward["reason"] for reward in rewards}:
            return f"reasons: expected {worded}, seen {[reward['reason'] for reward in rewards]}"
        return None

    def candidates(self) -> list:
        """Heads whose decision fits what was seen, the likeliest first."""
        fitting = []
        for i, name in enumerate(self.names):
            if self.heads[i] < len(self.queues[name]):
                predicted = self.fit(i)
                rank = self.rank(i, predicted) if predicted is not None else None
                if rank is not None:
                    fitting.append((rank, i, predicted))
        fitting.sort(key=lambda candidate: (self.place(candidate[1]), *candidate[:2]))
        level = [candidate for candidate in fitting if self.place(candidate[1]) == self.place(fitting[0][1])]
        return self.likeliest(level) + [(i, predicted) for _, i, predicted in fitting[len(level):]]

    def likeliest(self, fitting: list) -> list:
        """Of heads whose places are not told apart, the likeliest first."""
        for rank, i, predicted in fitting:
            if rank == 0 and not self.spoils(i, predicted, fitting):
                return [(i, predicted)]
        return sorted(((i, predicted) for _, i, predicted in fitting), key=lambda choice: self.spoils(*choice, fitting))

    def place(self, i: int) -> tuple:
        """Of the head in the order of decision; a copy that left no trace comes at once."""
        return self.seen.places.get(self.head(i).coordinates, (0, 0))

    def head(self, i: int):
        return self.queues[self.names[i]][self.heads[i]]

    def fit(self, i: int) -> Prediction | None:
        """The decision over a head if it is what was seen. Kept as long as nothing changed that it rests on."""
        record = self.head(i)
        owners = touched(self.states, record.event) + budgets(self.programs, record.event)
        rests_on = [self.states.get(owner) for owner in owners] + [self.applied.get(event_key(record.event))]
        kept = self.fits.get(i)
        if kept is None or kept[0] is not record or len(kept[1]) != len(rests_on) or any(a is not b for a, b in zip(kept[1], rests_on)):
            predicted = self.predict(record)
            kept = self.fits[i] = (record, rests_on, predicted if self.difference(record, predicted) is None else None)
        return kept[2]

    def spoils(self, i: int, predicted: Prediction, fitting: list) -> bool:
        """True where taking this head first would make another head of the same member unfit, and not the other way."""
        mine = set(touched(self.states, self.head(i).event))
        rivals = [other for _, other, _ in fitting if other != i and mine & set(touched(self.states, self.head(other).event))]
        for other in rivals:
            if not self.fits_after(i, predicted, other) and self.fits_after(other, self.fit(other), i):
                return True
        return False

    def fits_after(self, first: int, predicted: Prediction, second: int) -> bool:
        taken = self.take(first, predicted)
        fits = self.fit(second) is not None
        self.undo(taken)
        return fits

    def take(self, i: int, predicted: Prediction) -> tuple:
        record = self.queues[self.names[i]][self.heads[i]]
        self.heads[i] += 1
        old = {member: self.states.get(member) for member in predicted.states}
        self.states.update(predicted.states)
        key = None
        if predicted.applies:
            key = event_key(record.event)
            self.applied[key] = (content_of(record.event), record.coordinates)
        return i, key, old

    def undo(self, taken: tuple):
        i, key, old = taken
        self.heads[i] -= 1
        if key is not None:
            del self.applied[key]
        for member, state in old.items():
            if state is None:
                del self.states[member]
            else:
                self.states[member] = state

    def search(self):
        """Finds the order of decision, or says at which records every order fails."""
        path, deepest, spent = [], (-1, ""), 0
        choices = [self.candidates()]
        while len(path) < self.total:
            spent += 1
            if len(path) > deepest[0] and not choices[-1]:
                deepest = (len(path), self.stuck())
            if choices[-1] and spent <= BUDGET:
                path.append(self.take(*choices[-1].pop(0)))
                choices.append(self.candidates())
            elif path and spent <= BUDGET:
                choices.pop()
                self.undo(path.pop())
            else:
                raise Mismatch(f"no order of decision explains what was seen (after {deepest[0]} of {self.total} records):\n{deepest[1]}")

    def stuck(self) -> str:
        lines = []
        for i, name in enumerate(self.names):
            if self.heads[i] < len(self.queues[name]):
                record = self.queues[name][self.heads[i]]
                lines.append(f"  {record.coordinates} {record.event}\n   {self.difference(record, self.predict(record))}")
        return "\n".join(sorted(lines, key=len)[:5])


def become_one(records: list) -> dict:
    """Members that merges name, each with a stand-in for all that it may become one with."""
    one: dict = {}
    for event in (record.event for record in records if is_merge(record.event)):
        members = [one.get(member, member) for member in parties(event)]
        for member, stand_in in list(one.items()):
            if stand_in in members:
                one[member] = members[0]
        one.update(dict.fromkeys([*members, *parties(event)], members[0]))
    return one


def groups(programs: ProgramSet, records: list) -> list:
    """Records split into groups that share neither a member, a budget nor an event id."""
    parent: dict = {}

    def root(node):
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for record in records:
        owners = parties(record.event) + budgets(programs, record.event)
        nodes = [("member", owner) for owner in owners] + [("event", event_key(record.event))]
        for node in nodes[1:]:
            parent[root(node)] = root(nodes[0])
    found = defaultdict(list)
    for record in records:
        found[root(("event", event_key(record.event)))].append(record)
    return list(found.values())


def explain(sources: list, history: list, seen) -> Expected:
    """Raises Mismatch with the first group that cannot be explained."""
    programs = ProgramSet(*sources)
    known = {record.coordinates for record in history}
    for kind, places in (("entries", seen.entries), ("dead letters", seen.dead), ("outputs", seen.rewards)):
        strange = set(places) - known
        if strange:
            raise Mismatch(f"{kind} of records that were never sent: {sorted(strange)[:5]}")
    for record in history:
        if record.refused is not None and seen.dead.get(record.coordinates) != record.refused:
            raise Mismatch(f"{record.coordinates}: expected the dead letter {record.refused}, seen {seen.dead.get(record.coordinates)}")
        if record.refused is not None and (seen.entries.get(record.coordinates) or seen.rewards.get(record.coordinates)):
            raise Mismatch(f"{record.coordinates}: a refused record has effects")
    expected = Expected()
    for records in groups(programs, [record for record in history if record.refused is None]):
        group = Group(programs, seen, records)
        group.search()
        expected.states.update(group.states)
        expected.applied.update({key: where for key, (_, where) in group.applied.items()})
    return expected


def balances(expected: Expected, ended: bool = False) -> dict:
    """(member, currency) -> (available, lifetime), of accounts that go on; ended: of all."""
    found = {}
    for member, state in expected.states.items():
        assert isinstance(state, State)
        if not ended and (state.erased or state.merged_into is not None):
            continue
        for currency in {*state.balances, *state.lifetime}:
            found[(member, currency)] = (state.balances.get(currency, 0), state.lifetime.get(currency, 0))
    return found
