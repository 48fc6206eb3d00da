"""`points audit` from outside: what is right is never complained of, what is wrong is found, and mended where it may be (rule 12)."""
from __future__ import annotations

import json
import threading
import time

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from lib import wire
from lib.events import Shop
from lib.processor import until
from lib.programs import SHOP
from lib.torture import Feeder
from lib.verify import verify
from lib.workload import Workload


def audit(world, *arguments: str, status: int | None = None) -> dict:
    done = world.points("audit", "--json", *arguments, check=False, timeout=120)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert done.returncode == (1 if told["left"] else 0)
    if status is not None:
        assert done.returncode == status, done.stdout
    return told


def found(told: dict) -> dict:
    return {row["kind"]: row["count"] for row in told["findings"]}


def finding(told: dict, kind: str) -> dict:
    return next(row for row in told["findings"] if row["kind"] == kind)


def clean(world, *arguments: str) -> dict:
    told = audit(world, *arguments)
    assert not told["findings"], told["findings"]
    return told


def settled(world):
    """An instance has caught up and ended by itself: its last outbox rows stay until the next one prunes them."""
    processor = world.processor().start()
    world.wait_caught_up()
    verify(world)
    return processor


def pruned(world, processor):
    """No exact bytes are left: outputs can only be rebuilt."""
    until(lambda: world.query("SELECT count(*) FROM outbox")[0][0] == 0, 20, "the outbox is pruned")
    assert processor.terminate() == 0


def history(world):
    """Every kind of entry and output, some refused."""
    shop = Shop()
    world.publish(
        shop.paid("anna", "o-1", 230000), shop.review("approved", "anna", "book"), shop.activity("sign_up", "bert"),
        shop.share("shared", "bert", "post"), shop.adjustment("carl", 70), shop.adjustment("carl", -20, reason="a mistake"),
        shop.paid("dora", "o-2", 8000), shop.order("refunded", "dora", "o-2"), shop.order("refunded", "anna", "o-1"),
        shop.referral("converted", "bert", "carl", "bert"), shop.paid("emil", "o-3", 2000, currency="XAU"))
    world.send(world.poison("order", b"nothing", "undecodable", headers=[("trace", b"1")], key=b"k"))
    return shop


def messages(world, topic: str) -> dict:
    """id -> (key, value, headers without the mark)."""
    name = "ce_id" if topic == world.rewards else "points.output.id"
    taken = {}
    for message in world.read(topic):
        headers = [(key, value) for key, value in message.headers() if key != "points.republished"]
        taken[dict(headers)[name].decode()] = (message.key(), message.value(), headers)
    return taken


def make_anew(world, *topics: str):
    world.delete_topics(*topics)
    world.create_topics(*topics)


# ---- nothing is wrong


def test_nothing_is_wrong_under_load(make_world):
    """Again and again while two instances work: no difference is an alarm, none is a race of the audit's own."""
    world = make_world(partitions=3, POINTS_BATCH_MAX_EVENTS=100).apply(SHOP)
    feeder = Feeder(world, Workload(world, seed=11, members=40).plan(2500), 10)
    for name in "ab":
        world.processor(name).start()
    feeder.start()
    until(lambda: sum(world.applied().values()) > 0, 20, "something is applied")
    judged = 0
    while feeder.is_alive():
        told = clean(world)
        judged += told["topics"]["rows_below_k"]
    feeder.finish(60)
    world.wait_caught_up(60)
    until(lambda: world.query("SELECT count(*) FROM members WHERE due_at IS NOT NULL") == [(0,)], 60, "timers have settled it all")
    world.wait_caught_up(60)
    world.adopt_timers()
    verify(world)
    told = clean(world)
    assert judged > 0 and told["topics"]["rows_not_judged"] == 0
    assert told["topics"]["rewards"] == len(world.read(world.rewards))
    assert told["ledger"]["entries"] == world.query("SELECT count(*) FROM entries")[0][0]


def test_an_empty_world_is_right(world):
    assert clean(world)["ledger"]["members"] == 0
    assert "nothing is wrong" in world.points("audit").stdout


# ---- Redis


