"""The JSON Schema of program files against the program that reads them. The validator is other people's."""

import json
import os
import random
import subprocess
from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest
import yaml
import yaml_core

ROOT = Path(__file__).parents[2]
BINARY = os.environ.get("POINTS_BINARY", str(ROOT / "build/points"))
SCHEMA = json.loads((ROOT / "config/program.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
PROGRAMS = sorted((ROOT / "config/programs").glob("*.yaml"))
SEED = int(os.environ.get("POINTSTEST_SEED", random.randrange(2**31)))
FILES_AT_ONCE = 200


def schema_takes(text):
    return VALIDATOR.is_valid(yaml_core.load(text))


def program_takes(paths):
    """Which of the files `points check` finds good."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("POINTS_")}
    result = subprocess.run([BINARY, "check", "--json", *map(str, paths)], capture_output=True, text=True, env=environment)
    assert result.returncode in (0, 3), result.stderr
    wrong = {error["file"] for error in json.loads(result.stdout)["errors"]}
    return [str(path) not in wrong for path in paths]


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_committed_program_is_good(path):
    errors = [f"{list(error.path)}: {error.message}" for error in VALIDATOR.iter_errors(yaml_core.load(path.read_text()))]
    assert errors == []


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_committed_program_names_its_schema(path):
    first = path.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../program.schema.json"
    assert (path.parent / first.split("=")[1]).resolve() == ROOT / "config/program.schema.json"


# What is wrong with shop.yaml, and the change that makes it so.
BROKEN = {
    "an unknown key at the top": ("zone: Europe/Berlin", "zoen: Europe/Berlin"),
    "an unknown key of a rule": ("once_per: member", "oncee_per: member"),
    "an unknown key of earn": ("{fixed: 100}", "{fixd: 100}"),
    "an unknown key of a reward": ("give: \"Note worth 20\"", "gives: \"Note worth 20\""),
    "no version": ("version: 1 ", "# version: 1 "),
    "a version that is no number": ("version: 1 ", "version: one "),
    "version zero": ("version: 1 ", "version: 0 "),
    "a date that is none": ("effective: 2025-01-01T00:00:00Z", "effective: next year"),
    "too many decimals": ("EUR: 2\n", "EUR: 7\n"),
    "a currency in small letters": ("EUR: 2\n", "eur: 2\n"),
    "partners that are no list": ("[bookshop, cafe]", "bookshop"),
    "an unknown policy for refunds": ("refunds: negative", "refunds: generous"),
    "an event that earns nothing": ("on: order.paid", "on: order.refunded"),
    "an unknown rounding": ("rounding: down", "rounding: up_and_down"),
    "an unknown network": ("pinterest, x,", "pinterest, mastodon,"),
    "a rule id with capitals": ("id: welcome", "id: Welcome"),
    "a rate in other words": ('rate: "2 per 1"', 'rate: "2 for each"'),
    "a rate below zero": ('rate: "2 per 1"', 'rate: "-2 per 1"'),
    "an unknown placeholder": ("{amount} points to say", "{amuont} points to say"),
    "an amount that is none": ('EUR: "10.00", USD', 'EUR: "ten", USD'),
    "a minimum that is a list": ('{EUR: "10.00", USD: "12.00"}', "[10.00]"),
    "an unknown side": ("to: both", "to: neither"),
    "rules that are a map": ("rules:\n", "rules: {}\nrulez:\n"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_program_is_refused_by_both(what, tmp_path):
    good, bad = BROKEN[what]
    text = (ROOT / "config/programs/shop.yaml").read_text()
    assert text.count(good) == 1
    path = tmp_path / "broken.yaml"
    path.write_text(text.replace(good, bad))
    assert not schema_takes(path.read_text())
    assert program_takes([path]) == [False]


class Plain(yaml.SafeDumper):
    """Writes scalars without quotes where they can stand so, as people do."""

    yaml_implicit_resolvers = {}


SCALARS = ["", "x", "0", "1", "2", "7", "10.00", "-1", "down", "order.paid", "activity.x", "EUR", "points", "1 per 1.00", "2000 points",
           "2026-02-30", "2026-01-01T00:00:00Z", "{amount}", "{", "a-b", "A", "UTC", "event.rating > 1"]


def places(tree, path=()):
    """Each value of a tree, by its path."""
    yield path
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def mutated(tree, rng):
    """One change somewhere: a value, a key, something more or something less."""
    tree = deepcopy(tree)
    path = rng.choice([path for path in places(tree) if path])
    holder, key = at(tree, path[:-1]), path[-1]
    change = rng.randrange(4)
    if change == 0:
        del holder[key]
    elif change == 1:
        other = at(tree, rng.choice(list(places(tree))))
        holder[key] = deepcopy(other)
    elif change == 2 and isinstance(holder, dict):
        holder[rng.choice([str(key) + "x", str(key)[:-1], *SCALARS])] = holder.pop(key)
    else:
        holder[key] = rng.choice(SCALARS)
    return tree


def test_the_schema_refuses_nothing_that_the_program_takes(tmp_path):
    """Thousands of changed programs."""
    rng = random.Random(SEED)
    trees = [yaml.load(path.read_text(), Loader=yaml.BaseLoader) for path in PROGRAMS]
    refused_by_both = 0
    for _ in range(12):
        paths = []
        for number in range(FILES_AT_ONCE):
            path = tmp_path / f"{number}.yaml"
            path.write_text(yaml.dump(mutated(rng.choice(trees), rng), Dumper=Plain, sort_keys=False))
            paths.append(path)
        for path, taken in zip(paths, program_takes(paths)):
            by_schema = schema_takes(path.read_text())
            assert by_schema or not taken, f"seed {SEED}: the program takes\n{path.read_text()}"
            refused_by_both += not by_schema
    assert refused_by_both > 100
