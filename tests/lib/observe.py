"""What the processor left behind, as plain values: the ledger, the topics that it writes, Redis. Read by independent clients."""
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from lib import wire
from lib.world import World
from model.decide import Entry

ERRORS = "__connect.errors."


@dataclass
class Observation:
    entries: dict = field(default_factory=lambda: defaultdict(list))  # coordinates -> [Entry]
    dead: dict = field(default_factory=dict)  # coordinates -> reason, from the table
    rewards: dict = field(default_factory=lambda: defaultdict(list))  # coordinates -> [reward record]
    letters: dict = field(default_factory=lambda: defaultdict(list))  # coordinates -> [message]
    event_keys: int = 0
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
    world.wait_settled()
    seen = Observation()
    topics = {number: name for number, name in world.query("SELECT topic_no, name FROM topics")}
    read_entries(world, seen, topics)
    for number, partition, offset, reason in world.query("SELECT topic_no, partition, input_offset, reason FROM dead_letters"):
        seen.dead[(topics[number], partition, offset)] = reason
    seen.event_keys = world.query("SELECT count(*) FROM event_keys")[0][0]
    read_rewards(world, seen, topics)
    read_letters(world, seen)
    return seen


def read_entries(world: World, seen: Observation, topics: dict):
    rows = world.query(
        "SELECT m.program_id, m.member_id, e.program_id, e.sequence, e.kind, e.from_account, e.to_account, e.amount, e.wanted,"
        " e.currency, e.partner_id, e.rule_id, e.subject, e.program_version, e.topic_no, e.partition, e.input_offset,"
        " e.occurred_at FROM entries e LEFT JOIN members m USING (member_key) ORDER BY e.member_key, e.sequence")
    for row in rows:
        assert row[0] is not None, "an entry's member is not in the members table"
        assert row[0] == row[2], "an entry's program is not its member's"
        where = (topics[row[14]], row[15], row[16])
        seen.entries[where].append(Entry(member=(row[0], row[1]), sequence=row[3], kind=row[4], from_account=row[5],
                                         to_account=row[6], amount=row[7], wanted=row[8], currency=row[9], partner_id=row[10],
                                         rule_id=row[11], subject=row[12], program_version=row[13]))
        seen.raw_entries.append(tuple(row))


def headers_of(message) -> dict:
    found: dict = {}
    for name, value in message.headers() or ():
        assert name not in found, f"header {name} stands twice"
        found[name] = value.decode() if value is not None else None
    return found


def reward_coordinates(record: dict, topics: dict) -> tuple:
    """An output's id is topic number, partition, offset and index; gives (coordinates, index)."""
    number, partition, offset, index = (int(part) for part in record["id"].split("."))
    return (topics[number], partition, offset), index


def read_rewards(world: World, seen: Observation, topics: dict):
    for message in world.read(world.rewards):
        record = wire.decode("reward", message.value())
        record["occurred_at"] = micros(record["occurred_at"])
        where, index = reward_coordinates(record, topics)
        record["index"] = index
        record["key"] = message.key()
        record["headers"] = headers_of(message)
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
