"""The commands as a person uses them, with the real services behind."""
from __future__ import annotations

import base64
import hashlib
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


PLANNED = SHOP_2.replace("2025-06-10T00:00:00Z", "2099-01-01")


def test_a_planned_version_is_replaced_until_it_is_in_effect(world):
    path = world.folder / "planned.yaml"
    path.write_text(PLANNED)
    world.points("program", "apply", str(path))
    path.write_text(PLANNED.replace('EUR: "2 per 1.00"', 'EUR: "3 per 1.00"'))
    tried = json.loads(world.points("program", "apply", str(path), "--dry-run", "--json").stdout)
    assert tried["replaces"] and tried["result"] == "would_store" and len(tried["difference"]) == 1, tried
    done = world.points("program", "apply", str(path)).stdout
    assert "earn rate EUR: 2 per 1.00 → 3 per 1.00" in done and "as it was planned" in done, done
    assert [row["version"] for row in world.points_json("program", "list")] == [1, 2]
    assert world.points("program", "show", "shop", "2").stdout == path.read_text()
    assert world.query("SELECT count(*) FROM programs WHERE version = 2") == [(2,)]
    path.write_text(PLANNED.replace("2099-01-01", "2025-01-01T00:00:00Z"))
    early = world.points("program", "apply", str(path), check=False)
    assert early.returncode == 3 and "must take effect after version 1" in early.stderr
    # An event of that time was decided: who knows under what its points were promised.
    world.publish(Shop().paid("anna", "o-1", 2000))
    run(world)
    world.query("UPDATE positions SET newest_event_at = 4102444800000000 RETURNING 1")
    path.write_text(PLANNED.replace('EUR: "2 per 1.00"', 'EUR: "4 per 1.00"'))
    late = world.points("program", "apply", str(path), check=False)
    assert late.returncode == 3 and "in effect since" in late.stderr, late.stderr


def test_stored_versions_are_held_against_files_and_each_other(world):
    path = world.folder / "other.yaml"
    path.write_text(SHOP_2)
    changed = world.points("program", "diff", str(path), check=False)
    assert changed.returncode == 1 and "earn rate EUR: 1 per 1.00 → 2 per 1.00" in changed.stdout, changed.stdout
    world.apply(SHOP_2)
    assert world.points("program", "diff", str(path)).returncode == 0
    both = world.points("program", "diff", "shop@1", "shop@2", "--json", check=False)
    paths = [item["path"] for item in json.loads(both.stdout)["difference"]]
    assert both.returncode == 1 and "version" in paths and "effective" in paths, both.stdout
    assert world.points("program", "diff", "shop@1", "shop@9", check=False).returncode == 2


def test_every_entry_says_under_which_file_and_zones_it_was_decided(world):
    world.publish(Shop().paid("anna", "o-1", 2000))
    run(world)
    (row,) = world.points_json("program", "list")
    assert row["hash"] == hashlib.sha256(SHOP.encode()).hexdigest() and len(row["zones"]) == 32
    (anna,) = world.points_json("member", "show", "anna")
    assert {(entry["program_hash"], entry["zones_hash"]) for entry in anna["entries"]} == {(row["hash"], row["zones"])}
    ((entries, hashes),) = world.query("SELECT count(*), count(zones_hash) FROM entry_terms")
    assert entries == hashes == len(anna["entries"])


def test_the_zones_that_a_version_came_with_are_those_it_decides_by(world):
    """A machine's own database is asked when a version is applied, and not again."""
    ((files,),) = world.query("SELECT files FROM zone_databases")
    other = files.replace(b"Europe/Berlin", b"Europe/Vienna", 1)
    assert other != files
    world.query("INSERT INTO zone_databases VALUES ('00000000-0000-0000-0000-000000000001', %s) RETURNING 1", other)
    path = world.folder / "vienna.yaml"
    path.write_text(SHOP_2)
    world.points("program", "apply", str(path))
    world.query("INSERT INTO programs SELECT program_id, 3, effective_at + 1, replace(replace(source, 'version: 2', 'version: 3'),"
                " '2025-06-10T00:00:00Z', '2025-06-10T00:00:00.000001Z'), source_hash, revision,"
                " applied_at, applied_by, '00000000-0000-0000-0000-000000000001' FROM programs WHERE version = 2 RETURNING 1")
    shown = world.points("member", "show", "anna", check=False)
    assert "Europe/Berlin" in shown.stderr and "version 3 as stored" in shown.stderr, shown.stderr


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


def test_points_are_adjusted_by_hand(make_world):
    world = make_world().apply(CLUB)
    program, member = "club", "anna"
    asked = ("adjust", member, "12.50", "--reason", "with apologies", "--actor", "mary", "--currency", "stars", "--id", "a-1")
    shown = world.points(*asked, "--dry-run")
    assert "not sent: +12.50 stars for member anna of program club" in shown.stdout, shown.stdout
    assert not world.read(world.topics["adjustment"])
    for _ in range(2):
        world.points(*asked)
    told = world.points_json("adjust", member, "-2.5", "--reason", "given twice", "--actor", "mary", "--currency", "stars")
    assert told["points"] == -250 and told["known"] is False and told["dry_run"] is False
    run(world)
    world.adopt("adjustment")
    assert world.query("SELECT kind, amount, to_account FROM entries ORDER BY sequence") == [(6, 1250, 2), (6, 250, 1)]
    assert "available: 10.00, then 11.00" in world.points("adjust", member, "1", "--reason", "x", "--actor", "y", "--currency", "stars",
                                                         "--dry-run").stdout
    assert "no such points" in world.points(*asked[:3], "--reason", "x", "--actor", "y", "--currency", "miles", check=False).stderr
    assert "--reason and --actor are needed" in world.points(*asked[:3], check=False).stderr
    verify(world)
