"""kill -9 at random moments: nothing lost, nothing twice."""
from __future__ import annotations

import os
import random
from collections import Counter

from lib.programs import ALL
from lib.torture import torture
from lib.verify import verify

SEED = int(os.environ.get("POINTSTEST_SEED") or random.SystemRandom().randrange(10**6))


def check(world, seed: int, events: int, kills: int, seconds: float):
    for program in ALL:
        world.apply(program)
    killer, _ = torture(world, seed, events, kills, seconds)
    copies = Counter((record.topic, record.partition, record.offset) for record in world.history)
    assert len(copies) == len(world.history) == events
    seen, expected = verify(world)
    assert killer.kills >= kills
    assert {"conflicting_duplicate", "undecodable", "unknown_program"} <= set(seen.dead.values())
    assert len(expected.applied) > events * 0.6 and len(expected.applied) + len(seen.dead) < events, "there were duplicates"
    for processor in world.processors:
        assert processor.terminate() == 0
    print(f"{events} events, {killer.kills} kills, {sum(map(len, seen.entries.values()))} entries,"
          f" {len(seen.reward_messages)} outputs, {len(seen.dead)} dead letters: as recomputed")


def test_kill_9_loses_nothing_and_repeats_nothing(make_world):
    """The short form; `make torture SECONDS=… SEED=…` makes it long: 20,000 events and 20 kills at the least."""
    seconds = int(os.environ.get("POINTSTEST_TORTURE_SECONDS") or 40)
    long = seconds > 60
    check(make_world(partitions=4 if long else 3), SEED, events=max(20_000, seconds * 120) if long else 4500,
          kills=max(20, seconds // 6) if long else 8, seconds=seconds)
