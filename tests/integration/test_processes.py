"""Instances as processes: leaving, joining, fencing, zombies."""
from __future__ import annotations

import signal
import time

import psycopg

from lib.events import Shop
from lib.observe import observe
from lib.processor import until
from lib.programs import SHOP
from lib.torture import Feeder
from lib.verify import redis_balances, verify
from lib.workload import Workload

FENCED = 7
SESSION = {"POINTS_KAFKA_SESSION_TIMEOUT_MS": 3000}


def under_load(make_world, events: int = 1800, seconds: float = 5, partitions: int = 4, **settings):
    world = make_world(partitions=partitions, **settings).apply(SHOP)
    return world, Feeder(world, Workload(world, seed=5, members=60).plan(events), seconds)


def finish(world, feeder, seconds: float = 60):
    feeder.finish(60)
    begin = time.monotonic()
    world.wait_caught_up(seconds)
    print(f"caught up {time.monotonic() - begin:.1f} s after the last event")
    return verify(world)


def first_progress(world):
    until(lambda: sum(world.applied().values()) > 0, 20, "something is applied")


def both_work(*processors):
    """Until each of the instances has partitions: one may still be starting while the other makes progress."""
    until(lambda: all(any(line["event"] == "group.assigned" for line in p.events()) for p in processors), 20, "both have partitions")


def test_sigterm_finishes_the_batch_and_leaves_within_two_seconds(make_world):
    world, feeder = under_load(make_world)
    processor = world.processor().start()
    feeder.start()
    for _ in range(3):
        first_progress(world)
        time.sleep(0.7)
        begin = time.monotonic()
        processor.signal(signal.SIGTERM)
        status = processor.wait(5)
        took = time.monotonic() - begin
        assert status == 0 and took < 2.0, f"status {status} after {took:.2f} s\n{processor.tail()}"
        committed = world.committed()
        assert {where: committed[where] for where, applied in world.applied().items() if applied} == \
            {where: applied for where, applied in world.applied().items() if applied}, "what was applied is published"
        processor.start()
    finish(world, feeder)


def test_sigint_leaves_like_sigterm(world):
    processor = world.processor().start()
    world.publish(Shop().paid("anna", "o-1", 2000))
    world.wait_caught_up()
    processor.signal(signal.SIGINT)
    assert processor.wait(3) == 0


def test_a_second_sigterm_leaves_at_once(make_world):
    world, feeder = under_load(make_world)
    processor = world.processor().start()
    feeder.start()
    first_progress(world)
    world.environment.service("pause", "postgres")  # so that finishing the batch takes longer than the test waits
    try:
        time.sleep(0.6)  # there is a batch to finish: the load goes on meanwhile
        processor.signal(signal.SIGTERM)
        time.sleep(0.2)
        begin = time.monotonic()
        processor.signal(signal.SIGTERM)
        status = processor.wait(3)
        took = time.monotonic() - begin
    finally:
        world.environment.service("resume", "postgres")
    assert status == 130 and took < 0.5, f"status {status} after {took:.2f} s"
    processor.start()
    finish(world, feeder)


def test_it_ends_when_idle_if_told_so(world):
    world.publish(Shop().paid("anna", "o-1", 2000))
    processor = world.processor()
    processor.arguments = ("run", "--exit-when-idle", "1")
    processor.start()
    assert processor.wait(20) == 0
    assert world.caught_up()
    verify(world)


def test_records_that_come_during_the_start_are_not_lost(make_world):
    """A record fetched in the moment of the assignment is as good as any other."""
    world = make_world(inputs=["order"]).apply(SHOP)
    shop = Shop()
    processor = world.processor()
    for n in range(8):
        world.publish(shop.paid("anna", f"o-{n}-0", 1000), partition=0)
        processor.start()
        world.publish(shop.paid("anna", f"o-{n}-1", 1000), partition=1)
        world.wait_caught_up(15)
        processor.terminate()
    verify(world)
    assert redis_balances(world)[(("shop", "anna"), "points")] == (160, 160)


def test_instances_join_and_leave_under_load(make_world):
    world, feeder = under_load(make_world, events=2400, seconds=9)
    a, b, c = (world.processor(name) for name in "abc")
    a.start()
    feeder.start()
    first_progress(world)
    b.start()
    time.sleep(2)
    c.start()
    time.sleep(2)
    assert a.terminate() == 0
    time.sleep(1)
    assert b.terminate() == 0
    a.start()
    time.sleep(2)
    c.kill()
    finish(world, feeder)


