"""Timers: quiet members are woken when the watermark has passed what they owe, once, whatever dies meanwhile."""
from __future__ import annotations

import hashlib
import json
import time
import uuid
from datetime import datetime, timezone

import psycopg
import pytest
from confluent_kafka import Producer

from lib import events, wire
from lib.events import DAY, SECOND, START, Shop
from lib.observe import key_hash, micros, observe
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


def test_a_partition_that_is_not_read_holds_the_watermark_back(world):
    """While a partition holds what is not applied, what is due later than its newest event waits."""
    shop, processor = seed(world, "anna", "bert")
    processor.start()
    until(lambda: "group.assigned" in processor.last_run_log(), 30, "it has its partitions")
    with psycopg.connect(world.postgres_url) as connection:
        connection.execute("SELECT * FROM positions JOIN topics USING (topic_no) WHERE name = %s AND partition = 1 FOR UPDATE",
                           (world.topics["order"],))
        world.publish(shop.paid("carl", "o-3", 1000, occurred_at=START + 2 * DAY), partition=1)
        owe(world, START + DAY, "anna")
        time.sleep(REST)
        assert timers(world) == []
        shown = json.loads(world.points("timers", "show", "--json").stdout)
        assert shown["held_by"] == {"topic": world.topics["order"], "partition": 1, "history": False}, shown
        assert shown["watermark"] < START + DAY and shown["due"] == 0 and shown["later"] == 1
    until(lambda: woken(world) == ["anna"], 30, "it is read to its end")
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


# ---- points that end


ENDING = SHOP.replace("points: {decimals: 0}", "points: {decimals: 0, expire: 90 days, warn: [30 days]}")
END = int(datetime(2025, 8, 30, 22, tzinfo=timezone.utc).timestamp()) * SECOND  # of points from START: midnight in Berlin
WITHOUT_COORDINATES = ("SELECT member_key, sequence, event_key, amount, wanted, occurred_at, program_version, kind, from_account,"
                       " to_account, program_id, partner_id, currency, rule_id, subject FROM entries ORDER BY 1, 2")
ACCRUAL, EXPIRY = 1, 9


def told(world, type_: str) -> list:
    """The values of the rewards of that type, as bytes."""
    return sorted(message.value() for message in world.read(world.rewards)
                  if wire.decode("reward", message.value())["type"] == type_)


def kinds(world) -> list:
    return world.query("SELECT m.member_id, e.kind, e.amount, e.occurred_at FROM entries e JOIN members m USING (member_key)"
                       " ORDER BY 1, e.sequence")


def audited(world):
    """Nothing is left to be published, nothing found that differs, and the ledger is what the model says."""
    until(lambda: world.query("SELECT count(*) FROM outbox") == [(0,)], 20, "all is published and shown")
    world.points("audit")
    world.adopt_timers()
    verify(world)


def quiet(world, processor):
    """The input is read, and nobody is left to be woken."""
    world.wait_caught_up()
    until(lambda: "nothing falls due" if world.query("SELECT 1 FROM members WHERE due_at < %s LIMIT 1", time.time_ns() // 1000) == []
          else None, 30, "all that is due is settled")
    world.wait_caught_up()
    assert processor.running()


def test_points_of_a_quiet_member_end(make_world):
    world = make_world().apply(ENDING)
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000))
    quiet(world, world.processor().start())
    assert kinds(world) == [("anna", ACCRUAL, 20, START + SECOND), ("anna", EXPIRY, 20, END)]
    assert [(timer["due_at"], timer["member_id"]) for timer in timers(world)] == [(END - 30 * DAY, "anna"), (END, "anna")]
    assert len(told(world, "points_expiring")) == len(told(world, "points_expired")) == 1
    assert world.query("SELECT count(*) FROM timers_in_vain") == [(0,)]
    audited(world)
    before = world.query("SELECT * FROM entries ORDER BY member_key, sequence"), len(world.read(world.rewards))
    assert world.processors[0].terminate() == 0
    world.points("offsets", "reset", "--to-beginning", "--yes")
    quiet(world, world.processors[0].start())
    time.sleep(REST)
    assert (world.query("SELECT * FROM entries ORDER BY member_key, sequence"), len(world.read(world.rewards))) == before
    assert len(timers(world)) == 2, "a replay wakes nobody"


def test_an_event_and_a_timer_write_the_same(make_world):
    ledgers, outputs = [], []
    for settings in ({}, {"POINTS_KAFKA_TIMERS_TOPIC": ""}):
        world = make_world().apply(ENDING)
        shop = Shop()
        world.publish(shop.paid("anna", "o-1", 2000), shop.paid("bert", "o-2", 5000))
        processor = world.processor().start(**settings)
        world.wait_caught_up()
        if not settings:
            quiet(world, processor)
        late = Shop(at=END + 5 * DAY)
        world.publish(late.paid("anna", "o-3", 1000, id="o-3"), late.paid("bert", "o-4", 1000, id="o-4"))
        world.wait_caught_up()
        ledgers.append(world.query(WITHOUT_COORDINATES))
        outputs.append([told(world, "points_expiring"), told(world, "points_expired")])
        assert len(timers(world)) == (0 if settings else 4)
        audited(world)
    assert ledgers[0] == ledgers[1] and len(ledgers[0]) == 7
    assert outputs[0] == outputs[1] and all(len(values) == 2 for values in outputs[0])


