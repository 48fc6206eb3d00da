"""Services that stop, stall, forget or restart, and networks that cut: nothing lost, nothing twice, and it heals by itself."""
from __future__ import annotations

import random
import time
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from lib.events import Shop
from lib.processor import until
from lib.programs import SHOP
from lib.proxy import KafkaProxy, Proxy
from lib.torture import Feeder
from lib.verify import redis_balances, verify
from lib.workload import Workload


def under_load(make_world, events: int = 1500, seconds: float = 5, partitions: int = 3, **settings):
    world = make_world(partitions=partitions, **settings).apply(SHOP)
    return world, Feeder(world, Workload(world, seed=7, members=50).plan(events), seconds)


def start(world, feeder, *names: str, **settings):
    processors = [world.processor(name, **settings).start() for name in names]
    feeder.start()
    until(lambda: sum(world.applied().values()) > 0, 20, "something is applied")
    return processors


def finish(world, feeder, processors, seconds: float = 60):
    """Nobody restarted anything: the same processes must still be there and have caught up."""
    feeder.finish(60)
    begin = time.monotonic()
    world.wait_caught_up(seconds)
    print(f"caught up {time.monotonic() - begin:.1f} s after the last event")
    world.reread_history()
    checked = verify(world)
    for processor in processors:
        assert processor.running(), f"instance {processor.instance} did not heal\n{processor.tail()}"
    return checked


@contextmanager
def proxied(target: int, listen: int = 0, kind=Proxy):
    proxy = kind(target, listen)
    try:
        yield proxy
    finally:
        proxy.close()


def through(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}"))


def postgres_port(world) -> int:
    return urlsplit(world.environment.postgres_url).port


# ---- PostgreSQL


def test_postgres_restarted(make_world):
    world, feeder = under_load(make_world)
    processors = start(world, feeder, "a", "b")
    for _ in range(2):
        time.sleep(1)
        world.environment.service("restart", "postgres")
    finish(world, feeder, processors)


def test_postgres_killed(make_world):
    """kill -9 of the server with all its backends: what it said was committed is there."""
    world, feeder = under_load(make_world)
    processors = start(world, feeder, "a", "b")
    time.sleep(1)
    world.environment.service("kill", "postgres")
    time.sleep(1)
    world.environment.service("start", "postgres")
    finish(world, feeder, processors)


def test_postgres_frozen_past_the_poll_interval(make_world):
    """A stall longer than max.poll.interval.ms: partitions rest, polling goes on, nobody is thrown out of the group."""
    world, feeder = under_load(make_world, POINTS_KAFKA_MAX_POLL_INTERVAL_MS=7000, POINTS_KAFKA_SESSION_TIMEOUT_MS=6000,
                               POINTS_BATCH_MAX_EVENTS=50)  # the inbox fills
    (processor,) = start(world, feeder, "a")
    time.sleep(1)
    world.environment.service("pause", "postgres")
    try:
        time.sleep(10)
    finally:
        world.environment.service("resume", "postgres")
    finish(world, feeder, [processor])
    assert "MAX_POLL_EXCEEDED" not in processor.log(), processor.tail()


def test_network_to_postgres_cut_again_and_again(make_world):
    """Also in the middle of commits, whose outcome is then unknown (rule 9)."""
    world, feeder = under_load(make_world, events=2400, seconds=8, POINTS_BATCH_MAX_EVENTS=200)
    with proxied(postgres_port(world)) as proxy:
        processors = start(world, feeder, "a", "b", POINTS_POSTGRES_URL=through(world.postgres_url, proxy.port))
        rng = random.Random(3)
        for _ in range(10):
            time.sleep(rng.uniform(0.1, 0.7))
            proxy.cut()
            time.sleep(rng.uniform(0.0, 0.3))
            proxy.resume()
        finish(world, feeder, processors)


