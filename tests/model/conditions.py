"""Expressions of programs by somebody else's implementation of the Common Expression Language."""
from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from functools import lru_cache

import celpy
from celpy import celtypes

ENVIRONMENT = celpy.Environment()
TIMES = ("occurred_at", "due_at")


@lru_cache(maxsize=None)
def compiled(text: str):
    return ENVIRONMENT.program(ENVIRONMENT.compile(text))


def as_cel(name: str, value):
    if name in TIMES:
        return celtypes.TimestampType(datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=value))
    return celpy.json_to_cel(value)


@lru_cache(maxsize=100_000)
def evaluate(text: str, variables: str):
    """What the expression gives; None where it ends in an error."""
    activation = {name: celtypes.MapType({celtypes.StringType(key): as_cel(key, value) for key, value in facts.items()})
                  for name, facts in json.loads(variables).items()}
    try:
        result = compiled(text).evaluate(activation)
    except celpy.CELEvalError:
        return None
    if isinstance(result, celtypes.BoolType):
        return bool(result)
    return int(result) if isinstance(result, celtypes.IntType) else result


def text_of(variables: dict) -> str:
    """event, member and program as plain dictionaries, for evaluate."""
    return json.dumps(variables, sort_keys=True)
