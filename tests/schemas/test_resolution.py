"""The decoder against fastavro: what either reads of older, newer and present writers is the same."""
import io
import json
import os
import struct
import subprocess
import copy

import fastavro
import pytest
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

import versions

EVENTS = [name for name in versions.names() if name != "reward"]
WRITERS = sorted([versions.AVRO / f"{name}.avsc" for name in EVENTS] + list(versions.WRITERS.glob("*.avsc")))
VALUES = 300


def body(schema, value) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def decoded(path, bodies: list[bytes]) -> list[dict]:
    """What the decoder says of each body; before them, the schema's fingerprint."""
    frames = b"".join(struct.pack("<I", len(body)) + body for body in bodies)
    run = subprocess.run([os.environ["POINTS_SCHEMA_DUMP"], str(path)], input=frames, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.decode().splitlines()]


def reader_of(schema: dict) -> dict:
    """Ours, of the writer's record, under the writer's namespace: we match names without it, fastavro with it."""
    reader = versions.load(versions.AVRO / f"{schema['name'].lower()}.avsc")
    reader["namespace"] = schema.get("namespace", "")
    return reader



def without_logical_types(schema):
    if isinstance(schema, dict):
        return {key: without_logical_types(value) for key, value in schema.items() if key != "logicalType"}
    return [without_logical_types(item) for item in schema] if isinstance(schema, list) else schema


def expected(body: bytes, writer, reader) -> dict | None:
    """fastavro's reading, or None where the value cannot be resolved."""
    try:
        return fastavro.schemaless_reader(io.BytesIO(body), writer, reader)
    except fastavro.read.SchemaResolutionError:
        return None


@pytest.mark.parametrize("path", WRITERS, ids=lambda path: path.stem)
def test_the_decoder_reads_what_fastavro_reads(path):
    text = without_logical_types(versions.load(path))
    writer, reader = parse_schema(copy.deepcopy(text)), parse_schema(without_logical_types(reader_of(text)))
    bodies = [body(writer, versions.Values(seed, text).of(text)) for seed in range(VALUES)]
    head, *lines = decoded(path, bodies)
    digits = fingerprint(to_parsing_canonical_form(versions.load(path)), "CRC-64-AVRO")
    assert bytes.fromhex(head["fingerprint"])[::-1].hex() == digits
    assert len(lines) == VALUES
    read = 0
    for seed, (line, bytes_) in enumerate(zip(lines, bodies)):
        value = expected(bytes_, writer, reader)
        assert line.get("event") == value, f"value {seed}: {line}"
        read += value is not None
    assert read > 0, "no value was ever read"


def order(**others) -> dict:
    line = {"line_id": "1", "sku": "tea", "category": "", "labels": [], "quantity": 2, "unit_price": 499, "discount": 0,
            "tax": 0}
    return {"id": "e", "source": "s", "program_id": "", "partner_id": "", "member_id": "m", "occurred_at": 17,
            "kind": "paid", "order_id": "1", "revision": 0, "currency": "EUR", "lines": [line], "shipping": 0, "discount": 5,
            "refund_amount": 0, "points_used": 0, "channel": "", "coupon": ""} | others


def content(path, value) -> str:
    _, line = decoded(path, [body(parse_schema(without_logical_types(versions.load(path))), value)])
    return line["content"]


def test_the_same_facts_have_one_hash_whichever_version_wrote_them():
    present = content(versions.AVRO / "order.avsc", order())
    newer = order(note="new", void=None, score=0.5, signature=b"x", history=[], origin=b"DE", thread=None, rush=True)
    newer["lines"][0] |= {"gift_wrap": None, "weight": 1.5, "origin": b"DE"}
    older = order()
    older["lines"][0] |= {"sku": b"tea"}
    del older["lines"][0]["line_id"]
    no_line_id = order()
    no_line_id["lines"][0]["line_id"] = ""
    assert content(versions.WRITERS / "order-newer.avsc", newer) == present
    assert content(versions.WRITERS / "order-older.avsc", older) == content(versions.AVRO / "order.avsc", no_line_id)
    assert content(versions.AVRO / "order.avsc", order(discount=6)) != present