def test_network_to_postgres_swallows_everything_for_a_while(make_world):
    world, feeder = under_load(make_world, POINTS_POSTGRES_STATEMENT_TIMEOUT_MS=2000)
    with proxied(postgres_port(world)) as proxy:
        processors = start(world, feeder, "a", POINTS_POSTGRES_URL=through(world.postgres_url, proxy.port))
        time.sleep(1)
        proxy.freeze()
        time.sleep(5)
        proxy.resume()
        finish(world, feeder, processors)


def test_a_vanished_clients_locks_are_given_up(make_world):
    """Rule 10: an instance is cut off in the middle of a transaction and dies; the server ends it by our time-out."""
    world, feeder = under_load(make_world, events=2000, seconds=6, POINTS_BATCH_MAX_EVENTS=200, POINTS_POSTGRES_IDLE_TIMEOUT_MS=2000,
                               POINTS_KAFKA_SESSION_TIMEOUT_MS=3000)
    with proxied(postgres_port(world)) as proxy:
        (victim,) = start(world, feeder, "a", POINTS_POSTGRES_URL=through(world.postgres_url, proxy.port))

        def caught_in_transaction():
            proxy.freeze()
            time.sleep(0.05)
            rows = world.query("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'")
            if not rows:
                proxy.resume()
            return rows

        until(caught_in_transaction, 20, "the instance is cut off in a transaction", every=0.02)
        victim.kill()
        heir = world.processor("b").start()
        finish(world, feeder, [heir], 40)


def test_a_lock_held_by_somebody_else_is_waited_for(make_world):
    """Longer than lock_timeout: the batch is tried again, not lost and not dead-lettered."""
    world = make_world(inputs=["order"], POINTS_POSTGRES_LOCK_TIMEOUT_MS=500).apply(SHOP)
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000))
    processor = world.processor().start()
    world.wait_caught_up()
    with psycopg.connect(world.postgres_url) as connection:
        connection.execute("SELECT * FROM members FOR UPDATE")
        world.publish(shop.paid("anna", "o-2", 3000))
        time.sleep(3)
        assert world.query("SELECT count(*) FROM entries")[0][0] == 1
        connection.rollback()
    world.wait_caught_up()
    seen, _ = verify(world)
    assert not seen.dead and processor.running()


# ---- Redis


def test_redis_stopped_emptied_and_restarted(make_world):
    """Redis down never blocks the ledger; whatever happened to it, it shows the ledger's balances again."""
    world, feeder = under_load(make_world, events=2000, seconds=6)
    processors = start(world, feeder, "a", "b")
    world.environment.service("stop", "redis")
    applied = sum(world.applied().values())
    until(lambda: sum(world.applied().values()) > applied + 100, 20, "the ledger goes on without Redis")
    world.environment.service("start", "redis")
    time.sleep(2)
    with world.redis() as connection:
        connection.flushall()
    time.sleep(1)
    world.environment.service("restart", "redis")
    finish(world, feeder, processors)


def test_redis_emptied_at_rest_is_filled_again(world):
    world.publish(Shop().paid("anna", "o-1", 2000))
    world.processor().start()
    world.wait_caught_up()
    verify(world)
    with world.redis() as connection:
        connection.flushall()
    until(lambda: redis_balances(world) == {(("shop", "anna"), "points"): (20, 20)}, 30, "Redis is rebuilt without any event")


def test_redis_lost_while_the_processor_was_down(world):
    world.publish(Shop().paid("anna", "o-1", 2000))
    processor = world.processor().start()
    world.wait_caught_up()
    verify(world)
    assert processor.terminate() == 0
    with world.redis() as connection:
        connection.flushall()
    processor.start()
    until(lambda: redis_balances(world) == {(("shop", "anna"), "points"): (20, 20)}, 30, "Redis is rebuilt at the start")


