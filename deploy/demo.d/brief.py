#!/usr/bin/env python3
"""A line of words for each record that `points consume` prints.

usage: points consume rewards | brief.py
       points consume dead-letters | brief.py
"""
import json
import sys


def reward(record):
    facts = record["reward"]
    return (f"{facts['occurred_at'][:16].replace('T', ' ')}  {record['headers']['ce_type']:17} "
            f"balance {facts['balance_after']:>5}   {facts['reason']}")


def dead_letter(record):
    headers = {name.removeprefix("__connect.errors."): value for name, value in record["headers"].items()}
    place = f"{headers['topic']}/{headers['partition']}@{headers['offset']}"
    return f"{record['key']:11} {place:19} {headers['exception.class.name']:22} {headers['exception.message']}"


def main():
    if len(sys.argv) > 1:
        print(__doc__)
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    for text in sys.stdin:
        record = json.loads(text)
        print(reward(record) if "reward" in record else dead_letter(record))
    return 0


if __name__ == "__main__":
    sys.exit(main())
