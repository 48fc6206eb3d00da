"""A record that the database itself refuses: it alone becomes a dead letter, and the rest of its batch counts."""
from __future__ import annotations

import psycopg

from lib.events import Shop

WATCHED = "o-refused"


def refuse_subject(world):
    """What a data error of the server looks like that no validation of ours foresaw."""
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE entries ADD CONSTRAINT watched CHECK (subject <> '{WATCHED}')")


def test_the_one_record_that_the_database_refuses_is_found_by_halving(world):
    refuse_subject(world)
    shop = Shop()
    made = [shop.paid(f"member-{i % 7}", WATCHED if i == 23 else f"o-{i}", 1000 + i) for i in range(60)]
    for event in made:
        world.publish(event, partition=0)
    processor = world.processor().start()
    world.wait_caught_up(60)
    processor.terminate()

    subjects = {subject for (subject,) in world.query("SELECT subject FROM entries WHERE kind = 1 AND rule_id = 'order-points'")}
    assert subjects == {f"o-{i}" for i in range(60) if i != 23}
    dead = world.query("SELECT reason, stage, input_offset FROM dead_letters")
    assert dead == [("refused_by_database", "ledger", 23)]
    letters = world.read(world.dead_letters)
    assert [letter.value() for letter in letters] == [world.history[23].value]
    headers = {name: value for name, value in letters[0].headers()}
    assert headers["__connect.errors.exception.class.name"] == b"refused_by_database"
    assert b"watched" in headers["__connect.errors.exception.message"]

    # Its (source, id) is not used up: once the cause is gone, the same event counts.
    with psycopg.connect(world.postgres_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE entries DROP CONSTRAINT watched")
    world.publish(made[23], partition=0)
    world.processor().start()
    world.wait_caught_up(60)
    assert world.query("SELECT count(*) FROM entries WHERE subject = %s", WATCHED) == [(1,)]
