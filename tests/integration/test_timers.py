"""Timers: quiet members are woken when the watermark has passed what they owe, once, whatever dies meanwhile."""
from __future__ import annotations

import hashlib
import time
import uuid

import psycopg
import pytest
from confluent_kafka import Producer

from lib import events, wire
from lib.events import DAY, SECOND, START, Shop
from lib.observe import micros, observe
from lib.processor import until
from lib.programs import SHOP, SHOP_2
from lib.verify import verify

SOURCE = "/points/timers"
REST = 3  # seconds: more than two rounds that find nothing


def owe(world, due_at: int, *members: str):
    """As if the members' states had an obligation then."""
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        for member in members:
            changed = connection.execute("UPDATE members SET due_at = %s WHERE member_id = %s", (due_at, member))
            assert changed.rowcount == 1, f"{member} is not there"


def member_key(program: str, member: str) -> bytes:
    fields = (b"member", program.encode(), member.encode())
    return hashlib.blake2b(b"".join(len(f).to_bytes(8, "little") + f for f in fields), digest_size=16).digest()


def owe_many(world, count: int, due_at) -> list:
    """That many new members, m-0, m-1 …, each due at due_at(number), with the state of a member that is there."""
    names = [f"m-{number}" for number in range(count)]
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        state = connection.execute("SELECT state FROM members LIMIT 1").fetchone()[0]
        with connection.cursor().copy("COPY members (member_key, version, program_id, member_id, state, due_at) FROM STDIN"
                                      " (FORMAT binary)") as rows:
            rows.set_types(["uuid", "int8", "text", "text", "bytea", "int8"])
            for number, name in enumerate(names):
                rows.write_row((uuid.UUID(bytes=member_key("shop", name)), 1, "shop", name, state, due_at(number)))
    return names


def timers(world) -> list:
    """The timers on the topic, each with its record under `message`."""
    found = []
    for message in world.read(world.topics["timer"]):
        timer = wire.decode("timer", message.value())
        timer["message"] = message
        for name in ("occurred_at", "due_at"):
            timer[name] = micros(timer[name])
        found.append(timer)
    return found


def woken(world) -> list:
    return sorted(timer["member_id"] for timer in timers(world))


def seed(world, *members: str, at: int = START):
    """Members with points, applied by a processor that has ended again."""
    shop = Shop(at=at)
    world.publish(*(shop.paid(member, f"o-{member}", 2000) for member in members))
    processor = world.processor().start()
    world.wait_caught_up()
    assert processor.terminate() == 0
    return shop, processor


def test_a_quiet_member_is_woken_once(world):
    _, processor = seed(world, "anna", "bert", "carl")
    owe(world, START + DAY, "anna")
    owe(world, int(time.time() + 7 * 86400) * SECOND, "bert")
    processor.start()
    until(lambda: woken(world), 20, "anna is woken")
    world.wait_caught_up()
    timer, = timers(world)
    assert timer["source"] == SOURCE and timer["program_id"] == "shop" and timer["member_id"] == "anna"
    assert timer["occurred_at"] == timer["due_at"] == START + DAY and timer["kind"] == "due"
    assert timer["id"] == f"{member_key('shop', 'anna').hex()}-{START + DAY}-1"
    assert timer["message"].key() == b"anna"
    assert abs(timer["message"].timestamp()[1] / 1000 - time.time()) < 60, "retention must not take an old timer away at once"
    time.sleep(REST)
    assert woken(world) == ["anna"], "there is no obligation that it could settle; that is no reason to send it for ever"
    assert any(line["event"] == "timers.in_vain" for line in processor.events())
    world.apply(SHOP_2)
    until(lambda: woken(world) == ["anna", "anna"], 20, "the programs have changed, so it may help to try again")
    time.sleep(REST)
    assert woken(world) == ["anna", "anna"]
    world.adopt_timers()
    verify(world)


def test_an_event_of_the_member_settles_what_a_timer_would(world):
    shop, processor = seed(world, "anna")
    owe(world, START + DAY, "anna")
    world.publish(shop.paid("anna", "o-2", 1000))
    processor.start()
    world.wait_caught_up()
    assert world.query("SELECT due_at FROM members") == [(None,)], "written with the state: nothing falls due in it"
    time.sleep(REST)
    assert woken(world) in ([], ["anna"]), "whichever came first"
    world.adopt_timers()
    verify(world)


def test_history_holds_the_watermark_back(make_world):
    world = make_world(inputs=["order", "review", "timer"]).apply(SHOP)
    history = {"POINTS_KAFKA_HISTORY_TOPICS": world.topics["order"]}
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000, occurred_at=START + 10 * DAY),
                  shop.paid("bert", "o-2", 2000, occurred_at=START + 8 * DAY))
    assert world.partition_of("anna") != world.partition_of("bert"), "one on each partition"
    processor = world.processor().start(**history)
    world.wait_caught_up()
    owe(world, START + 8 * DAY, "anna")
    owe(world, START + 9 * DAY, "bert")
    until(lambda: woken(world) == ["anna"], 20, "anna is woken, due when the least partition's newest event occurred")
    time.sleep(REST)
    assert woken(world) == ["anna"]
    world.publish(shop.paid("carl", "o-3", 2000, occurred_at=START + 9 * DAY), partition=world.partition_of("bert"))
    until(lambda: woken(world) == ["anna", "bert"], 20, "the history has come to the time when bert was due")
    shown = world.points("timers", "show", "--json", **history)
    assert processor.terminate() == 0
    assert f'"watermark": {START + 9 * DAY}' in shown.stdout, shown.stdout
    owe(world, START + 300 * DAY, "carl")
    processor.start()  # the history is complete
    until(lambda: woken(world) == ["anna", "bert", "carl"], 20, "a topic that is no history counts as now")
    world.wait_caught_up()
    world.adopt_timers()
    verify(world)


