"""The keys that stand in the ledger, written anew from their description in processor/base/hash.h."""
from __future__ import annotations

import hashlib


def hashed(*fields: bytes) -> bytes:
    return hashlib.blake2b(b"".join(len(f).to_bytes(8, "little") + f for f in fields), digest_size=16).digest()


def key_hash(event: dict) -> bytes:
    """How the table of event keys names an event: its source and id, each behind its length."""
    return hashed(b"event", event["source"].encode(), event["id"].encode())


def member_key(program_id: str, member_id: str) -> bytes:
    return hashed(b"member", program_id.encode(), member_id.encode())


def subject_key(kind: str, name: str) -> bytes:
    return hashed(b"subject", kind.encode(), name.encode())


def settlement_key(member: tuple, obligation: str, due: int, after: int) -> bytes:
    """What stands for the event in what a member owed."""
    return hashed(b"settlement", member[0].encode(), member[1].encode(), obligation.encode(), due.to_bytes(8, "big", signed=True),
                  after.to_bytes(8, "big", signed=True))
