"""Avro on the wire, by fastavro alone: single-object encoding and the Confluent format."""
from __future__ import annotations

import io
import json
import struct
from functools import lru_cache
from pathlib import Path

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

AVRO = Path(__file__).resolve().parents[2] / "schemas" / "avro"


@lru_cache(maxsize=None)
def schema_text(name: str) -> str:
    return (AVRO / f"{name}.avsc").read_text()


def schema(name: str) -> dict:
    """A fresh copy: tests change it into newer and older writers' schemas."""
    return json.loads(schema_text(name))


@lru_cache(maxsize=None)
def parsed(text: str):
    return parse_schema(json.loads(text))


def single_object_prefix(text: str) -> bytes:
    return b"\xc3\x01" + bytes.fromhex(fingerprint(to_parsing_canonical_form(json.loads(text)), "CRC-64-AVRO"))


@lru_cache(maxsize=None)
def prefix_of(text: str) -> bytes:
    return single_object_prefix(text)


def body(text: str, record: dict) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed(text), record)
    return out.getvalue()


def encode(name: str, record: dict, text: str | None = None) -> bytes:
    """The record in single-object encoding, under the built-in schema or the writer's own."""
    text = text or schema_text(name)
    return prefix_of(text) + body(text, record)


def encode_confluent(name: str, record: dict, schema_id: int, text: str | None = None) -> bytes:
    return b"\x00" + struct.pack(">I", schema_id) + body(text or schema_text(name), record)


def decode(name: str, value: bytes) -> dict:
    """Decodes either format under the built-in schema."""
    text = schema_text(name)
    if value[:2] == b"\xc3\x01":
        if value[:10] != prefix_of(text):
            raise ValueError(f"not the fingerprint of {name}: {value[:10].hex()}")
        payload = value[10:]
    elif value[:1] == b"\x00":
        payload = value[5:]
    else:
        raise ValueError(f"no known frame: {value[:10].hex()}")
    stream = io.BytesIO(payload)
    record = fastavro.schemaless_reader(stream, parsed(text))
    if stream.read(1):
        raise ValueError("bytes left over")
    return record
