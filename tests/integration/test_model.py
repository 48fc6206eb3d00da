"""The decision step under generated histories: thousands of events of random programs, decided in big batches, against the
plain reimplementation in tests/model."""
from __future__ import annotations

import os
import random
from types import SimpleNamespace

import pytest

from lib import wire
from lib.environment import points_binary
from lib.events import SECOND
from lib.processor import until
from lib.programs import ALL, random_order_program, random_program
from lib.verify import verify
from lib.workload import Workload
from model.program import ProgramSet
from properties.cases import decimals, decision_lines, entry_of, event_line
from properties.cases import run as run_cases

SEED = int(os.environ.get("POINTSTEST_SEED") or random.SystemRandom().randrange(10**6))


def run(world, workload, count: int):
    world.send(*workload.plan(count))
    world.processor().start()
    world.wait_caught_up(90)
    return verify(world)


def end_with_timers(world, *processors):
    """Ends them when timers have settled all that members owe; the timers stand in the history."""
    until(lambda: world.query("SELECT count(*) FROM members WHERE due_at IS NOT NULL") == [(0,)], 90, "timers have settled it all")
    world.wait_caught_up(60)
    for processor in processors:
        processor.terminate()
    world.adopt_timers()


@pytest.mark.parametrize("round_", range(2))
def test_generated_histories_of_random_programs(make_world, round_):
    seed = SEED + round_
    print(f"POINTSTEST_SEED={seed} repeats this history as its first")
    rng = random.Random(seed)
    world = make_world(partitions=3)
    for number in range(6):
        world.apply(random_program(rng, f"program-{number}"))
    seen, expected = run(world, Workload(world, seed, members=160, poison=0.03), 4000)
    kinds = {entry.kind for entries in seen.entries.values() for entry in entries}
    types = {record["type"] for records in seen.rewards.values() for record in records}
    assert kinds >= {1, 2, 3, 6}, f"the history is too tame: kinds {kinds}"
    assert types >= {"points_granted", "points_taken_back", "reward_granted", "referral_accepted", "referral_refused"}
    assert {"conflicting_duplicate", "undeclared_currency", "unknown_program", "undecodable"} <= set(seen.dead.values())
    assert len(expected.applied) > 2500


def test_versions_and_programs_beside_each_other(make_world):
    print(f"POINTSTEST_SEED={SEED}")
    world = make_world(partitions=2)
    for program in ALL:
        world.apply(program)
    workload = Workload(world, SEED, members=60, late=0.15)
    workload.clock += 5 * 86_400_000_000  # half before the second version, half after it
    seen, _ = run(world, workload, 1200)
    workload.clock += 10 * 86_400_000_000
    world.send(*workload.plan(1200))
    world.wait_caught_up(60)
    seen, _ = verify(world)
    assert {entry.program_version for entries in seen.entries.values() for entry in entries} == {1, 2}


def without_topic(value: bytes) -> str:
    """A reward without the topic's number in its id, which depends on which topic the database saw first."""
    record = wire.decode("reward", value)
    return repr(dict(record, id=record["id"].split(".", 1)[1]))


def test_small_batches_give_the_same_ledger_as_large_ones(make_world):
    """Same history in the same order of decision, same bytes: one partition and topic a member, batches of 1, 7 and all."""
    ledgers = []
    for size in ("1", "7", "10000"):
        world = make_world(partitions=1, POINTS_BATCH_MAX_EVENTS=size)
        world.apply(ALL[0])
        workload = Workload(world, 77, members=12, scatter=0.0, poison=0.0)
        made = [record for record in workload.plan(500) if record.event is not None and record.event["type"] == "order"][:60]
        world.send(*made)
        world.processor().start()
        world.wait_caught_up(60)
        seen, _ = verify(world)
        rewards = sorted((message.key(), without_topic(message.value())) for message in seen.reward_messages)
        states = world.query("SELECT member_key, state FROM members ORDER BY 1")
        ledgers.append({"entries": sorted(row[:14] + row[15:] for row in seen.raw_entries), "rewards": rewards, "states": states})
    for other in ledgers[1:]:
        for name, rows in other.items():
            assert rows == ledgers[0][name], name


