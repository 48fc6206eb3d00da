"""Every version of a schema ever committed reads, and is read by, every other; and the rules of schemas/README.md hold."""
import copy
import itertools

import pytest
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

import versions

NAMES = versions.names()


def canonical(schema: dict) -> str:
    return to_parsing_canonical_form(schema)


def recorded() -> dict[str, str]:
    lines = [line.split() for line in versions.FINGERPRINTS.read_text().splitlines() if not line.startswith("#")]
    return {name: digits for name, digits in lines}


def test_the_schemas_are_those_that_the_semantics_list():
    assert NAMES == ["activity", "adjustment", "member", "order", "redemption", "referral", "review", "reward", "share",
                     "timer"]


@pytest.mark.parametrize("name", NAMES)
def test_the_current_version_is_the_newest_of_its_history(name):
    history = versions.history(name)
    assert [path.stem for path in history] == [f"{name}-{number + 1}" for number in range(len(history))]
    assert history, f"no schemas/avro/history/{name}-1.avsc"
    assert canonical(versions.load(versions.AVRO / f"{name}.avsc")) == canonical(versions.load(history[-1])), \
        f"{name}.avsc changed: copy it to history/{name}-{len(history) + 1}.avsc"


def test_no_version_in_the_history_was_edited_or_lost():
    found = {path.stem: int.from_bytes(bytes.fromhex(fingerprint(canonical(versions.load(path)), "CRC-64-AVRO")), "little")
             for path in (versions.AVRO / "history").glob("*.avsc")}
    assert {name: f"{value:016x}" for name, value in found.items()} == recorded()


@pytest.mark.parametrize("name", NAMES)
def test_all_versions_are_compatible_both_ways(name):
    for reader, writer in itertools.permutations(versions.history(name), 2):
        assert versions.problems(versions.load(reader), versions.load(writer), reader.stem) == []
    parse_schema(versions.load(versions.AVRO / f"{name}.avsc"))


def all_fields(schema: dict, where: str):
    for field in schema["fields"]:
        yield f"{where}.{field['name']}", field
        inner = field["type"]
        while isinstance(inner, dict) and inner["type"] in ("array", "map"):
            inner = inner["items" if inner["type"] == "array" else "values"]
        if isinstance(inner, dict) and inner["type"] == "record":
            yield from all_fields(inner, f"{where}.{field['name']}")


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_documented_and_every_default_is_the_zero_of_its_type(name):
    for where, field in all_fields(versions.load(versions.AVRO / f"{name}.avsc"), name):
        assert len(field.get("doc", "")) > 10, f"{where} has no doc"
        kind = versions.type_name(field["type"])
        if kind == "enum":
            assert field["type"].get("default") == field["type"]["symbols"][0], where
        if "default" in field:
            zero = field["type"]["symbols"][0] if kind == "enum" else versions.ZERO[kind]
            assert field["default"] == zero and type(field["default"]) is type(zero), where
        if field["name"].endswith("_at"):
            assert field["type"] == {"type": "long", "logicalType": "timestamp-micros"}, where


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_a_float_or_a_union(name):
    text = (versions.AVRO / f"{name}.avsc").read_text()
    assert '"float"' not in text and '"double"' not in text
    for where, field in all_fields(versions.load(versions.AVRO / f"{name}.avsc"), name):
        assert versions.type_name(field["type"]) != "union", where


def without(schema, name):
    schema["fields"] = [field for field in schema["fields"] if field["name"] != name]


def retyped(schema, name):
    versions.fields(schema)[name]["type"] = "boolean"


def extended(schema, name):
    schema["fields"].append({"name": name, "type": "string"})


def robbed(schema, name):
    del versions.fields(schema)[name]["type"]["default"]
    versions.fields(schema)[name]["type"]["symbols"].pop()


@pytest.mark.parametrize("change, name", [(without, "order_id"), (retyped, "shipping"), (retyped, "lines"),
                                          (extended, "fresh"), (robbed, "kind")])
def test_the_check_finds_a_change_that_is_not_compatible(change, name):
    old = versions.load(versions.AVRO / "order.avsc")
    new = copy.deepcopy(old)
    change(new, name)
    assert versions.problems(old, new, "order") + versions.problems(new, old, "order") != []


@pytest.mark.parametrize("name", ["coupon", "revision"])
def test_the_check_lets_a_field_with_a_default_come_and_go(name):
    old = versions.load(versions.AVRO / "order.avsc")
    new = copy.deepcopy(old)
    without(new, name)
    assert versions.problems(old, new, "order") == versions.problems(new, old, "order") == []
