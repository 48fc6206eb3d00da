"""Events and decisions in the words of golden cases (config/README.md), and what the program makes of them."""
from __future__ import annotations

import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from model.decide import (ACCRUAL, ADJUSTMENT, AVAILABLE, CONVERSION, CONVERSION_VOIDED, ERASED, EXPIRY, MERGED, MERGED_EARNED,
                          PENDING, POSTING, REDEMPTION, RETURNED, TAKE_BACK, decimal, key_hash)

SIGNED = {ACCRUAL: "", TAKE_BACK: "", ADJUSTMENT: "adjusted ", MERGED: "merged ", MERGED_EARNED: "merged earned "}
PLAIN = {CONVERSION: "converts ", CONVERSION_VOIDED: "gets back ", REDEMPTION: "spends ", EXPIRY: "expires ", POSTING: "posts ",
         RETURNED: "returns ", ERASED: "gives back pending "}
TOLD = {"reward.granted": "reward", "reward.voided": "voided", "referral.accepted": "accepted", "referral.refused": "refused",
        "member.merged": "merged with", "refund.dropped": "drops the refund of", "tier.changed": "tier", "points.expiring": "warned"}


def decimals(programs) -> tuple:
    """Of a ProgramSet, by currency: of money; and of points, where ("first", program) is the one meant where none is named."""
    money = {name: digits for program in programs.programs for name, digits in program.money.items()}
    points = {name: digits for program in programs.programs for name, digits in program.points.items()}
    return money, points | {("first", program.id): next(iter(program.points)) for program in programs.programs}


def event_line(event: dict, money: dict, points: dict) -> str:
    """money, points: decimals by currency; of points also ("first", program) -> the currency meant where none is named."""
    words = [f"> {event['type']}.{event['kind']}", *WORDS[event["type"]](event, money, points)]
    words += [f"{name}={event[key]}" for name, key in
              (("member", "member_id"), ("program", "program_id"), ("id", "id"), ("source", "source"))]
    if event.get("partner_id"):
        words.append(f"partner={event['partner_id']}")
    words.append(f"at={instant(event['occurred_at'])}")
    return " ".join(words)


