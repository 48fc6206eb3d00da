"""What cannot be an event: the record goes to the dead-letter topic untouched, the rest of its batch goes on."""
from __future__ import annotations

import random

from lib import events, wire
from lib.events import START, DAY, Shop, line
from lib.programs import SHOP
from lib.verify import redis_balances, verify
from lib.workload import POISON


def run(world, *records):
    """Each record amid good ones, so that its batch must go on."""
    shop = Shop(at=START + DAY)
    before, after = shop.paid("before", "o-1", 2000), shop.paid("after", "o-2", 3000)
    world.publish(before, partition=0)
    world.send(*records)
    world.publish(after, partition=0)
    world.processor().start()
    world.wait_caught_up()
    seen, _ = verify(world)
    found = redis_balances(world)
    assert found[(("shop", "before"), "points")] == (20, 20) and found[(("shop", "after"), "points")][0] >= 30
    return seen


def test_poison_of_every_kind_is_refused_by_name(world):
    shop, records = Shop(), []
    for name in sorted(POISON):
        type_, value, refused, event = POISON[name](shop, "anna", random.Random(name))
        headers = [("poison", name.encode()), ("bytes", bytes(range(256))), ("null", None)]
        stamp = shop.now // 1000
        records.append(world.plan(event, 0, headers=headers, timestamp=stamp) if event is not None
                       else world.poison(type_, value, refused, 0, headers=headers, key=name.encode(), timestamp=stamp))
    seen = run(world, *records)
    assert len(seen.dead) == len(POISON)


IMPOSSIBLE = [
    ("member_id", "m" * 200, "impossible_event"),
    ("member_id", "", "impossible_event"),
    ("id", "", "impossible_event"),
    ("source", "", "impossible_event"),
    ("order_id", "", "impossible_event"),
    ("channel", "c" * 5000, "too_large"),
    ("revision", -1, "impossible_event"),
    ("shipping", -1, "impossible_event"),
    ("occurred_at", START + 2 * DAY, "time_out_of_bounds"),
    ("occurred_at", -(2**63), "time_out_of_bounds"),
    ("discount", 2**63 - 1, "impossible_event"),
    ("lines", [line("a", 2**62, 1), line("b", 2**62, 1)], "overflow"),
    ("lines", [line("a", 0)], "impossible_event"),
    ("lines", [line("", 1)], "impossible_event"),
    ("lines", [line("a", 1, -5)], "impossible_event"),
    ("lines", [line("a") for _ in range(1001)], "too_large"),
]


def test_impossible_orders_are_refused_by_name(make_world):
    world = make_world(inputs=["order"]).apply(SHOP)
    shop, records = Shop(), []
    for field, value, reason in IMPOSSIBLE:
        event = dict(shop.paid("anna", "o-1", 2000), **{field: value})
        records.append(world.poison("order", events.encode(event), reason, 0, key=field.encode(), timestamp=shop.now // 1000))
    seen = run(world, *records)
    assert len(seen.dead) == len(IMPOSSIBLE)


def test_a_member_id_that_is_not_utf8(make_world):
    world = make_world(inputs=["order"]).apply(SHOP)
    value = events.encode(Shop().paid("anna", "o-1", 2000)).replace(b"anna", b"an\xffa")
    run(world, world.poison("order", value, "impossible_event", 0))


def test_an_enum_index_out_of_range(make_world):
    """AVRO-4344: the C library's reader walks off the table of symbols."""
    world = make_world(inputs=["review"]).apply(SHOP)
    event = Shop().review("approved", "anna", "book")
    good = events.encode(event)
    other = events.encode(dict(event, kind="submitted"))
    at = next(i for i, (a, b) in enumerate(zip(good, other)) if a != b)
    record = world.poison("review", good[:at] + b"\x7e" + good[at + 1:], "undecodable", 0)
    world.send(record)
    world.publish(event)
    world.processor().start()
    world.wait_caught_up()
    seen, _ = verify(world)
    assert len(seen.dead) == 1 and len(seen.entries) == 1


def test_a_record_above_the_size_limit(make_world):
    world = make_world(inputs=["order"], POINTS_LIMIT_MESSAGE_BYTES=2000).apply(SHOP)
    value = events.encode(Shop().order("paid", "anna", "o-1", [line(f"sku-{n}") for n in range(150)]))
    assert len(value) > 2000
    run(world, world.poison("order", value, "too_large", 0))


def test_a_schema_that_nobody_knows(make_world):
    world = make_world(inputs=["order"]).apply(SHOP)
    text = wire.schema_text("order").replace('"Order"', '"Ordre"')
    value = wire.encode("order", events.record_of(Shop().paid("anna", "o-1", 2000)), text)
    run(world, world.poison("order", value, "incompatible_schema", 0))


def test_a_mended_event_can_be_sent_again(world):
    """A dead letter does not use up its (source, id)."""
    shop = Shop()
    broken = shop.order("paid", "anna", "o-1", [line("book", 1, 2000)], "XAU")
    world.publish(broken)
    world.processor().start()
    world.wait_caught_up()
    world.publish(dict(broken, currency="EUR"))
    world.wait_caught_up()
    seen, _ = verify(world)
    assert list(seen.dead.values()) == ["undeclared_currency"]
    assert redis_balances(world)[(("shop", "anna"), "points")] == (20, 20)


def test_what_the_database_cannot_store_does_not_hold_up_its_batch(world):
    """A NUL is UTF-8, but no text of PostgreSQL's: refused before the transaction, or found in it; the batch goes on."""
    shop = Shop()
    bad = [shop.paid("an\0na", "o-1", 2000), shop.paid("anna", "o\0-2", 2000), shop.review("approved", "anna", "bo\0ok"),
           shop.share("shared", "anna", "po\0st"), shop.activity("miles\0_walked", "anna", 5000),
           dict(shop.paid("anna", "o-3", 2000), program_id="sh\0op"), shop.adjustment("anna", 5, reason="be\0cause"),
           shop.referral("converted", "anna", "anna", "be\0rt"), shop.paid("anna", "o-4", 2000, id="i\0d")]
    good = [shop.paid(f"member-{n}", f"good-{n}", 2000) for n in range(40)]
    for record in (world.plan(event, 0) for event in good[:20] + bad + good[20:]):
        world.send(record)
    world.processor().start()
    world.wait_caught_up()
    found = redis_balances(world)
    assert all(found.get((("shop", f"member-{n}"), "points")) == (20, 20) for n in range(40))
    refused = world.query("SELECT count(*) FROM dead_letters")[0][0]
    assert refused >= 7, "what cannot be stored is refused, not lost"
    assert world.query("SELECT count(*) FROM entries")[0][0] >= 40
    assert len(world.read(world.dead_letters)) == refused


def test_texts_of_every_script_pass(world):
    shop = Shop()
    for n, name in enumerate(("Ὀδυσσεύς", "山田太郎", "🎉🧾", "e\u0301", "ı İ ß", "line\nbreak\ttab", "'; DROP TABLE entries; --", "%s{}$1\\N")):
        world.publish(shop.paid(name, f"o-{name}", 2000), shop.review("approved", name, f"sku {name}"), shop.adjustment(name, n + 1, reason=name))
    world.processor().start()
    world.wait_caught_up()
    seen, _ = verify(world)
    assert not seen.dead