def test_members_who_were_merged_and_erased_are_nothing_wrong(world):
    shop = history(world)
    world.processor().start()
    world.wait_caught_up()
    world.publish(shop.make("member", "merged", "anna", merged_into="dora"), shop.make("member", "merged", "bert", merged_into="carl"))
    world.wait_caught_up()
    world.publish(shop.make("member", "erased", "carl"))
    world.wait_caught_up()
    verify(world)
    assert clean(world)["left"] == 0
    shown = world.points("member", "show", "anna").stdout
    assert "merged into dora" in shown
    shown = json.loads(world.points("member", "show", "bert", "--json").stdout)
    assert shown[0]["erased"] and not shown[0]["merged_into"]
    key = f"{world.redis_prefix}:{{shop/carl}}"
    with world.redis() as connection:
        assert connection.hgetall(key).keys() == {"version"} and 0 < connection.ttl(key) <= 3600
        connection.delete(key)
        connection.hset(key, mapping={"version": 1, "program": "shop", "member": "carl", "balance:points": 50, "lifetime:points": 70})
        told = audit(world, "--only", "redis", status=1)
        assert found(told) == {"redis_behind": 1} and finding(told, "redis_behind")["first"][0]["where"] == "shop/carl"
        assert audit(world, "--only", "redis", "--repair", status=0)["mended"] == 1
        assert connection.hgetall(key).keys() == {"version"}


def test_redis_altered_behind_its_back_is_found_and_mended(world):
    history(world)
    settled(world)
    key = f"{world.redis_prefix}:{{shop/%s}}"
    with world.redis() as connection:
        before = {name: connection.hgetall(key % name) for name in ("anna", "bert", "carl")}
        connection.hset(key % "anna", "balance:points", 777)
        connection.delete(key % "bert")
        connection.hset(key % "carl", "version", 0)
        connection.hset(key % "dora", "version", 99)
        connection.hset(key % "nobody", mapping={"version": 1, "program": "shop", "member": "nobody"})
        told = audit(world, status=1)
        assert found(told) == {"redis_missing": 1, "redis_behind": 1, "redis_ahead": 1, "redis_altered": 1, "redis_unknown_member": 1}
        assert finding(told, "redis_altered")["first"][0]["where"] == "shop/anna"
        text = world.points("audit", "--only", "redis", check=False).stdout
        assert "shop/anna [mendable]" in text and "shop/dora [refused]" in text and "--repair does it" in text
        assert connection.hget(key % "anna", "balance:points") == "777", "a dry run wrote"
        told = audit(world, "--repair", status=1)  # the newer version and the unknown member are not for it
        assert told["mended"] == 3 and told["left"] == 2
        assert {name: connection.hgetall(key % name) for name in before} == before
        connection.delete(key % "nobody", key % "dora")
        assert audit(world, "--only", "redis", "--repair", status=0)["mended"] == 1
    clean(world)


# ---- the ledger


@pytest.mark.parametrize("change, kind", [
    ("UPDATE entries SET amount = amount + 1 WHERE kind = 6 AND amount = 70", "balance"),
    ("DELETE FROM entries WHERE kind = 6 AND amount = 70", "sequence"),
    ("UPDATE entries SET from_account = 9 WHERE kind = 6 AND amount = 70", "sum_not_zero"),
    ("DELETE FROM members WHERE member_id = 'carl'", "entries_without_member"),
    ("UPDATE members SET due_at = 5 WHERE member_id = 'carl'", "due"),
    ("UPDATE members SET state = '\\x07' WHERE member_id = 'carl'", "unreadable_state"),
])
def test_a_row_changed_by_hand_is_found_and_never_mended(world, change, kind):
    history(world)
    settled(world)
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE entries DISABLE TRIGGER USER")
        connection.execute(change)
    told = audit(world, "--only", "ledger", status=1)
    assert found(told)[kind] == 1, told
    again = audit(world, "--only", "ledger", "--repair", status=1)
    assert found(again) == found(told) and again["mended"] == 0


def test_a_changed_entry_is_told_apart_from_a_missing_output(world):
    """Its output says something else than it does; publishing what the changed row says would make two of one."""
    history(world)
    pruned(world, settled(world))
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE entries DISABLE TRIGGER USER")
        connection.execute("UPDATE entries SET amount = amount + 1 WHERE kind = 6 AND amount = 70")
    before = messages(world, world.rewards)
    told = audit(world, "--only", "topics", "--repair", status=1)
    assert found(told)["output_altered"] == 1 and "output_missing" not in found(told)
    assert messages(world, world.rewards) == before


# ---- the topics