def instant(micros: int) -> str:
    return datetime.fromtimestamp(micros // 1_000_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def order_words(event: dict, money: dict, points: dict) -> list:
    digits = money.get(event["currency"], 0)
    words = [event["order_id"], event["currency"]]
    refund = event["kind"] == "refunded"
    words += [line_word(line, digits, refund) for line in event.get("lines") or []]
    for name, key in (("discount", "discount"), ("amount", "refund_amount"), ("shipping", "shipping")):
        if event.get(key):
            words.append(f"{name}={decimal(event[key], digits)}")
    for name in ("revision", "channel", "coupon"):
        if event.get(name):
            words.append(f"{name}={event[name]}")
    if event.get("points_used"):
        words.append(f"points_used={decimal(event['points_used'], points[points['first', event['program_id']]])}")
    return words


def line_word(line: dict, digits: int, refund: bool) -> str:
    word = f"{line['sku']}={line['quantity']}"
    if not refund:
        word += f"x{decimal(line['unit_price'], digits)}"
        word += f"-{decimal(line['discount'], digits)}" if line["discount"] else ""
        word += f",category={line['category']}" if line["category"] else ""
        word += "".join(f",label={label}" for label in line["labels"])
        word += f",tax={decimal(line['tax'], digits)}" if line["tax"] else ""
    return word + (f",line={line['line_id']}" if line["line_id"] else "")


def adjustment_words(event: dict, money: dict, points: dict) -> list:
    currency = event.get("currency") or points["first", event["program_id"]]
    sign = "-" if event["points"] < 0 else ""
    return [sign + decimal(abs(event["points"]), points[currency]), currency, f'reason="{event["reason"]}"']


def activity_words(event: dict, money: dict, points: dict) -> list:
    return [event["name"], decimal(event.get("value") or 0, 3), *attributes(event)]


def referral_words(event: dict, money: dict, points: dict) -> list:
    return [event["referrer"] or '""', event["referee"] or '""']


def member_words(event: dict, money: dict, points: dict) -> list:
    words = [f"{name}={event[name]}" for name in ("merged_into", "zone", "language", "birthday") if event.get(name)]
    words += [f"segment={segment}" for segment in event.get("segments") or []]
    return (["consent"] if event.get("consent") else []) + words + attributes(event)


def attributes(event: dict) -> list:
    return [f"{name}={value}" for name, value in (event.get("attributes") or {}).items()]


def review_words(event: dict, money: dict, points: dict) -> list:
    words = [f"{name}={event[name]}" for name in ("rating", "length", "photos", "videos") if event.get(name)]
    return [event["sku"], *(["verified"] if event.get("verified_purchase") else []), *words]


WORDS = {
    "order": order_words,
    "adjustment": adjustment_words,
    "activity": activity_words,
    "referral": referral_words,
    "member": member_words,
    "review": review_words,
    "share": lambda event, money, points: [event["network"], event["content"]],
}


def decision_lines(event: dict, decision, points: dict, balances: dict) -> list:
    """points: decimals by currency; balances: (member, currency) -> available, which follow."""
    lines = []
    for entry in decision.entries:
        adds = entry.to_account in (AVAILABLE, PENDING)
        pends = PENDING in (entry.to_account, entry.from_account)
        who = (entry.member, entry.currency)
        effect = {AVAILABLE: 1}.get(entry.to_account, {AVAILABLE: -1}.get(entry.from_account, 0))
        balances[who] = balances.get(who, 0) + effect * entry.amount
        digits = points[entry.currency]
        verb = PLAIN.get(entry.kind) or SIGNED[entry.kind] + ("pending " if pends else "") + ("+" if adds else "-")
        line = f"{entry.member[1]} {verb}{decimal(entry.amount, digits)} {entry.currency} {entry.rule_id}"
        line += f" {entry.subject}" if entry.subject else ""
        line += f" wanted {decimal(entry.wanted, digits)}" if entry.wanted != entry.amount else ""
        line += f" v{entry.program_version}" if entry.program_version != 1 else ""
        line += f" at {entry.partner_id}" if entry.partner_id else ""
        line += f" due {instant(entry.occurred_at)}" if entry.cause != key_hash(event).hex() else ""
        lines.append(f"{line} = {signed(balances[who], digits)}")
    for reward in decision.rewards:
        if reward.type in TOLD:
            if reward.type == "tier.changed":
                lines.append(f"{reward.member[1]} tier {reward.subject or 'none'} -> {reward.benefit or 'none'}")
                continue
            about = "" if reward.type == "points.expiring" else \
                reward.subject if reward.type in ("member.merged", "refund.dropped") else reward.rule_id
            lines.append(f"{reward.member[1]} {TOLD[reward.type]} {about}".rstrip())
    return lines


def signed(amount: int, digits: int) -> str:
    return ("-" if amount < 0 else "") + decimal(abs(amount), digits)


def case_file(programs: list, histories: dict) -> str:
    """histories: name -> lines of events."""
    parts = []
    for program in programs:
        parts += ["program", *("  " + line if line else "" for line in program.splitlines())]
    for name, lines in histories.items():
        parts += ["", f"case {name}", *lines]
    return "\n".join(parts) + "\n"


def run(binary: Path, folder: Path, programs: list, histories: dict) -> dict:
    """name -> what each event did: a list of lists of lines, in the order of the events."""
    path = folder / "generated.cases"
    path.write_text(case_file(programs, histories))
    done = subprocess.run([binary, "test", path, "--update"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"points test ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    found, effects = {}, None
    for line in path.read_text().splitlines():
        if line.startswith("case "):
            effects = found.setdefault(line[len("case "):], [])
        elif effects is not None and line.startswith(">"):
            effects.append([])
        elif effects and line and not line.startswith("#"):
            effects[-1].append(line)
    return found


MOVES = re.compile(r"(\S+) (?:adjusted |merged earned |merged )?(pending |gives back )?"
                   r"(\+|-|pending |converts |gets back |spends |expires |posts |returns )([\d.]+) (\S+) .*= (-?[\d.]+)$")
TAKING = ("-", "converts ", "spends ", "expires ")


def entry_of(text: str) -> tuple | None:
    """(member, currency, what it adds, balance after) in minor units of a line that is an entry of what is available."""
    match = MOVES.match(text)
    if not match or match[2]:
        return None
    member, _, verb, amount, currency, balance = match.groups()
    minor = int(amount.replace(".", ""))
    return member, currency, -minor if verb in TAKING else minor, int(balance.replace(".", ""))


def plain(lines: list) -> list:
    """Without the words of refusals and warnings, and without saying whether what had no effect waits."""
    short = (re.sub(r"^(refused [a-z_]+): .*|^(\S+ warned) .*", r"\1\2", line) for line in lines)
    return sorted("nothing" if line == "waiting" else line for line in short)