def test_static_members_come_back_to_their_partitions(make_world):
    world, feeder = under_load(make_world, POINTS_KAFKA_STATIC_MEMBERSHIP=1)
    a, b = world.processor("a").start(), world.processor("b").start()
    feeder.start()
    first_progress(world)
    time.sleep(1)
    a.kill()
    a.start()
    time.sleep(1)
    assert b.terminate() == 0
    b.start()
    finish(world, feeder)


def test_a_killed_instance_that_nobody_restarts_is_replaced(make_world):
    """The other instance takes over; readers of the rewards are not held for longer than the transaction's time-out."""
    world, feeder = under_load(make_world)
    a, b = world.processor("a").start(), world.processor("b").start()
    feeder.start()
    first_progress(world)
    time.sleep(1)
    a.kill()
    begin = time.monotonic()
    finish(world, feeder, 40)
    assert time.monotonic() - begin < 40 and b.running()


def test_a_zombie_writes_nothing(make_world):
    """SIGSTOP past the session's time-out, then SIGCONT: the group and the owner's epoch went on without it."""
    world, feeder = under_load(make_world, events=2000, seconds=6, **SESSION)
    a, b = world.processor("a").start(), world.processor("b").start()
    both_work(a, b)
    feeder.start()
    first_progress(world)
    time.sleep(1.5)
    a.freeze()
    moved = dict(epochs(world))
    until(lambda: dict(epochs(world)) != moved, 30, "the other instance took the partitions over")
    feeder.finish(60)
    world.wait_caught_up(60)
    before = observe(world).snapshot()
    a.thaw()
    time.sleep(4)
    assert observe(world).snapshot() == before
    if not a.running():  # frozen amid a transaction, which the broker ended: rule 11, and whoever supervises starts it anew
        assert a.status() == FENCED, a.tail()
        a.start()
    assert b.running()
    world.publish(Shop(at=1750000000_000000).paid("anna", "afterwards", 2000))
    world.wait_caught_up(30)
    verify(world)


def epochs(world) -> list:
    return [((name, partition), epoch) for name, partition, epoch in
            world.query("SELECT name, partition, owner_epoch FROM positions JOIN topics USING (topic_no)")]


def test_zombies_again_and_again(make_world):
    """Each instance in turn is stopped while it works and continued while the other one works."""
    world, feeder = under_load(make_world, events=3000, seconds=15, **SESSION)
    pair = [world.processor("a").start(), world.processor("b").start()]
    both_work(*pair)
    feeder.start()
    first_progress(world)
    for turn in range(3):
        victim = pair[turn % 2]
        victim.freeze()
        time.sleep(4.2)
        victim.thaw()
        time.sleep(0.5)
        for processor in pair:
            if not processor.running():
                assert processor.status() == FENCED, processor.tail()
                processor.start()
    finish(world, feeder)


def test_a_bumped_epoch_makes_it_join_again(world):
    """Rule 6: the swap finds another epoch: leave the group and join again, never go on in place."""
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000))
    processor = world.processor().start()
    world.wait_caught_up()
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        connection.execute("UPDATE positions SET owner_epoch = owner_epoch + 1")
    world.publish(shop.paid("anna", "o-2", 3000))
    world.wait_caught_up(30)
    verify(world)
    assert processor.running() and processor.log().count("group.assigned") >= 2, processor.tail()


def test_two_instances_of_one_name_fence_each_other(make_world):
    """Rule 11: fenced means exit with its own code, never to begin again in the same process."""
    world, feeder = under_load(make_world, events=1500, seconds=5)
    first, second = world.processor("0").start(), world.processor("1")
    second.environment["POINTS_INSTANCE"] = "0"
    feeder.start()
    first_progress(world)
    second.start()
    until(lambda: not first.running() or not second.running(), 30, "one of them is fenced")
    gone, stays = (first, second) if not first.running() else (second, first)
    assert gone.status() == FENCED, gone.tail()
    assert "fenced" in gone.last_run_log()
    feeder.finish(60)
    if not stays.running():  # each fenced the other: an operator starts one of them
        assert stays.status() == FENCED, stays.tail()
        stays.start()
    gone.process = None
    world.wait_caught_up(60)
    verify(world)
