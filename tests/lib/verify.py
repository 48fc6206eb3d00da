"""Everything that must be true when the processor has caught up, checked against the independent model."""
from __future__ import annotations

from lib.observe import ERRORS, Observation, observe
from lib.processor import until
from lib.world import Record, World
from model.explain import Expected, balances, explain

AVAILABLE = 2


def verify(world: World, redis: bool = True) -> tuple[Observation, Expected]:
    """Ledger, rewards, dead letters, event keys, Redis and transactions against the recomputation of the world's history."""
    seen = observe(world)
    expected = explain(world.programs, world.history, seen)
    check_ledger(world, seen, expected)
    check_rewards(seen)
    check_dead_letters(world, seen)
    assert seen.event_keys == len(expected.applied), f"{seen.event_keys} event keys for {len(expected.applied)} events"
    if redis:
        check_redis(world, expected)
    return seen, expected


def check_ledger(world: World, seen: Observation, expected: Expected):
    unbalanced = world.query("SELECT program_id, partner_id, currency, sum(amount) FROM postings GROUP BY 1, 2, 3"
                             " HAVING sum(amount) <> 0")
    assert not unbalanced, f"the ledger does not sum to zero: {unbalanced}"
    sums: dict = {}
    for entries in seen.entries.values():
        for entry in entries:
            signed = {entry.to_account: entry.amount, entry.from_account: -entry.amount}.get(AVAILABLE, 0)
            sums[(entry.member, entry.currency)] = sums.get((entry.member, entry.currency), 0) + signed
    wanted = {who: available for who, (available, _) in balances(expected, ended=True).items()}
    assert {who: total for who, total in sums.items() if total} == {who: total for who, total in wanted.items() if total}
    gaps = world.query("SELECT member_key, count(*), max(sequence) FROM entries GROUP BY 1 HAVING count(*) <> max(sequence)")
    assert not gaps, f"sequences with gaps: {gaps}"


def check_rewards(seen: Observation):
    """Each output once, headed as CloudEvents in binary mode, keyed by member."""
    ids = [record["id"] for records in seen.rewards.values() for record in records]
    assert len(ids) == len(set(ids)), f"published twice: {[i for i in ids if ids.count(i) > 1][:5]}"
    for records in seen.rewards.values():
        for record in records:
            assert record["key"] == record["member_id"].encode()
            check_cloud_event(record)
            assert record["reason"], f"{record['id']} has no words"


def check_cloud_event(record: dict):
    headers = record["headers"]
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_id"] == record["id"]
    assert headers["ce_type"].endswith(record["type"].replace("_", ".", 1)), headers["ce_type"]
    assert headers["ce_source"]
    assert headers["ce_subject"] == record["member_id"]
    assert headers["ce_time"]
    assert "avro" in headers["content-type"]


def check_dead_letters(world: World, seen: Observation):
    """Each refused record once, its bytes, key and headers untouched, its coordinates and reason in Kafka Connect's headers."""
    sent = {record.coordinates: record for record in world.history}
    assert set(seen.letters) == set(seen.dead), "dead letters on the topic and in the table differ"
    for where, messages in seen.letters.items():
        assert len(messages) == 1, f"{where} was dead-lettered {len(messages)} times"
        check_letter(sent[where], seen.dead[where], messages[0])


def check_letter(record: Record, reason: str, message):
    assert message.value() == record.value, "the value was touched"
    assert message.key() == record.key, "the key was touched"
    headers = message.headers() or []
    count = len(record.headers)
    assert headers[:count] == list(record.headers), "the headers were touched"
    errors = {name: value.decode() for name, value in headers[count:]}
    assert errors[ERRORS + "topic"] == record.topic
    assert errors[ERRORS + "partition"] == str(record.partition)
    assert errors[ERRORS + "offset"] == str(record.offset)
    assert errors[ERRORS + "stage"]
    assert errors[ERRORS + "class.name"]
    assert errors[ERRORS + "exception.class.name"] == reason
    assert errors[ERRORS + "exception.message"]


def redis_balances(world: World) -> dict:
    """(member, currency) -> (available, lifetime), as Redis shows them."""
    found: dict = {}
    with world.redis() as connection:
        for key in connection.scan_iter(match=f"{world.redis_prefix}:{{*", count=1000):
            if connection.type(key) != "hash":
                continue
            fields = connection.hgetall(key)
            if "member" not in fields:
                continue  # merged into another, or erased
            member = (fields["program"], fields["member"])
            assert key == f"{world.redis_prefix}:{{{member[0]}/{member[1]}}}"
            for name, value in fields.items():
                if name.startswith("balance:"):
                    currency = name.removeprefix("balance:")
                    found[(member, currency)] = (int(value), int(fields[f"lifetime:{currency}"]))
    return found


def redis_ended(world: World) -> dict:
    """member -> what Redis shows of an account that ended, beside its version: where it went, or None where it was erased."""
    found = {}
    with world.redis() as connection:
        for key in connection.scan_iter(match=f"{world.redis_prefix}:{{*", count=1000):
            if connection.type(key) == "hash" and not connection.hexists(key, "member"):
                program, _, member = key[len(world.redis_prefix) + 2:-1].partition("/")
                found[(program, member)] = connection.hget(key, "merged_into")
    return found


def redis_versions(world: World) -> dict:
    found = {}
    with world.redis() as connection:
        for program, member, _ in world.query("SELECT program_id, member_id, version FROM members WHERE member_id <> ''"):
            version = connection.hget(f"{world.redis_prefix}:{{{program}/{member}}}", "version")
            found[(program, member)] = int(version) if version is not None else None
    return found


def check_redis(world: World, expected: Expected, seconds: float = 20):
    wanted = balances(expected)
    ledger = {(program, member): version
              for program, member, version in world.query("SELECT program_id, member_id, version FROM members WHERE member_id <> ''")}
    erased = {member for member, state in expected.states.items() if state.erased}
    merged = {member: state.merged_into for member, state in expected.states.items() if state.merged_into is not None}

    def shown():
        ended = redis_ended(world)
        return (redis_balances(world) == wanted and redis_versions(world) == ledger and set(ended) <= erased | set(merged)
                and all(ended.get(member) == into for member, into in merged.items())
                and all(ended[member] is None for member in erased & set(ended)))

    try:
        until(shown, seconds, "Redis shows what the ledger holds", every=0.2)
    except AssertionError as failure:
        found = redis_balances(world)
        wrong = {who: (wanted.get(who), found.get(who)) for who in {*wanted, *found} if wanted.get(who) != found.get(who)}
        raise AssertionError(f"{failure}: (member, currency): (expected, shown) {dict(list(wrong.items())[:5])}") from None


