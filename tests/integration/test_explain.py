"""`points explain` against a real ledger: what members would get now, and why they got what they have."""
from __future__ import annotations

import json

import psycopg

from lib.events import Shop
from lib.programs import SHOP, SHOP_2
from lib.verify import verify

JULY = 1_751_328_000_000_000  # 2025-07-01, µs


def run(world):
    world.points("run", "--exit-when-idle", "1", timeout=60)


def explained(world, *arguments):
    done = world.points("explain", *arguments, "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def facts(item, rule):
    (found,) = [each for each in item["rules"] if each["rule"] == rule]
    return found, {fact["kind"]: fact for fact in found["facts"]}


def test_a_preview_rests_on_what_the_member_has_and_writes_nothing(world):
    world.publish(Shop().review("approved", "anna", "kettle"))
    run(world)
    before = world.query("SELECT count(*), sum(amount) FROM entries")
    status, known = explained(world, "--ledger", "--preview", "review.approved kettle member=anna at=2025-05-05T00:00:00Z")
    assert (status, known) == (0, [])
    status, other = explained(world, "--ledger", "--preview", "review.approved kettle member=bert at=2025-05-05T00:00:00Z")
    assert status == 0 and [(row["member"], row["points"]) for row in other] == [("bert", 50)]
    status, again = explained(world, "--ledger", "review.approved kettle member=anna at=2025-05-05T00:00:00Z")
    rule, why = facts(again[0], again[0]["rules"][0]["rule"])
    assert not rule["applied"] and why["skipped"]["why"] == "it granted already what counts once"
    assert world.query("SELECT count(*), sum(amount) FROM entries") == before


CAMPAIGN = SHOP_2.replace("rules:\n", "rules:\n  - {id: launch, on: review.submitted, earn: {fixed: 40}, budget: 100 points in all}\n", 1)


def test_a_preview_knows_what_is_left_of_a_budget(world):
    world.apply(CAMPAIGN)
    shop = Shop(at=JULY)
    world.publish(shop.review("submitted", "anna", "kettle"), shop.review("submitted", "bert", "kettle"))
    run(world)
    status, (item,) = explained(world, "--ledger", "review.submitted cup member=cleo at=2025-07-05T00:00:00Z")
    rule, why = facts(item, "launch")
    assert (why["budget"]["used"], why["budget"]["left"], why["granted"]["amount"]) == (80, 20, 20), item


def test_an_entry_is_explained_by_its_member_s_history(world):
    """A refund and what it goes back to, in other topics and partitions, under two versions."""
    world.apply(SHOP_2)
    shop = Shop()
    world.publish(shop.paid("anna", "o-1", 2000), partition=0)
    world.publish(shop.review("approved", "anna", "kettle"), shop.paid("bert", "o-2", 5000))
    run(world)
    world.publish(shop.order("refunded", "anna", "o-1", refund_amount=500), partition=1)
    run(world)
    verify(world)
    (anna,) = world.points_json("member", "show", "anna")
    for entry in anna["entries"]:
        status, (item,) = explained(world, "--entry", f"anna/{entry['sequence']}")
        rule, why = facts(item, entry["rule"])
        moved = why["granted" if entry["effect"] > 0 else "taken_back"]
        assert status == 0 and rule["version"] == entry["program_version"], (entry, item)
        assert moved["amount"] == entry["amount"] and moved["wanted"] == entry["wanted"], (entry, item)
    refund = [entry for entry in anna["entries"] if entry["effect"] < 0][0]
    at = refund["input"]
    status, (item,) = explained(world, "--input", f"{at['topic']}/{at['partition']}@{at['offset']}")
    assert status == 0 and "standing" in facts(item, refund["rule"])[1]
    assert world.points("explain", "--entry", "anna/99", check=False).returncode == 2
    assert world.points("explain", "--entry", "nobody/1", check=False).returncode == 2


def test_a_ledger_that_has_something_else_is_told(world):
    world.publish(Shop().paid("anna", "o-1", 2000))
    run(world)
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE entries DISABLE TRIGGER entries_append_only")
        connection.execute("UPDATE entries SET amount = amount + 1, wanted = wanted + 1")
    done = world.points("explain", "--entry", "anna/1", check=False)
    assert done.returncode == 1 and "the ledger has something else" in done.stderr, done.stdout + done.stderr
