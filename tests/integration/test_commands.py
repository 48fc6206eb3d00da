"""The commands as a person uses them, with the real services behind."""
from __future__ import annotations

import base64
import json

import psycopg

from lib import events, wire
from lib.events import Shop, line
from lib.programs import CLUB, SHOP, SHOP_2
from lib.verify import verify
from lib.world import Record


def as_json_line(event: dict) -> str:
    return json.dumps({"type": event["type"], **events.record_of(event)})


def lines_of(done) -> list:
    return [json.loads(text) for text in done.stdout.splitlines()]


def run(world):
    world.points("run", "--exit-when-idle", "1", timeout=60)


def published(world, made: list):
    """What `points publish` put on the topics, read back as the history."""
    world.points("publish", "-", input="\n".join(as_json_line(event) for event in made) + "\n")
    by_id = {event["id"]: event for event in made}
    for type_, topic in world.topics.items():
        for message in world.read(topic):
            record = wire.decode(type_, message.value())
            event = by_id[record["id"]]
            assert message.key() == event["member_id"].encode()
            assert message.timestamp()[1] == event["occurred_at"] // 1000
            world.history.append(Record(topic, message.partition(), message.value(), event, key=message.key(),
                                        timestamp=message.timestamp()[1], offset=message.offset()))


def test_publish_run_consume_and_show(world):
    shop = Shop()
    made = [shop.paid("anna", "o-1", 2000), shop.review("approved", "anna", "book"), shop.share("shared", "bert", "post"),
            shop.referral("converted", "bert", "anna", "bert"), shop.activity("sign_up", "anna", attributes={"device": "phone"}),
            shop.adjustment("bert", -7), shop.make("member", "enrolled", "carl", segments=["new"]),
            shop.make("redemption", "requested", "carl", redemption_id="r"), shop.make("timer", "due", "carl", obligation="x", due_at=1),
            shop.order("paid", "anna", "bad", [line("book")], "XAU")]
    published(world, made)
    assert len(world.history) == len(made)
    run(world)
    seen, _ = verify(world)
    rewards = lines_of(world.points("consume", "rewards"))
    assert sorted(row["reward"]["id"] for row in rewards) == sorted(r["id"] for found in seen.rewards.values() for r in found)
    assert {row["key"] for row in lines_of(world.points("consume", "rewards", "--member", "anna"))} == {"anna"}
    (letter,) = lines_of(world.points("consume", "dead-letters"))
    refused = next(record for record in world.history if record.event["id"] == made[-1]["id"])
    assert base64.b64decode(letter["value_base64"]) == refused.value
    (anna,) = world.points_json("member", "show", "anna")
    (balance,) = anna["balances"]
    assert balance["available"] == 20 + 50 + 500 + 100
    assert world.points("member", "show", "nobody", check=False).returncode == 1


def test_a_members_points_are_shown_with_their_decimals(make_world):
    world = make_world(partitions=1, inputs=["order"]).apply(CLUB)
    published(world, [Shop("club").paid("anna", "o-1", 1000)])
    run(world)
    shown = world.points("member", "show", "anna").stdout
    assert "stars: 3.33 available, 3.33 ever earned" in shown and "+3.33 stars" in shown, shown
    (anna,) = world.points_json("member", "show", "anna")
    assert anna["balances"] == [{"currency": "stars", "available": 333, "lifetime": 333, "decimals": 2}]


def test_a_bad_line_publishes_nothing(world):
    shop = Shop()
    good, bad = as_json_line(shop.paid("anna", "o-1", 2000)), as_json_line(shop.paid("anna", "o-2", 2000)).replace('"currency"', '"curency"')
    done = world.points("publish", "-", input=f"{good}\n{bad}\n", check=False)
    assert done.returncode == 9 and "2" in done.stderr and "currency" in done.stderr
    assert sum(world.end_offsets().values()) == 0


def test_offsets_show_tells_the_lag(world):
    world.publish(*(Shop().paid("anna", f"o-{n}", 2000, id=str(n)) for n in range(5)))
    run(world)
    assert sum(row["lag"] for row in world.points_json("offsets", "show")) == 0
    world.publish(*(Shop().paid("anna", f"p-{n}", 2000, id=f"p{n}") for n in range(3)))
    assert sum(row["lag"] for row in world.points_json("offsets", "show")) == 3


def test_programs_are_listed_shown_and_never_rewritten(world):
    assert [row["version"] for row in world.points_json("program", "list")] == [1]
    assert world.points("program", "show", "shop").stdout.strip() == SHOP.strip()
    path = world.folder / "other.yaml"
    path.write_text(SHOP.replace("1 per 1.00", "2 per 1.00"))
    assert world.points("program", "apply", str(path), check=False).returncode == 3
    path.write_text(SHOP)
    world.points("program", "apply", str(path))
    path.write_text(SHOP.replace("rounding: down", "rounding: dwon"))
    broken = world.points("program", "apply", str(path), check=False)
    assert broken.returncode == 3 and "down" in broken.stdout + broken.stderr
    world.apply(SHOP_2)
    assert sorted(row["version"] for row in world.points_json("program", "list")) == [1, 2]


def test_migrations_are_applied_once_and_guarded(world):
    before = world.query("SELECT count(*) FROM migrations")
    world.points("migrate")
    assert world.query("SELECT count(*) FROM migrations") == before
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        (column,) = [row[0] for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'migrations' AND data_type = 'bytea'")]
        connection.execute(f"UPDATE migrations SET {column} = sha256({column})")
    changed = world.points("migrate", check=False)
    assert changed.returncode == 4 and "chang" in changed.stderr


def test_a_misspelt_variable_is_an_error(world):
    done = world.points("offsets", "show", check=False, POINTS_KAFKA_BROKER="x")
    assert done.returncode == 3 and "POINTS_KAFKA_BROKERS" in done.stderr
