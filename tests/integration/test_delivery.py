"""Each event once: duplicates, conflicts, replay, and positions that do not fit."""
from __future__ import annotations

import psycopg
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition

from lib.events import Shop, line
from lib.observe import observe
from lib.processor import until
from lib.programs import SHOP, SHOP_2
from lib.verify import redis_balances, verify
from lib.workload import Workload

OPERATOR = 8  # exit status: an operator must decide


def available(world, member: str) -> int:
    return redis_balances(world).get((("shop", member), "points"), (0, 0))[0]


def run_once(world) -> tuple:
    """Processes what is there, ends the processor, checks everything."""
    processor = (world.processors[0] if world.processors else world.processor()).start()
    world.wait_caught_up()
    checked = verify(world)
    # What `offsets reset --to-ledger` finds in the outbox it publishes again, with the same ids: none of it is to be there.
    until(lambda: world.query("SELECT count(*) FROM outbox") == [(0,)], 10, "what is published has left the outbox")
    assert processor.terminate() == 0
    return checked


def stopped_with(processor, error: str, seconds: float = 30) -> str:
    assert processor.wait(seconds) == OPERATOR, processor.tail()
    log = processor.last_run_log()
    assert error in log, processor.tail()
    return log


# ---- duplicates and conflicts


def test_duplicates_count_once_on_whatever_partition_and_topic(world):
    shop = Shop()
    event = shop.paid("anna", "o-1", 2000)
    world.publish(event, event, partition=0)
    world.publish(event, event, partition=1)
    elsewhere = world.plan(event, 1)
    elsewhere.topic = world.topics["review"]
    world.send(elsewhere)
    seen, _ = run_once(world)
    assert sum(len(entries) for entries in seen.entries.values()) == 1 and not seen.dead
    processor = world.processors[0].start()
    world.publish(event, shop.paid("anna", "o-2", 1000))  # long after, to another process
    world.wait_caught_up()
    verify(world)
    assert available(world, "anna") == 30 and processor.running()


def test_the_same_id_with_other_content_is_a_conflict(world):
    shop = Shop()
    event = shop.paid("anna", "o-1", 2000)
    world.publish(event, dict(event, coupon="OTHER"), dict(event, occurred_at=event["occurred_at"] + 1), event, partition=0)
    seen, _ = run_once(world)
    assert list(seen.dead.values()) == ["conflicting_duplicate"] * 2
    processor = world.processors[0].start()
    world.publish(dict(event, member_id="bert"), partition=1)
    world.wait_caught_up()
    seen, _ = verify(world)
    assert list(seen.dead.values()) == ["conflicting_duplicate"] * 3 and processor.running()


def test_a_conflict_is_one_whatever_the_batches(make_world):
    """An event of an unknown program under an id that is taken: a conflict, in the batch of the first as in a later one."""
    for size in ("1", "100"):
        world = make_world(inputs=["order"], POINTS_BATCH_MAX_EVENTS=size).apply(SHOP)
        event = Shop().paid("anna", "o-1", 2000)
        world.publish(event, dict(event, program_id="nowhere"), dict(event, member_id="bert"), partition=0)
        seen, _ = run_once(world)
        assert list(seen.dead.values()) == ["conflicting_duplicate"] * 2


def test_another_source_may_use_the_same_id(world):
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000, id="1"), shop.paid("anna", "o-2", 3000, id="1", source="/other"))
    run_once(world)
    assert available(world, "anna") == 50


def test_a_batch_of_nothing_but_one_member(make_world):
    """Many events of one member on all partitions, two instances: the member's version decides, the loser folds again."""
    world = make_world(partitions=4, inputs=["order", "activity"]).apply(SHOP)
    shop = Shop()
    for processor in (world.processor("0"), world.processor("1")):
        processor.start()
    for at in range(0, 400, 20):
        world.send(*(world.plan(shop.activity("miles_walked", "anna", 100), n % 4) for n in range(at, at + 20)))
    world.wait_caught_up(60)
    verify(world)
    assert available(world, "anna") == 400


