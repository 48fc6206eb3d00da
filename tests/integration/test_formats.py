"""What may stand on the input topics: both wire formats, writers' schemas newer and older than ours, a schema registry."""
from __future__ import annotations

import base64
import json
import struct

import pytest
from confluent_kafka import SerializingProducer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer

from lib import events, wire
from lib.events import Shop
from lib.processor import until
from lib.programs import SHOP
from lib.registry import Registry
from lib.verify import redis_balances, verify
from lib.world import Record, World


@pytest.fixture
def registry():
    made = Registry()
    yield made
    made.close()


def confluent(world: World, event: dict, schema_id: int, text: str | None = None) -> Record:
    value = wire.encode_confluent(event["type"], events.record_of(event), schema_id, text)
    return world.plan(event, value=value)


def newer(name: str) -> str:
    """A later version of a schema: a field more, a symbol more, in another order."""
    made = wire.schema(name)
    made["fields"].insert(0, {"name": "shop_version", "type": ["null", "string"], "default": None})
    made["fields"].append({"name": "tags", "type": {"type": "map", "values": "long"}, "default": {}})
    for field in made["fields"]:
        if field["name"] == "kind":
            field["type"]["symbols"].append("archived")
    return json.dumps(made)


def older(name: str, *missing: str) -> str:
    """An earlier version: without fields that have a default today."""
    made = wire.schema(name)
    assert all("default" in field for field in made["fields"] if field["name"] in missing)
    made["fields"] = [field for field in made["fields"] if field["name"] not in missing]
    return json.dumps(made)


def test_events_by_confluents_own_serializer_are_read(make_world, registry):
    """confluent-kafka registers the schemas and frames the values; the same event in either format is one event."""
    world = make_world(POINTS_REGISTRY_URL=registry.url).apply(SHOP)
    shop = Shop()
    made = [shop.paid("anna", "o-1", 2000), shop.review("approved", "anna", "book"), shop.share("shared", "bert", "post"),
            shop.referral("converted", "bert", "anna", "bert"), shop.activity("sign_up", "anna"), shop.adjustment("bert", 7)]
    client = SchemaRegistryClient({"url": registry.url})
    for event in made:
        serializer = AvroSerializer(client, wire.schema_text(event["type"]))
        producer = SerializingProducer({"bootstrap.servers": world.environment.brokers, "value.serializer": serializer})
        record = world.plan(event)
        offsets = []
        producer.produce(record.topic, value=events.record_of(event), partition=record.partition, key=record.key,
                         timestamp=record.timestamp, on_delivery=lambda error, message: offsets.append((error, message.offset(), message.value())))
        producer.flush(20)
        (error, record.offset, record.value), = offsets
        assert error is None and record.value[0] == 0
        world.history.append(record)
    world.publish(*made)  # and again in single-object encoding: duplicates
    world.processor().start()
    world.wait_caught_up()
    seen, _ = verify(world)
    assert seen.event_keys == len(made) and not seen.dead


def test_newer_and_older_writers_are_understood(make_world, registry):
    world = make_world(POINTS_REGISTRY_URL=registry.url).apply(SHOP)
    shop = Shop()
    order, second, unknown = shop.paid("anna", "o-1", 2000), shop.paid("anna", "o-2", 3000), shop.order("paid", "anna", "o-3")
    text = newer("order")
    value = wire.encode_confluent("order", dict(events.record_of(order), shop_version="9", tags={"a": 1}), registry.register("orders-value", text), text)
    early = older("order", "shipping", "discount", "channel", "coupon", "points_used")
    late_kind = wire.encode_confluent("order", dict(events.record_of(unknown), kind="archived", shop_version=None, tags={}),
                                      registry.register("orders-value", text), text)
    unknown["kind"] = "unknown"
    world.send(world.plan(order, value=value), confluent(world, second, registry.register("orders-value", early), early),
               world.plan(unknown, value=late_kind))
    world.processor().start()
    world.wait_caught_up()
    seen, _ = verify(world)
    assert redis_balances(world)[(("shop", "anna"), "points")] == (50, 50)
    assert seen.event_keys == 3 and not seen.dead, "a kind that only newer writers know counts as seen"