def test_a_transaction_s_end_is_no_record_that_is_waited_for(world):
    """Behind the last record of a transaction stands its marker, which no position ever passes."""
    _, processor = seed(world, "anna")
    owe(world, START + DAY, "anna")
    producer = Producer({"bootstrap.servers": world.environment.brokers, "transactional.id": world.name})
    producer.init_transactions(20)
    for topic in (world.topics["order"], world.topics["timer"]):
        for commit in (True, False):
            producer.begin_transaction()
            event = events.make("timer", "due", f"{topic}-{commit}", "anna", "shop", START, obligation="any", due_at=START)
            producer.produce(topic, events.encode(event), key=b"anna", partition=0)
            producer.commit_transaction(20) if commit else producer.abort_transaction(20)
    processor.start()
    mine = member_key("shop", "anna").hex()
    until(lambda: any(timer["id"].startswith(mine) for timer in timers(world)), 20, "anna is woken")
    assert processor.terminate() == 0


def test_a_refused_timer_is_sent_once(world):
    _, processor = seed(world, "anna", "bert")
    long_ago = START - 365 * DAY  # no version of the program was in force then
    owe(world, long_ago, "anna")
    owe(world, START + DAY, "bert")
    processor.start(POINTS_LIMIT_PAST_S="60")
    until(lambda: woken(world) == ["anna", "bert"], 20, "both are woken, however long ago they were due")
    world.wait_caught_up()
    time.sleep(REST)
    assert woken(world) == ["anna", "bert"]
    assert world.query("SELECT reason FROM dead_letters") == [("unknown_program",)]
    assert world.query("SELECT due_at FROM members WHERE member_id = 'anna'") == [(long_ago,)], "she owes it still"
    world.adopt_timers()
    verify(world)


def test_many_are_woken_in_order_and_not_before_those_on_the_way_are_consumed(world):
    _, processor = seed(world, "anna")
    count = 25_000
    owe_many(world, count, lambda number: START + (number * 7919) % count * SECOND)
    processor.start(POINTS_BATCH_MAX_EVENTS="300")  # so that they stay on the way for a while
    until(lambda: world.query("SELECT count(*) FROM timers_in_vain") == [(count,)], 60, "all are woken", every=0.5)
    found = timers(world)
    assert len(found) == count and len({timer["id"] for timer in found}) == count
    for partition in range(world.partitions):
        dues = [timer["due_at"] for timer in found if timer["message"].partition() == partition]
        assert dues == sorted(dues)
    sent = [line for line in processor.events() if line["event"] == "timers.sent"]
    assert len(sent) == 3, sent
    assert processor.terminate() == 0


def test_timers_survive_kills_and_zombies(world):
    """Of three instances the one whose turn it is dies again and again; a frozen one wakes up as a zombie."""
    seed(world, "anna")
    count = 12_000
    instances = [world.processor(str(number)).start() for number in range(3)]
    until(lambda: all(any(line["event"] == "group.assigned" for line in i.events()) for i in instances), 30, "all have joined")
    owe_many(world, count, lambda number: START + number * SECOND)

    def settled() -> int:
        return world.query("SELECT count(*) FROM timers_in_vain")[0][0]

    for turn in range(3):
        instances[turn].kill()
        time.sleep(0.5)
        instances[turn].start()
        instances[(turn + 1) % 3].freeze()
        time.sleep(1)
        instances[(turn + 1) % 3].thaw()
    until(lambda: settled() == count, 90, "all are woken", every=0.5)
    world.wait_caught_up()
    found = timers(world)
    assert {timer["member_id"] for timer in found} == {f"m-{number}" for number in range(count)}
    assert world.query("SELECT count(*) FROM event_keys") == [(1 + len({timer["id"] for timer in found}),)]
    before = observe(world).snapshot()
    time.sleep(REST)
    assert len(timers(world)) == len(found), "nothing is sent any more"
    assert observe(world).snapshot() == before


@pytest.mark.parametrize("service", ["kafka", "postgres"])
def test_timers_go_on_when_a_service_has_died(world, service):
    _, processor = seed(world, "anna")
    count = 30_000
    owe_many(world, count, lambda number: START + number * SECOND)
    processor.start(POINTS_BATCH_MAX_EVENTS="500")
    until(lambda: any(line["event"] == "timers.sent" for line in processor.events()), 30, "the first are sent")
    world.environment.service("kill", service)
    until(lambda: any(line["event"] == "timers.wait" for line in processor.events()), 60, "the timers wait for it")
    world.environment.service("start", service)

    def settled() -> int:
        try:
            return world.query("SELECT count(*) FROM timers_in_vain")[0][0]
        except psycopg.OperationalError:
            return 0

    until(lambda: settled() == count, 120, "all are woken", every=0.5)
    assert processor.running()
    assert {timer["member_id"] for timer in timers(world)} == {f"m-{number}" for number in range(count)}


def test_a_replay_sends_nothing(world):
    _, processor = seed(world, "anna", "bert")
    owe(world, START + DAY, "anna", "bert")
    processor.start()
    until(lambda: len(woken(world)) == 2, 20, "both are woken")
    world.wait_caught_up()
    time.sleep(REST)
    assert processor.terminate() == 0
    world.adopt_timers()
    before = verify(world)[0].snapshot()
    world.points("offsets", "reset", "--to-beginning", "--yes")
    processor.start()
    world.wait_caught_up()
    time.sleep(REST)
    assert verify(world)[0].snapshot() == before
    assert len(woken(world)) == 2