def test_what_is_missing_is_rebuilt_to_the_byte(world):
    """No bytes are left anywhere. What can be rebuilt is, exactly; what is not certain is refused, and said so."""
    history(world)
    pruned(world, settled(world))
    rewards, letters = messages(world, world.rewards), messages(world, world.dead_letters)
    make_anew(world, world.rewards, world.dead_letters)
    told = audit(world, status=1)
    referral = {id for id, (_, _, headers) in rewards.items() if dict(headers)["ce_type"].startswith(b"referral")}
    of_referral = {id for id in rewards if id.rsplit(".", 1)[0] in {other.rsplit(".", 1)[0] for other in referral}}
    assert len(referral) == 1 and len(of_referral) == 3
    assert finding(told, "dead_letter_missing")["mendable"] == len(letters) == 2
    missing = finding(told, "output_missing")
    assert missing["mendable"] == len(rewards) - 3 - untraced(rewards) and missing["refused"] == 2, told
    assert any("referral" in row["remark"] or "two members" in row["remark"] for row in missing["first"])
    assert not world.read(world.rewards) and not world.read(world.dead_letters), "a dry run wrote"
    told = audit(world, "--repair", status=1)
    assert told["mended"] == missing["mendable"] + 2
    back = messages(world, world.rewards)
    assert back == {id: rewards[id] for id in back} and len(back) == missing["mendable"]
    assert messages(world, world.dead_letters) == letters
    assert all(dict(message.headers()).get("points.republished") == b"audit" for message in world.read(world.rewards))
    told = audit(world, "--repair", status=1)
    assert told["mended"] == 0 and found(told) == {"output_missing": 2}, "what was mended is there, once"
    assert messages(world, world.rewards) == back


def untraced(rewards: dict) -> int:
    """Rewards for money spent: they move no points."""
    return sum(wire.decode("reward", value)["rule_id"] == "reward-300" for _, value, _ in rewards.values())


def test_what_the_outbox_still_has_is_published_from_there(make_world):
    """Redis is away, so rows stay: also what no entry tells of comes back, from the exact bytes."""
    world = make_world(POINTS_REDIS_PORT=1).apply(SHOP)
    history(world)
    processor = world.processor().start()
    world.wait_caught_up()
    world.wait_settled()
    processor.kill()
    assert world.query("SELECT count(*) FROM outbox")[0][0] > 0
    rewards, letters = messages(world, world.rewards), messages(world, world.dead_letters)
    make_anew(world, world.rewards, world.dead_letters)
    told = audit(world, "--only", "topics", "--repair")
    assert "refused" not in {row["fate"] for one in told["findings"] for row in one["first"]}
    back = messages(world, world.rewards)
    assert back == {id: rewards[id] for id in back} and messages(world, world.dead_letters) == letters
    assert any(dict(headers)["ce_type"] == b"referral.accepted" for _, _, headers in back.values())
    audit(world, "--only", "topics", status=0)


def test_an_input_that_is_gone_cannot_be_rebuilt(world):
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000), partition=0)
    pruned(world, settled(world))
    make_anew(world, world.rewards)
    for future in world.admin.delete_records([TopicPartition(world.topics["order"], 0, 1)]).values():
        future.result(20)
    told = audit(world, "--repair", status=1)
    (row,) = finding(told, "output_missing")["first"]
    assert row["fate"] == "refused" and "input record" in row["remark"]
    assert not world.read(world.rewards)


def test_nothing_at_or_above_k_is_judged_or_written(world):
    """Applied and not published: the publisher's, not the audit's."""
    shop = Shop()
    world.publish(*(shop.paid("anna", f"o-{n}", 2000) for n in range(3)), partition=0)
    pruned(world, settled(world))
    world.points("offsets", "reset", "--to-beginning", "--yes")
    make_anew(world, world.rewards)
    told = clean(world, "--repair")
    assert told["topics"]["rows_below_k"] == 0 and told["topics"]["rows_not_judged"] == 3
    assert not world.read(world.rewards)


def test_an_unsigned_offset_is_not_believed(world):
    shop = Shop()
    world.publish(*(shop.paid("anna", f"o-{n}", 2000) for n in range(3)), partition=0)
    pruned(world, settled(world))
    make_anew(world, world.rewards)
    tool = Consumer({"bootstrap.servers": world.environment.brokers, "group.id": world.group, "enable.auto.commit": False})
    tool.commit(offsets=[TopicPartition(world.topics["order"], 0, 3)], asynchronous=False)
    tool.close()
    told = audit(world, "--repair", status=1)
    assert found(told) == {"position": 1} and not world.read(world.rewards)


def produce_again(world, message, producer=None):
    own = producer or Producer({"bootstrap.servers": world.environment.brokers})
    own.produce(message.topic(), value=message.value(), key=message.key(), headers=message.headers(), partition=message.partition())
    own.flush(20)