@pytest.mark.parametrize("round_", range(2))
def test_whatever_rules_on_orders_can_do(make_world, round_):
    """Filters, bases, conditions, amounts by expression, gates by the member's clock, stacking, multipliers and nth orders in
    random company, also with limits and with points that wait and end, over two versions, on two instances."""
    seed = SEED + round_
    print(f"POINTSTEST_SEED={seed} repeats this history as its first")
    rng = random.Random(seed)
    world = make_world(partitions=3)
    for number in range(5):
        for version in (1, 2):
            world.apply(random_order_program(rng, f"program-{number}", version, lasting=number % 2 == 0))
    first, second = world.processor().start(), world.processor("1").start()
    workload = Workload(world, seed, members=40, step=1800 * SECOND)  # half of it before the second versions
    for _ in range(4):
        world.send(*workload.plan(750))
    world.wait_caught_up(120)
    end_with_timers(world, first, second)
    seen, expected = verify(world, redis=False)
    assert {entry.program_version for entries in seen.entries.values() for entry in entries} == {1, 2}
    assert {entry.kind for entries in seen.entries.values() for entry in entries} >= {1, 2, 6}
    assert len(expected.applied) > 2000


def test_the_ledger_is_what_points_test_predicts(make_world, tmp_path):
    """The same history as golden cases and through Kafka: entry by entry the same lines."""
    print(f"POINTSTEST_SEED={SEED}")
    rng = random.Random(SEED)
    programs = [random_order_program(rng, "program-0", version) for version in (1, 2)]
    world = make_world(partitions=1)
    for program in programs:
        world.apply(program)
    workload = Workload(world, SEED, members=12, scatter=0.0, poison=0.0, step=3600 * SECOND)
    made = [record for record in workload.plan(1600) if record.event["type"] == "order"]
    world.send(*made)
    processor = world.processor().start()
    world.wait_caught_up(60)
    end_with_timers(world, processor)
    seen, _ = verify(world, redis=False)
    money, points = decimals(ProgramSet(*programs))
    told = run_cases(points_binary(), tmp_path, programs, {"history": [event_line(record.event, money, points) for record in made]})
    balances: dict = {}
    for record, lines in zip(made, told["history"], strict=True):
        entries = sorted(seen.entries.get(record.coordinates, ()), key=lambda entry: entry.sequence)
        found = decision_lines(record.event, SimpleNamespace(entries=entries, rewards=[]), points, balances) if entries else []
        assert found == [text for text in lines if entry_of(text)], event_line(record.event, money, points)
    second = ProgramSet(*programs).version("program-0", 2).effective_at
    assert len(balances) >= 12 and {record.event["occurred_at"] < second for record in made} == {True, False}


@pytest.mark.parametrize("round_", range(2))
def test_members_who_are_merged_and_erased_while_their_events_come(make_world, round_):
    """On two instances, of which one is killed and started again meanwhile; a replay changes nothing."""
    seed = SEED + round_
    print(f"POINTSTEST_SEED={seed} repeats this history as its first")
    world = make_world(partitions=3, POINTS_KAFKA_TIMERS_TOPIC="none")  # what is owed is settled by the members' own events
    for program in ALL:
        world.apply(program)
    first, second = world.processor().start(), world.processor("1").start()
    workload = Workload(world, seed, members=60, merges=0.03)
    for _ in range(5):
        world.send(*workload.plan(360))
        first.kill()
        first, second = second, first.start()
    world.wait_caught_up(90)
    shop, anna, zoe = workload.shops["shop"], "anna", "zoe"
    world.publish(shop.paid(anna, "o-anna", 5000), shop.make("member", "merged", anna, merged_into=zoe))
    world.wait_caught_up(30)
    world.publish(shop.make("member", "merged", anna, merged_into="someone"), shop.make("member", "merged", zoe, merged_into=anna),
                  shop.make("member", "merged", zoe, merged_into=zoe), shop.make("member", "erased", zoe))
    world.wait_caught_up(30)
    world.publish(shop.paid(anna, "o-anna-2", 5000))
    world.wait_caught_up(30)
    seen, expected = verify(world)
    assert {"merged_before", "merge_cycle", "merged_with_itself", "member_erased"} <= set(seen.dead.values())
    assert {entry.kind for entries in seen.entries.values() for entry in entries} >= {7, 8}
    assert expected.states[("shop", zoe)].balances["points"] > 0, "the sums stay"
    erased = {member for member, state in expected.states.items() if state.erased}
    assert ("shop", zoe) in erased and ("shop", anna) in erased
    named = {*world.query("SELECT program_id, member_id FROM members")}
    assert not named & erased, "ids of erased members stand in the table"
    before = seen.snapshot()
    assert [processor.terminate() for processor in (first, second)] == [0, 0]
    world.points("offsets", "reset", "--to-beginning", "--yes")
    first.start()
    world.wait_caught_up(90)
    after = verify(world)[0].snapshot()
    assert after == before, [name for name in before if before[name] != after[name]]