def test_referrals_both_ways_on_two_instances(make_world):
    """Events that touch two members, in both orders, on two instances: members are locked in one order; who loses folds again."""
    world = make_world(partitions=4, inputs=["referral", "activity"], POINTS_BATCH_MAX_EVENTS=50).apply(SHOP)
    shop = Shop()
    for processor in (world.processor("0"), world.processor("1")):
        processor.start()
    names, records = [f"member-{n}" for n in range(8)], []
    for n in range(800):
        a, b = names[n % 8], names[(n * 3 + 1 + n // 8) % 8]
        referee = b if n < 64 else f"friend-{n % 40}"
        records.append(world.plan(shop.referral("converted", (a, referee)[n % 2], a, referee), n % 4))
        records.append(world.plan(shop.activity("miles_walked", b, 1000), (n + 1) % 4))
    for at in range(0, len(records), 100):
        world.send(*records[at:at + 100])
    world.wait_caught_up(60)
    seen, _ = verify(world)
    assert not seen.dead


# ---- replay


def test_replaying_every_topic_changes_nothing(make_world):
    world = make_world(partitions=3).apply(SHOP)
    world.send(*Workload(world, seed=11, members=30, poison=0.05, conflicts=0.05).plan(600))
    before = run_once(world)[0].snapshot()
    world.points("offsets", "reset", "--to-beginning", "--yes")
    processor = world.processors[0].start()
    until(lambda: sum(world.applied().values()) < 600 or world.caught_up(), 20, "the replay begins")
    world.wait_caught_up(60)
    after = verify(world)[0].snapshot()
    assert after == before, [name for name in before if before[name] != after[name]]
    world.publish(Shop().paid("late", "o-x", 2000, id="after the replay"))
    world.wait_caught_up()
    verify(world)
    assert processor.terminate() == 0


def test_a_replay_interrupted_by_a_kill_changes_nothing(make_world):
    world = make_world(partitions=2, inputs=["order", "activity", "review"], POINTS_BATCH_MAX_EVENTS=50).apply(SHOP)
    shop = Shop()
    world.publish(*(shop.paid(f"member-{n % 40}", f"o-{n}", 1000 + n) for n in range(2000)))
    before = run_once(world)[0].snapshot()
    world.points("offsets", "reset", "--to-beginning", "--yes")
    processor = world.processors[0]
    for _ in range(3):
        processor.start()
        base = sum(world.applied().values())
        until(lambda: sum(world.applied().values()) > base or world.caught_up(), 40, "the replay goes on")
        processor.kill()
    processor.start()
    world.wait_caught_up(60)
    assert verify(world)[0].snapshot() == before


def test_a_reset_is_refused_while_an_instance_runs_and_without_yes(world):
    world.publish(Shop().paid("anna", "o-1", 2000))
    processor = world.processor().start()
    world.wait_caught_up()
    refused = world.points("offsets", "reset", "--to-beginning", "--yes", check=False)
    assert refused.returncode != 0 and processor.running()
    assert processor.terminate() == 0
    committed, applied = world.committed(), world.applied()
    world.points("offsets", "reset", "--to-beginning")
    assert (world.committed(), world.applied()) == (committed, applied), "without --yes it only says what it would do"


# ---- positions that do not fit


def test_offsets_set_by_another_tool_stop_it(world):
    """Rule 8: an offset without our signature was set by somebody else."""
    world.publish(*(Shop().paid("anna", f"o-{n}", 2000, id=f"e-{n}") for n in range(5)))
    run_once(world)
    where = world.history[0]
    moved = [TopicPartition(where.topic, where.partition, 2)]
    for future in world.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(world.group, moved)]).values():
        future.result(10)
    before = observe(world).snapshot()
    stopped_with(world.processors[0].start(), "offset_unsigned")
    assert observe(world).snapshot() == before
    world.points("offsets", "reset", "--to-ledger", "--yes")
    world.publish(Shop().paid("anna", "o-9", 1000, id="e-9"))
    run_once(world)