def test_a_duplicate_is_told_by_facts_not_by_bytes(make_world, registry):
    """The same facts under another schema version and another frame are a duplicate; other facts are a conflict."""
    world = make_world(POINTS_REGISTRY_URL=registry.url).apply(SHOP)
    order = Shop().paid("anna", "o-1", 2000)
    early = older("order", "shipping", "discount", "channel", "coupon", "points_used")
    other = dict(order, shipping=1)
    world.send(world.plan(order), confluent(world, order, registry.register("orders-value", early), early),
               confluent(world, order, registry.register("other-value", newer_of(order)), newer_of(order)), world.plan(other))
    world.processor().start()
    world.wait_caught_up()
    seen, _ = verify(world)
    assert list(seen.dead.values()) == ["conflicting_duplicate"]


def newer_of(event: dict) -> str:
    made = wire.schema(event["type"])
    made["fields"].append({"name": "remark", "type": "string", "default": ""})
    return json.dumps(made)


def test_an_unknown_schema_id_is_waited_for(make_world, registry):
    world = make_world(POINTS_REGISTRY_URL=registry.url).apply(SHOP)
    shop = Shop()
    schema_id = registry.register("orders-value", wire.schema_text("order"))
    registry.hidden.add(schema_id)
    world.send(confluent(world, shop.paid("anna", "o-1", 2000), schema_id))
    world.processor().start()
    until(lambda: sum(f"/schemas/ids/{schema_id}" in line for line in registry.asked) >= 2, 20, "the registry is asked again")
    assert not world.query("SELECT 1 FROM dead_letters") and not world.query("SELECT 1 FROM entries")
    registry.hidden.clear()
    world.wait_caught_up()
    seen, _ = verify(world)
    assert not seen.dead and redis_balances(world)[(("shop", "anna"), "points")] == (20, 20)


def test_an_unknown_schema_id_is_a_dead_letter_where_the_operator_says_so(make_world, registry):
    world = make_world(POINTS_REGISTRY_URL=registry.url, POINTS_REGISTRY_UNKNOWN_ID="dead-letter").apply(SHOP)
    value = b"\x00" + struct.pack(">I", 4242) + b"whatever"
    world.send(world.poison("order", value, "schema_unknown", key=b"anna"))
    world.publish(Shop().paid("anna", "o-1", 2000))
    world.processor().start()
    world.wait_caught_up()
    verify(world)


def test_a_registry_that_is_away_is_waited_for(make_world, registry):
    world = make_world(POINTS_REGISTRY_URL=registry.url, POINTS_REGISTRY_TIMEOUT_MS=500).apply(SHOP)
    schema_id = registry.register("orders-value", wire.schema_text("order"))
    registry.down = True
    world.send(confluent(world, Shop().paid("anna", "o-1", 2000), schema_id))
    processor = world.processor().start()
    until(lambda: len(registry.asked) >= 2, 20, "the registry is asked")
    registry.slow = 3.0
    until(lambda: len(registry.asked) >= 3, 20, "the registry is asked again")
    assert processor.running() and not world.query("SELECT 1 FROM dead_letters")
    registry.down, registry.slow = False, 0.0
    world.wait_caught_up()
    verify(world)


def test_the_registry_is_given_the_name_and_password(make_world, tmp_path):
    registry = Registry("points", "s3cret")
    try:
        (tmp_path / "password").write_text("s3cret\n")
        world = make_world(POINTS_REGISTRY_URL=registry.url, POINTS_REGISTRY_USER="points",
                           POINTS_REGISTRY_PASSWORD_FILE=str(tmp_path / "password")).apply(SHOP)
        schema_id = registry.register("orders-value", wire.schema_text("order"))
        world.send(confluent(world, Shop().paid("anna", "o-1", 2000), schema_id))
        processor = world.processor().start()
        world.wait_caught_up()
        verify(world)
        secret = base64.b64encode(b"points:s3cret").decode()
        assert "s3cret" not in processor.log() and secret not in processor.log()
    finally:
        registry.close()


def test_rewards_can_be_written_in_confluents_format(make_world, registry):
    world = make_world(POINTS_REGISTRY_URL=registry.url, POINTS_REWARDS_FORMAT="confluent").apply(SHOP)
    world.publish(Shop().paid("anna", "o-1", 2000))
    world.processor().start()
    world.wait_caught_up()
    (message,) = world.read(world.rewards)
    schema_id = struct.unpack(">bI", message.value()[:5])[1]
    assert json.loads(registry.schemas[schema_id]) == wire.schema("reward")
    assert f"{world.rewards}-value" in registry.subjects
    verify(world)
