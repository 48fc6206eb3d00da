"""The versions of each schema, random values of them, and what makes two versions compatible."""
from __future__ import annotations

import json
import random
import re
from pathlib import Path

AVRO = Path(__file__).resolve().parents[2] / "schemas" / "avro"
WRITERS = Path(__file__).resolve().parent / "writers"
FINGERPRINTS = Path(__file__).resolve().parent / "fingerprints.txt"

ZERO = {"string": "", "long": 0, "boolean": False, "array": [], "map": {}}


def names() -> list[str]:
    return sorted(path.stem for path in AVRO.glob("*.avsc"))


def load(path: Path) -> dict:
    return json.loads(path.read_text())


def history(name: str) -> list[Path]:
    """The committed versions, oldest first."""
    found = {int(re.fullmatch(rf"{name}-(\d+)", path.stem)[1]): path for path in AVRO.glob(f"history/{name}-*.avsc")}
    return [found[number] for number in sorted(found)]


def type_name(schema) -> str:
    if isinstance(schema, list):
        return "union"
    return type_name(schema["type"]) if isinstance(schema, dict) and isinstance(schema["type"], dict) else (
        schema["type"] if isinstance(schema, dict) else schema)


def fields(schema: dict) -> dict[str, dict]:
    return {field["name"]: field for field in schema["fields"]}


def problems(reader, writer, where: str) -> list[str]:
    """Why a reader of one version could not read what a writer of another wrote, or would lose the sense of it."""
    kind = type_name(reader)
    if kind != type_name(writer):
        return [f"{where}: {kind} was {type_name(writer)}"]
    if kind == "record":
        return record_problems(reader, writer, where)
    if kind == "enum":
        unknown = set(writer["symbols"]) - set(reader["symbols"])
        return [f"{where}: {sorted(unknown)} and no default"] if unknown and "default" not in reader else []
    if kind in ("array", "map"):
        inner = "items" if kind == "array" else "values"
        return problems(reader[inner], writer[inner], f"{where}[]")
    return []


def record_problems(reader: dict, writer: dict, where: str) -> list[str]:
    found = [] if reader["name"] == writer["name"] else [f"{where}: {reader['name']} was {writer['name']}"]
    ours, theirs = fields(reader), fields(writer)
    for name, field in ours.items():
        if name in theirs:
            found += problems(field["type"], theirs[name]["type"], f"{where}.{name}")
        elif "default" not in field:
            found.append(f"{where}.{name}: new, and no default")
    return found


class Values:
    """Random values of a schema, the same for the same seed; deep down the shortest."""

    LETTERS = "aZ-7 ä€😀"

    def __init__(self, seed: int, schema):
        self.random = random.Random(seed)
        self.named: dict[str, dict] = {}
        self.learn(schema)

    def learn(self, schema):
        """Named types, which may be used where the value of their definition was left out."""
        if isinstance(schema, dict):
            if "name" in schema and schema.get("type") in ("record", "enum", "fixed"):
                self.named[schema["name"]] = schema
            schema = list(schema.values())
        for item in schema if isinstance(schema, list) else []:
            self.learn(item)

    def text(self) -> str:
        return "".join(self.random.choice(self.LETTERS) for _ in range(self.random.randrange(10)))

    def number(self, bits: int) -> int:
        most = 2 ** (bits - 1)
        return self.random.choice([0, -1, most - 1, -most, self.random.randrange(-1000, 100000)])

    def of(self, schema, depth: int = 0):
        if isinstance(schema, list):
            branch = schema[0] if depth > 6 else self.random.choice(schema)
            return self.of(branch, depth + 1)
        if isinstance(schema, str):
            return self.plain(schema, depth)
        kind = schema["type"]
        if isinstance(kind, (dict, list)):
            return self.of(kind, depth)
        if kind == "record":
            return {field["name"]: self.of(field["type"], depth + 1) for field in schema["fields"]}
        if kind == "enum":
            return self.random.choice(schema["symbols"])
        if kind == "fixed":
            return self.random.randbytes(schema["size"])
        if kind == "array":
            return [self.of(schema["items"], depth + 1) for _ in range(self.count(depth))]
        if kind == "map":
            return {self.text(): self.of(schema["values"], depth + 1) for _ in range(self.count(depth))}
        return self.plain(kind, depth)

    def count(self, depth: int) -> int:
        return 0 if depth > 6 else self.random.randrange(4)

    def plain(self, name: str, depth: int):
        if name in self.named:
            return self.of(self.named[name], depth)
        return {"null": lambda: None, "boolean": lambda: self.random.random() < 0.5, "int": lambda: self.number(32),
                "long": lambda: self.number(64), "float": lambda: 0.5, "double": lambda: self.random.random(),
                "bytes": lambda: self.text().encode(), "string": self.text}[name]()