def test_a_database_restored_from_an_older_backup_stops_it(world):
    """K > P: never skipped."""
    shop = Shop()
    world.publish(*(shop.paid("anna", f"o-{n}", 2000) for n in range(5)))
    run_once(world)
    backup = f"{world.database}_backup"
    with psycopg.connect(world.environment.postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{backup}" TEMPLATE "{world.database}"')
        world.publish(*(shop.paid("anna", f"p-{n}", 3000) for n in range(5)))
        first = run_once(world)[0]
        admin.execute(f'DROP DATABASE "{world.database}" WITH (FORCE)')
        admin.execute(f'ALTER DATABASE "{backup}" RENAME TO "{world.database}"')
    log = stopped_with(world.processors[0].start(), "offset_ahead_of_database")
    assert "backup" in log
    assert world.query("SELECT count(*) FROM entries")[0][0] == 5, "nothing was skipped or decided"
    world.points("offsets", "reset", "--to-ledger", "--yes")
    world.points("redis", "rebuild", "--empty-first")
    processor = world.processors[0].start()
    world.wait_caught_up()
    assert available(world, "anna") == 5 * 20 + 5 * 30
    again = {message.value() for message in world.read(world.rewards)}
    assert again == {message.value() for message in first.reward_messages}, "what is published again has the same id and bytes"
    assert processor.terminate() == 0


def test_a_topic_made_anew_stops_it(make_world):
    """Kafka forgets the group's offsets with the topic; even with them set again, the position is not of this log."""
    world = make_world(inputs=["order"]).apply(SHOP)
    shop = Shop()
    world.publish(*(shop.paid("anna", f"o-{n}", 2000) for n in range(8)), partition=0)
    before = run_once(world)[0].raw_entries
    topic = world.topics["order"]
    world.delete_topics(topic)
    world.create_topics(topic)
    world.publish(shop.paid("anna", "new", 5000), partition=0)
    processor = world.processors[0].start()
    assert processor.wait(30) == OPERATOR, processor.tail()
    assert any(name in processor.last_run_log() for name in ("topic_recreated", "offset_missing")), processor.tail()
    reset = world.points("offsets", "reset", "--to-ledger", "--yes", check=False)
    if reset.returncode == 0:
        stopped_with(world.processors[0].start(), "topic_recreated")
    else:
        assert reset.returncode == OPERATOR and "anew" in reset.stderr, reset.stderr
    assert world.query("SELECT count(*) FROM entries")[0][0] == len(before)


def test_records_deleted_before_they_were_read_stop_it(make_world):
    world = make_world(inputs=["order"]).apply(SHOP)
    shop = Shop()
    world.publish(*(shop.paid("anna", f"o-{n}", 2000) for n in range(3)), partition=0)
    run_once(world)
    world.publish(*(shop.paid("anna", f"p-{n}", 2000) for n in range(6)), partition=0)
    for future in world.admin.delete_records([TopicPartition(world.topics["order"], 0, 6)]).values():
        future.result(10)
    stopped_with(world.processors[0].start(), "topic_recreated")
    assert world.query("SELECT count(*) FROM entries")[0][0] == 3


def test_lost_offsets_stop_it_where_something_was_applied(world):
    """Rule 7: K missing and P > 0."""
    world.publish(Shop().paid("anna", "o-1", 2000))
    run_once(world)
    for future in world.admin.delete_consumer_groups([world.group]).values():
        future.result(10)
    stopped_with(world.processors[0].start(), "offset_missing")
    world.points("offsets", "reset", "--to-ledger", "--yes")
    world.publish(Shop().paid("anna", "o-2", 3000, id="second"))
    run_once(world)
    assert available(world, "anna") == 50


def test_a_first_start_on_a_topic_whose_beginning_is_gone(make_world):
    """Rule 7: K missing and P = 0: begin where the log begins, and commit before the first batch."""
    world = make_world(inputs=["order"]).apply(SHOP)
    shop = Shop()
    records = world.publish(*(shop.paid("anna", f"o-{n}", 2000) for n in range(6)), partition=0)
    for future in world.admin.delete_records([TopicPartition(world.topics["order"], 0, 4)]).values():
        future.result(10)
    world.history = [record for record in records if record.offset >= 4]
    run_once(world)
    assert available(world, "anna") == 40


def test_committed_offsets_are_signed(world):
    world.publish(Shop().paid("anna", "o-1", 2000))
    run_once(world)
    shown = world.points_json("offsets", "show")
    assert shown and all(row["signed"] for row in shown)
    where = world.history[0]
    moved = [TopicPartition(where.topic, where.partition, where.offset + 1)]
    for future in world.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(world.group, moved)]).values():
        future.result(10)
    rows = {(row["topic"], row["partition"]): row["signed"] for row in world.points_json("offsets", "show")}
    assert not rows.pop((where.topic, where.partition)), "the same position without the signature is not ours"
    assert all(rows.values())