def test_an_output_that_stands_twice_is_reported_and_left(world):
    history(world)
    settled(world)
    twice = world.read(world.rewards)[2]
    letter = world.read(world.dead_letters)[0]
    produce_again(world, twice)
    produce_again(world, letter)
    told = audit(world, "--repair", status=1)
    assert found(told) == {"output_duplicate": 2} and told["mended"] == 0
    assert "stands again" in finding(told, "output_duplicate")["first"][0]["remark"]


def test_outputs_that_the_ledger_does_not_know_are_reported(world):
    """A dead letter of an event that was applied, and something that is no output at all."""
    history(world)
    settled(world)
    applied = dict(world.read(world.rewards)[0].headers())["ce_id"]
    own = Producer({"bootstrap.servers": world.environment.brokers})
    headers = [(name, applied if name == "points.output.id" else value) for name, value in world.read(world.dead_letters)[0].headers()]
    own.produce(world.dead_letters, value=b"x", headers=headers)
    own.produce(world.rewards, value=b"hello", key=b"x")
    own.flush(20)
    told = audit(world, "--repair", status=1)
    assert found(told) == {"output_unexplained": 1, "foreign_record": 1} and told["mended"] == 0


def open_transaction(world, message):
    own = Producer({"bootstrap.servers": world.environment.brokers, "transactional.id": f"{world.name}-other",
                    "transaction.timeout.ms": 60000})
    own.init_transactions(20)
    own.begin_transaction()
    produce_again(world, message, own)
    return own


@pytest.mark.parametrize("commits", [True, False], ids=["it commits", "it aborts"])
def test_a_transaction_that_is_open_is_read_past(world, commits):
    """What it holds is a copy of an output: two if it commits, none more if it aborts. Neither can be known before it ends."""
    history(world)
    settled(world)
    own = open_transaction(world, world.read(world.rewards)[0])
    result: dict = {}
    thread = threading.Thread(target=lambda: result.update(audit(world, "--only", "topics")))
    thread.start()
    time.sleep(3)
    assert thread.is_alive(), "it did not wait for the transaction that was open when it began"
    (own.commit_transaction if commits else own.abort_transaction)(20)
    thread.join(60)
    assert found(result) == ({"output_duplicate": 1} if commits else {})


def test_missing_outputs_in_an_open_transaction_are_not_published_twice(world):
    """The rewards are on their way, in a transaction that is open when the repair begins."""
    shop = Shop()
    world.publish(*(shop.paid("anna", f"o-{n}", 2000) for n in range(3)), partition=0)
    pruned(world, settled(world))
    kept = world.read(world.rewards)
    make_anew(world, world.rewards)
    own = open_transaction(world, kept[0])
    result: dict = {}
    thread = threading.Thread(target=lambda: result.update(audit(world, "--only", "topics", "--repair")))
    thread.start()
    time.sleep(2)
    own.commit_transaction(20)
    thread.join(60)
    assert result["mended"] == 2
    clean(world)


def test_a_transaction_that_never_ends_is_an_error_not_a_verdict(make_world):
    world = make_world(POINTS_KAFKA_TRANSACTION_TIMEOUT_MS=1000).apply(SHOP)
    history(world)
    settled(world)
    own = open_transaction(world, world.read(world.rewards)[0])
    done = world.points("audit", check=False, timeout=60)
    assert done.returncode == 5 and "transaction" in done.stderr
    own.abort_transaction(20)


def test_what_retention_took_is_not_missing(world):
    """The older half of the rewards is deleted: counted, no alarm. What vanished from between the rest is."""
    shop = Shop()
    world.publish(*(shop.paid("anna", f"o-{n}", 2000) for n in range(10)), partition=0)
    pruned(world, settled(world))
    kept = world.read(world.rewards)
    where = kept[0].partition()
    for future in world.admin.delete_records([TopicPartition(world.rewards, where, kept[5].offset())]).values():
        future.result(20)
    told = clean(world, "--repair")
    assert told["topics"]["no_longer_on_topic"] == 5
    make_anew(world, world.rewards)
    for message in [*kept[2:6], *kept[7:]]:
        produce_again(world, message)
    first = world.read(world.rewards)[1]
    for future in world.admin.delete_records([TopicPartition(world.rewards, where, first.offset())]).values():
        future.result(20)
    told = audit(world, "--repair", status=0)
    assert told["topics"]["no_longer_on_topic"] == 3 and told["mended"] == 1
    clean(world)


def test_options_are_checked(world):
    assert world.points("audit", "--only", "everything", check=False).returncode == 2
    assert world.points("audit", "--only", "redis", check=False, POINTS_REDIS_HOST="").returncode == 3
