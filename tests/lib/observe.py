"""What the processor left behind, as plain values: the ledger, the topics that it writes, Redis. Read by independent clients."""
from __future__ import annotations

import bisect
from collections import defaultdict
from dataclasses import dataclass, field

from lib import wire
from lib.world import World
from model.decide import Entry
from model.keys import key_hash, member_key

ERRORS = "__connect.errors."
UNTOLD = float("inf")


@dataclass
class Observation:
    entries: dict = field(default_factory=lambda: defaultdict(list))  # coordinates -> [Entry]
    dead: dict = field(default_factory=dict)  # coordinates -> reason, from the table
    rewards: dict = field(default_factory=lambda: defaultdict(list))  # coordinates -> [reward record]
    letters: dict = field(default_factory=lambda: defaultdict(list))  # coordinates -> [message]
    event_keys: int = 0
    places: dict = field(default_factory=dict)  # coordinates -> (transaction, place in it or UNTOLD) in which it was decided
    raw_entries: list = field(default_factory=list)
    reward_messages: list = field(default_factory=list)
    letter_messages: list = field(default_factory=list)

    def snapshot(self) -> dict:
        """All that a replay must leave as it is, comparable."""
        return {
            "entries": sorted(self.raw_entries),
            "event keys": self.event_keys,
            "dead letters": sorted(self.dead.items()),
            "rewards": sorted((m.partition(), m.offset(), m.value(), tuple(m.headers() or ())) for m in self.reward_messages),
            "letters": sorted((m.partition(), m.offset(), m.value() or b"") for m in self.letter_messages),
        }


def observe(world: World) -> Observation:
    world.settle_timers()
    world.wait_settled()
    seen = Observation()
    topics = {number: name for number, name in world.query("SELECT topic_no, name FROM topics")}
    read_entries(world, seen, topics)
    for number, partition, offset, reason in world.query("SELECT topic_no, partition, input_offset, reason FROM dead_letters"):
        seen.dead[(topics[number], partition, offset)] = reason
    find_places(world, seen, topics)
    read_rewards(world, seen, topics)
    read_letters(world, seen)
    return seen


def read_entries(world: World, seen: Observation, topics: dict):
    rows = world.query(
        "SELECT m.program_id, m.member_id, e.program_id, e.sequence, e.kind, e.from_account, e.to_account, e.amount, e.wanted,"
        " e.currency, e.partner_id, e.rule_id, e.subject, e.program_version, e.topic_no, e.partition, e.input_offset,"
        " e.occurred_at, e.event_key, e.member_key FROM entries e LEFT JOIN members m USING (member_key) ORDER BY e.member_key, e.sequence")
    names = member_names(world)
    for *row, key in rows:
        assert row[0] is not None, "an entry's member is not in the members table"
        row[1] = row[1] or names[key.bytes]  # erased: forgotten in the table
        assert row[0] == row[2], "an entry's program is not its member's"
        where = (topics[row[14]], row[15], row[16])
        seen.entries[where].append(Entry(member=(row[0], row[1]), sequence=row[3], kind=row[4], from_account=row[5],
                                         to_account=row[6], amount=row[7], wanted=row[8], currency=row[9], partner_id=row[10],
                                         rule_id=row[11], subject=row[12], program_version=row[13], occurred_at=row[17],
                                         cause=row[18].hex))
        seen.raw_entries.append(tuple(row))


def member_names(world: World) -> dict:
    """The ids of all members whom the history names, by key."""
    names = {}
    for event in (record.event for record in world.history if record.event is not None):
        for name in ("member_id", "merged_into", "referrer", "referee"):
            if event.get(name):
                names[member_key(event.get("program_id") or "default", event[name])] = event[name]
    return names


def find_places(world: World, seen: Observation, topics: dict):
    """Where each record stands in the order of decision: by the transaction that wrote its event's key or its refusal, and
    within it as the instances logged it. An instance killed between a commit and its line has told nothing. Transactions that
    share a member are numbered in the order of their decisions: the loser of a conflict decides anew under a new number."""
    keys = {key.bytes: int(number) for key, number in world.query("SELECT event_key, xmin::text FROM event_keys")}
    seen.event_keys = len(keys)
    numbers = {record.coordinates: keys.get(key_hash(record.event)) for record in world.history if record.event is not None}
    for topic, partition, offset, number in world.query("SELECT topic_no, partition, input_offset, xmin::text FROM dead_letters"):
        numbers[(topics[topic], partition, offset)] = int(number)
    for batch in decided_batches(world, topics):
        told = [numbers[where] for where in batch if numbers.get(where) is not None]
        for place, where in enumerate(batch):
            seen.places.setdefault(where, (max(told, default=0), place))
    for where, number in numbers.items():
        if number is not None:
            seen.places.setdefault(where, (number, UNTOLD))


def decided_batches(world: World, topics: dict) -> list:
    """The coordinates of each batch in the order in which the instances' logs say that they were decided."""
    offsets = defaultdict(list)
    for record in world.history:
        offsets[(record.topic, record.partition)].append(record.offset)
    for held in offsets.values():
        held.sort()
    batches = []
    for processor in world.processors:
        before = None
        for line in processor.events():
            if line["event"] != "batch.decided":
                continue
            if line["first"] != before:
                batches.append([])
            before = line["first"]
            for run in line["order"].split(","):
                where, _, range_ = run.partition("@")
                number, partition = (int(part) for part in where.split("/"))
                first, last = (int(part) for part in range_.split("-"))
                held = offsets[(topics[number], partition)]
                batches[-1].extend((topics[number], partition, offset)
                                   for offset in held[bisect.bisect_left(held, first):bisect.bisect_right(held, last)])
    return batches


def headers_of(message) -> dict:
    found: dict = {}
    for name, value in message.headers() or ():
        assert name not in found, f"header {name} stands twice"
        found[name] = value.decode() if value is not None else None
    return found


def reward_coordinates(record: dict, topics: dict) -> tuple:
    """An output's id is topic number, partition, offset and index; gives (coordinates, index). Of something owed it is the key
    of what was settled, and a header says by which record."""
    place = record["headers"].get("points.settled.by", record["id"])
    assert (place == record["id"]) == (not record["id"].startswith(f"due.{record['event_id']}."))
    number, partition, offset, index = (int(part) for part in place.split("."))
    return (topics[number], partition, offset), index


def read_rewards(world: World, seen: Observation, topics: dict):
    for message in world.read(world.rewards):
        record = wire.decode("reward", message.value())
        record["occurred_at"] = micros(record["occurred_at"])
        record["headers"] = headers_of(message)
        where, index = reward_coordinates(record, topics)
        record["index"] = index
        record["key"] = message.key()
        seen.rewards[where].append(record)
        seen.reward_messages.append(message)


def micros(moment) -> int:
    """fastavro gives a datetime for timestamp-micros."""
    from model.program import micros as of

    return moment if isinstance(moment, int) else of(moment)


def read_letters(world: World, seen: Observation):
    for message in world.read(world.dead_letters):
        named = {name: value for name, value in message.headers() or () if name.startswith(ERRORS)}
        where = (named[ERRORS + "topic"].decode(), int(named[ERRORS + "partition"]), int(named[ERRORS + "offset"]))
        seen.letters[where].append(message)
        seen.letter_messages.append(message)