def test_redis_frozen_blocks_nothing(make_world):
    world, feeder = under_load(make_world, POINTS_REDIS_TIMEOUT_MS=500)
    with proxied(world.environment.redis_port) as proxy:
        processors = start(world, feeder, "a", POINTS_REDIS_PORT=proxy.port)
        proxy.freeze()
        feeder.finish(60)
        world.wait_caught_up(30)
        proxy.resume()
        finish(world, feeder, processors)


def test_network_to_redis_cut_again_and_again(make_world):
    world, feeder = under_load(make_world)
    with proxied(world.environment.redis_port) as proxy:
        processors = start(world, feeder, "a", "b", POINTS_REDIS_PORT=proxy.port)
        for _ in range(8):
            time.sleep(0.4)
            proxy.cut()
            time.sleep(0.2)
            proxy.resume()
        finish(world, feeder, processors)


def test_a_newer_version_in_redis_is_not_overwritten(world):
    """After a fail-over a stale write may come late: versions decide, whoever writes."""
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000))
    world.processor().start()
    world.wait_caught_up()
    verify(world)
    key = f"{world.redis_prefix}:{{shop/anna}}"
    with world.redis() as connection:
        version = int(connection.hget(key, "version"))
        connection.hset(key, mapping={"version": version + 2, "balance:points": 777})
        world.publish(shop.paid("anna", "o-2", 3000))
        world.wait_caught_up()
        time.sleep(1)
        assert connection.hget(key, "balance:points") == "777"
        world.publish(shop.paid("anna", "o-3", 1000))
        until(lambda: connection.hget(key, "balance:points") == "60", 10, "the same version or a newer one is written")
    verify(world)


def test_rebuilding_redis_while_processors_run(make_world):
    world, feeder = under_load(make_world, events=2000, seconds=6)
    processors = start(world, feeder, "a", "b")
    for n in range(4):
        world.points("redis", "rebuild", *(["--empty-first"] if n == 2 else []))
        time.sleep(0.5)
    finish(world, feeder, processors)
    assert world.points("redis", "rebuild", "--dry-run").returncode == 0


# ---- Kafka


def test_kafka_restarted(make_world):
    world, feeder = under_load(make_world, events=1500, seconds=6)
    processors = start(world, feeder, "a", "b")
    world.environment.service("restart", "kafka")
    finish(world, feeder, processors, 90)


def test_kafka_killed(make_world):
    world, feeder = under_load(make_world, events=1500, seconds=6)
    processors = start(world, feeder, "a", "b")
    world.environment.service("kill", "kafka")
    time.sleep(1)
    world.environment.service("start", "kafka")
    finish(world, feeder, processors, 90)


def test_network_to_kafka_cut_again_and_again(make_world):
    """Also while transactions end, whose outcome is then unknown (rules 3 and 4)."""
    world, feeder = under_load(make_world, events=2400, seconds=9, POINTS_BATCH_MAX_EVENTS=200)
    environment = world.environment
    with proxied(environment.kafka_proxied_port, environment.kafka_proxy_port) as proxy:
        processors = start(world, feeder, "a", "b", POINTS_KAFKA_BROKERS=f"127.0.0.1:{proxy.port}")
        rng = random.Random(4)
        for _ in range(9):
            time.sleep(rng.uniform(0.2, 0.8))
            proxy.cut()
            time.sleep(rng.uniform(0.0, 0.4))
            proxy.resume()
        finish(world, feeder, processors, 90)


@pytest.mark.parametrize("seconds", [4, 14], ids=["shorter than the transaction's time-out", "longer than it"])
def test_network_to_kafka_swallows_everything_for_a_while(make_world, seconds):
    """The other instance takes over where the session ends; the transaction times out under its producer."""
    world, feeder = under_load(make_world, events=1500, seconds=5)
    environment = world.environment
    with proxied(environment.kafka_proxied_port, environment.kafka_proxy_port) as proxy:
        (cut_off,) = start(world, feeder, "a", POINTS_KAFKA_BROKERS=f"127.0.0.1:{proxy.port}")
        world.processor("b").start()
        time.sleep(2)
        proxy.freeze()
        time.sleep(seconds)
        proxy.resume()
        feeder.finish(60)
        world.wait_caught_up(90)
        verify(world)
        assert cut_off.running() or cut_off.status() == 7, cut_off.tail()