def test_what_a_late_event_brings_ends_at_the_same_time_again(make_world):
    """A member can owe something twice at one time: when the first was settled long ago, the second wakes it again."""
    world = make_world().apply(ENDING)
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000))
    processor = world.processor().start()
    quiet(world, processor)
    world.publish(shop.paid("anna", "o-2", 3000))
    quiet(world, processor)
    assert [(amount, at) for _, kind, amount, at in kinds(world) if kind == EXPIRY] == [(20, END), (30, END)]
    assert len({timer["id"] for timer in timers(world)}) == len(timers(world))
    audited(world)


def test_history_at_full_speed_lets_nothing_end_too_early(make_world):
    """A refund from before the end, which another partition has not brought yet when the end has long passed elsewhere."""
    world = make_world(inputs=["order", "timer"]).apply(ENDING)
    history = {"POINTS_KAFKA_HISTORY_TOPICS": world.topics["order"]}
    shop = Shop()
    first, second = (world.partition_of(name) for name in ("anna", "bert"))
    assert first != second
    world.publish(shop.paid("anna", "o-1", 2000), shop.paid("carl", "o-9", 1000, occurred_at=END + 60 * DAY), partition=first)
    world.publish(shop.paid("bert", "o-2", 2000), partition=second)
    processor = world.processor().start(**history)
    world.wait_caught_up()
    time.sleep(REST)
    assert timers(world) == [], "the second partition has not come so far"
    world.publish(shop.order("refunded", "anna", "o-1", refund_amount=500, occurred_at=END - 40 * DAY), partition=second)
    world.wait_caught_up()
    time.sleep(REST)
    assert timers(world) == []
    world.publish(shop.paid("dora", "o-5", 1000, occurred_at=END + 1), partition=second)
    until(lambda: len([1 for _, kind, _, _ in kinds(world) if kind == EXPIRY]) == 2, 20, "both have lost what was left")
    assert [(amount, at) for name, kind, amount, at in kinds(world) if name == "anna" and kind == EXPIRY] == [(15, END)]
    assert {timer["member_id"] for timer in timers(world)} == {"anna", "bert"}, "carl and dora have their points still"
    audited(world)
    assert processor.running()


def test_a_processor_that_was_down_catches_up_in_order(make_world):
    """Of a backlog of months, nothing falls due before every event from before it is applied."""
    world = make_world(inputs=["order", "review", "timer"]).apply(ENDING)
    history = {"POINTS_KAFKA_HISTORY_TOPICS": f"{world.topics['order']},{world.topics['review']}"}
    shop = Shop(step=3 * 3600 * SECOND)

    def days(numbers, members):
        made = [shop.paid(f"m-{members[number % len(members)]}", f"o-{number}", 1000 + number) if number % 5 else
                shop.review("approved", f"m-{members[number % len(members)]}", f"sku-{number}") for number in numbers]
        world.publish(*made)

    days(range(400), range(40))
    processor = world.processor().start(**history)
    world.wait_caught_up()
    assert processor.terminate() == 0
    days(range(400, 1200), range(20, 40))  # the others are quiet
    processor.start(POINTS_BATCH_MAX_EVENTS="7", **history)
    until(lambda: json.loads(world.points("timers", "show", "--json", **history).stdout)["due"] == 0 and world.caught_up(), 60,
          "all that was due before the newest events is settled", every=0.5)
    assert processor.terminate() == 0
    quiet(world, processor.start())
    audited(world)
    decided = {key.bytes: int(number) for key, number in world.query("SELECT event_key, xmin::text FROM event_keys")}
    events_ = [(record.event["occurred_at"], decided[key_hash(record.event)]) for record in world.history
               if record.event["type"] != "timer"]
    sent = [(record.event["due_at"], decided[key_hash(record.event)]) for record in world.history
            if record.event["type"] == "timer"]
    within = [(due, number) for due, number in sent if due < shop.now]
    assert len(within) > 20, "members fall due while others still have events to come"
    for due, number in within:
        late = [at for at, other in events_ if at <= due and other > number]
        assert not late, f"due at {due}, settled before an event of {late[0]}"


def test_points_end_once_whatever_dies(make_world):
    world = make_world().apply(ENDING)
    shop, count = Shop(step=1000), 3000
    world.publish(*(shop.paid(f"m-{number}", f"o-{number}", 2000) for number in range(count)))
    instances = [world.processor(str(number)).start() for number in range(3)]
    for turn in range(6):
        time.sleep(1.5)
        instances[turn % 3].kill()
        instances[turn % 3].start()
    until(lambda: world.query("SELECT count(*) FROM entries WHERE kind = %s", EXPIRY) == [(count,)], 90, "all have ended", every=0.5)
    for instance in instances:
        quiet(world, instance)
    assert world.query("SELECT count(*), min(amount), max(amount), min(occurred_at), max(occurred_at) FROM entries WHERE kind = %s",
                       EXPIRY) == [(count, 20, 20, END, END)]
    assert len(told(world, "points_expired")) == len(told(world, "points_expiring")) == count
    audited(world)