def test_control_records_make_offsets_jump(make_world):
    """A transactional writer of input: aborted events do not exist, offsets are not contiguous."""
    world = make_world(inputs=["order"]).apply(SHOP)
    shop = Shop()
    producer = Producer({"bootstrap.servers": world.environment.brokers, "transactional.id": world.name})
    producer.init_transactions(20)
    for n in range(6):
        record = world.plan(shop.paid("anna", f"o-{n}", 1000 * (n + 1)), 0)
        producer.begin_transaction()
        offsets = []
        producer.produce(record.topic, value=record.value, partition=0, timestamp=record.timestamp,
                         on_delivery=lambda error, message: offsets.append(message.offset()))
        producer.flush(10)
        if n % 3 == 1:
            producer.abort_transaction(20)
        else:
            producer.commit_transaction(20)
            (record.offset,) = offsets
            world.history.append(record)
    last = world.history[-1].offset
    processor = world.processor().start()
    where = (world.topics["order"], 0)
    until(lambda: world.applied().get(where, 0) > last and world.committed().get(where, 0) > last, 30, "all committed input is applied")
    verify(world)
    assert processor.terminate() == 0
    assert available(world, "anna") == 10 + 30 + 40 + 60 + 4


# ---- programs


def test_a_program_applied_while_running_counts_for_all_instances(make_world):
    """Every batch compares the revision: no event is decided under a set of programs that an instance had not seen."""
    world = make_world(partitions=4, inputs=["order"]).apply(SHOP)
    late = Shop(at=1750000000_000000)  # after the second version's date
    for processor in (world.processor("0"), world.processor("1")):
        processor.start()
    for n in range(40):
        world.publish(late.paid(f"member-{n}", f"old-{n}", 2000), partition=n % 4)
    world.wait_caught_up()
    world.apply(SHOP_2)
    for n in range(40):
        world.publish(late.paid(f"member-{n}", f"new-{n}", 2000), partition=n % 4)
    world.wait_caught_up()
    versions = world.query("SELECT subject, program_version, amount FROM entries")
    assert {version for subject, version, _ in versions if subject.startswith("old")} == {1}
    assert {version for subject, version, _ in versions if subject.startswith("new")} == {2}
    assert {amount for subject, _, amount in versions if subject.startswith("new")} == {40}


def test_a_program_applied_under_load_changes_each_partition_at_one_point(make_world):
    world = make_world(partitions=4, inputs=["order"], POINTS_BATCH_MAX_EVENTS=100).apply(SHOP)
    late = Shop(at=1750000000_000000)
    for processor in (world.processor("0"), world.processor("1")):
        processor.start()
    for chunk in range(30):
        world.publish(*(late.paid(f"member-{n}", f"o-{chunk}-{n}", 2000) for n in range(100)))
        if chunk == 0:
            world.wait_caught_up()
        if chunk == 14:
            world.apply(SHOP_2)
    world.wait_caught_up(60)
    rows = world.query("SELECT partition, program_version FROM entries ORDER BY partition, input_offset")
    for partition in range(4):
        versions = [version for number, version in rows if number == partition]
        assert versions == sorted(versions), "no event was decided under the old set after a later one under the new"
    assert {version for _, version in rows} == {1, 2}
    assert len(rows) == 3000