def test_the_end_of_a_transaction_goes_astray(make_world):
    """Rule 4: of one instance the request to end its transaction is lost, of the other the answer, for longer than they wait.
    Neither may take the outcome for known: they read K and publish [K, P) again."""
    world, feeder = under_load(make_world, events=1000, seconds=6, partitions=2, POINTS_KAFKA_TRANSACTION_TIMEOUT_MS=120000)
    environment = world.environment
    with proxied(environment.kafka_proxied_port, environment.kafka_proxy_port, KafkaProxy) as proxy:
        processors = start(world, feeder, "a", "b", POINTS_KAFKA_BROKERS=f"127.0.0.1:{proxy.port}")
        names = {name: f"{world.group}-{name}" for name in "ab"}
        until(lambda: set(names.values()) <= proxy.ended, 20, "both publish")
        proxy.lose_requests, proxy.lose_answers = {names["a"]}, {names["b"]}
        feeder.finish(60)
        shop = Shop(at=1750000000_000000)
        for partition in range(world.partitions):
            world.publish(*(shop.paid(f"more-{n}", f"more-{partition}-{n}", 2000) for n in range(20)), partition=partition)
        until(lambda: {(names["a"], "request"), (names["b"], "answer")} <= set(proxy.lost), 15, "ends of both have gone astray")
        for processor in processors:
            until(lambda: "publisher.in_doubt" in processor.log(), 45, f"instance {processor.instance} doubts the outcome")
        proxy.resume()
        finish(world, feeder, processors, 60)


def test_a_slow_network_to_kafka(make_world):
    """Each piece 700 ms late: calls take long enough that the client may have retried inside (rule 3)."""
    world, feeder = under_load(make_world, events=900, seconds=4)
    environment = world.environment
    with proxied(environment.kafka_proxied_port, environment.kafka_proxy_port) as proxy:
        processors = start(world, feeder, "a", POINTS_KAFKA_BROKERS=f"127.0.0.1:{proxy.port}")
        proxy.slow(0.35)
        feeder.finish(60)
        until(lambda: processors[0].log().count("producer.renewed") >= 2, 30, "a producer is renewed after each slow commit")
        proxy.resume()
        finish(world, feeder, processors, 90)


def test_partitions_added_while_it_runs(make_world):
    world, feeder = under_load(make_world, partitions=2)
    processors = start(world, feeder, "a", "b")
    topic = world.topics["order"]
    feeder.finish(60)
    world.add_partitions(topic, 5)
    shop = Shop(at=1750000000_000000)
    for partition in range(2, 5):
        world.publish(*(shop.paid(f"new-{n}", f"new-{partition}-{n}", 2000) for n in range(20)), partition=partition)
    world.publish(*(shop.paid(f"old-{n}", f"old-{n}", 2000) for n in range(200)))
    finish(world, feeder, processors, 60)
    assert world.query("SELECT count(DISTINCT partition) FROM entries JOIN topics USING (topic_no) WHERE name = %s", topic)[0][0] == 5


def test_everything_away_at_the_start(make_world):
    """PostgreSQL, Redis and Kafka come back after the program has begun: waited for, not an error."""
    world = make_world(inputs=["order"]).apply(SHOP)
    world.publish(Shop().paid("anna", "o-1", 2000))
    for service in ("postgres", "redis"):
        world.environment.service("stop", service)
    try:
        processor = world.processor().start()
        time.sleep(3)
        assert processor.running(), processor.tail()
    finally:
        for service in ("redis", "postgres"):
            world.environment.service("start", service)
    world.wait_caught_up(30)
    verify(world)