# ---- privileges


@pytest.fixture
def login(world):
    """A login that has only the runtime role."""
    name = f"u_{world.database[-20:]}"
    with psycopg.connect(world.environment.postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x' IN ROLE points_runtime, points_reader")
        yield world.postgres_url.replace(world.postgres_url.split("//")[1].split("@")[0], f"{name}:x")
        admin.execute(f"DROP OWNED BY {name}")
        admin.execute(f"DROP ROLE {name}")


APPEND_ONLY = ("entries", "event_keys", "programs", "zone_databases", "dead_letters")


def test_the_runtime_role_is_enough_and_cannot_change_the_past(world, login):
    world.publish(Shop().paid("anna", "o-1", 2000), Shop().order("paid", "anna", "x", [line("a")], "XAU", id="bad"))
    processor = world.processor(POINTS_POSTGRES_URL=login).start()
    world.wait_caught_up()
    verify(world)
    with psycopg.connect(login, autocommit=True) as connection:
        for table in APPEND_ONLY:
            column = connection.execute(f"SELECT * FROM {table} LIMIT 0").description[0].name
            for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
    assert processor.terminate() == 0


def test_even_the_owner_cannot_change_the_past(world):
    world.publish(Shop().paid("anna", "o-1", 2000))
    run_once(world)
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        for statement in ("UPDATE entries SET amount = amount + 1", "DELETE FROM entries", "TRUNCATE entries",
                          "DELETE FROM event_keys", "UPDATE programs SET source = ''",
                          "DELETE FROM zone_databases"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                connection.execute(statement)


def test_the_reader_role_reads_and_nothing_else(world, login):
    with psycopg.connect(login, autocommit=True) as connection:
        connection.execute("SET ROLE points_reader")
        connection.execute("SELECT count(*) FROM postings")
        for statement in ("INSERT INTO projection DEFAULT VALUES", "UPDATE positions SET applied = 0", "DELETE FROM outbox"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


# ---- settings that exactness rests on


@pytest.mark.parametrize("line_", ["isolation.level=read_uncommitted", "enable.auto.commit=true", "transactional.id=mine",
                                   "partition.assignment.strategy=cooperative-sticky", "auto.offset.reset=earliest"])
def test_properties_that_exactness_rests_on_are_refused(make_world, tmp_path, line_):
    """K read while the old owner's transaction is pending would be wrong: an override is refused."""
    path = tmp_path / "kafka.properties"
    path.write_text(line_ + "\n")
    world = make_world(inputs=["order"])
    processor = world.processor(POINTS_KAFKA_PROPERTIES_FILE=str(path)).start()
    assert processor.wait(10) == 3
    assert line_.split("=")[0] in processor.log()


def test_another_group_over_the_same_ledger_changes_nothing(world):
    """Events are known by their keys, and what was refused by its coordinates, whoever reads the topics again."""
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000), shop.paid("ben", "o-2", 3000), partition=0)
    world.send(world.poison("order", b"no event", "undecodable", 0, timestamp=shop.now // 1000))
    run_once(world)
    entries, letters = world.query("SELECT * FROM entries ORDER BY 1, 2"), len(world.read(world.dead_letters))
    world.group = f"{world.group}-other"
    world.settings["POINTS_KAFKA_GROUP"] = world.group
    world.processor("other").start()
    world.wait_caught_up()
    assert world.query("SELECT * FROM entries ORDER BY 1, 2") == entries
    assert len(world.read(world.dead_letters)) == letters == 1
