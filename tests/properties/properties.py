"""properties.py BINARY [--seconds N] [--seed N]: what always holds, on generated programs and histories, until the time is
over. `points test` decides them; the plain reimplementation in tests/model says what it must come to, or another history
does. Ends with `N passed, N failed`; the seed of a round that failed repeats it as the first."""
from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.events import SECOND, START, Shop, line
from lib.programs import ALL, random_order_program, random_program, with_tiers
from lib.workload import Workload
from model.decide import INT64_MAX, Refused, decide, follow
from model.explain import content_of, event_key
from model.program import ProgramSet
from properties.cases import WORDS, decimals, decision_lines, entry_of, event_line, plain, run

HISTORIES = 6
DAY = 86_400_000_000


class Bench:
    """What a workload asks of a world."""

    def __init__(self, programs: list):
        self.programs = programs
        self.partitions = 1
        self.topics = defaultdict(str)

    def partition_of(self, member_id: str) -> int:
        return 0

    def plan(self, event: dict, partition: int, **fields):
        return SimpleNamespace(event=event, topic="", partition=0, value=b"", key=b"", timestamp=0)


def with_ends(rng, program: str) -> str:
    """The program with points that end, and some that are pending first."""
    expiry = rng.choice(("30 days", "2 months", "end of quarter", "20 days of inactivity"))
    program = re.sub(r"^(  (?:coins|points|stars): \{decimals: \d)\}", rf"\1, expire: {expiry}, warn: [7 days]}}", program, flags=re.MULTILINE)
    for rule in ("second", "walk"):
        if rng.random() < 0.5:
            program = re.sub(rf"(  - {{id: {rule}, .*)}}$", r"\1, pending: 14 days}", program, flags=re.MULTILINE)
    return program


class Round:
    """One set of programs, and histories over it."""

    def __init__(self, rng: random.Random, binary: Path, folder: Path, programs: list | None = None, refunds: str | None = None):
        self.rng, self.binary, self.folder = rng, binary, folder
        self.programs = programs or ([*ALL] if rng.random() < 0.3 else [random_program(rng, "program-0")])
        if not programs and rng.random() < 0.5:
            self.programs = [with_ends(rng, program) for program in self.programs]
        if refunds:
            self.programs = [text.replace("refunds: negative", f"refunds: {refunds}").replace("refunds: clamp", f"refunds: {refunds}")
                             for text in self.programs]
        self.set = ProgramSet(*self.programs)
        self.money, self.points = decimals(self.set)

    def history(self, events: int, **shares) -> list:
        workload = Workload(Bench(self.programs), self.rng.randrange(2**32), poison=0.0, **shares)
        made = [record.event for record in workload.plan(events)]
        return [event for event in made if event["type"] in WORDS]

    def lines(self, events: list) -> list:
        return [event_line(event, self.money, self.points) for event in events]

    def effects(self, histories: dict) -> dict:
        return run(self.binary, self.folder, self.programs, {name: self.lines(events) for name, events in histories.items()})

    def predicted(self, events: list) -> list:
        states, applied, balances, found = {}, {}, {}, []
        for event in events:
            held = applied.get(event_key(event))
            if held is not None:
                found.append(["duplicate"] if held == content_of(event) else ["refused conflicting_duplicate"])
                continue
            try:
                decision = decide(self.set, states, event)
            except Refused as refusal:
                found.append([f"refused {refusal.reason}"])
                continue
            erased = [f"{follow(states, event)['member_id']} erased"] if event["kind"] == "erased" else []
            states.update(decision.states)
            applied[event_key(event)] = content_of(event)
            found.append([*decision_lines(event, decision, self.points, balances), *erased] or ["nothing"])
        return found


def some_program(rng) -> str:
    """Without rules for the member's nth order, which depend on what came between."""
    return random_program(rng, "program-0") if rng.random() < 0.5 else random_order_program(rng, "program-0", nth=False)


# ---- what a member has in the end


def ends(effects: list) -> dict:
    """(member, currency or reward) -> the last balance, or rewards standing."""
    found: dict = defaultdict(int)
    for lines in effects:
        for text in lines:
            words, entry = text.split(), entry_of(text)
            if entry is not None:
                found[entry[:2]] = entry[3]
            elif len(words) == 3 and words[1] in ("reward", "voided"):
                found[(words[0], words[2])] += 1 if words[1] == "reward" else -1
    return found


def worth(round_: Round, effects: list) -> dict:
    """The same with points that became rewards counted as points: when they turn depends on what came between."""
    found, program = ends(effects), round_.set.programs[0]
    total: dict = defaultdict(int)
    for (member, name), value in found.items():
        reward = next((reward for reward in program.rewards if reward.id == name), None)
        if reward is None:
            total[(member, name)] += value
        elif reward.spent:
            total[(member, name)] += value
        else:
            total[(member, reward.currency)] += value * reward.each
    return {who: value for who, value in total.items() if value}


def differ(what: str, wanted, found, context: list = ()):
    if wanted != found:
        raise AssertionError("\n".join([what, f"  expected {wanted}", f"  found    {found}", *map(str, context)]))


# ---- the properties


def model_agrees(rng, binary, folder):
    """Entries, rewards, refusals and duplicates are those of the plain reimplementation, event by event."""
    lasting = rng.random() < 0.6
    orders = [random_order_program(rng, "program-0", version, lasting=lasting) for version in range(1, rng.choice((2, 3)))]
    orders = orders if rng.random() < 0.6 else None
    round_ = Round(rng, binary, folder, orders)
    shares = {"members": rng.choice((1, 4, 8)), "step": rng.choice((20, 7 * 3600)) * SECOND, "merges": rng.choice((0.0, 0.05)), "late": rng.choice((0.03, 0.2))}
    histories = {f"history {n}": round_.history(rng.choice((40, 120)), **shares) for n in range(HISTORIES)}
    effects = round_.effects(histories)
    for name, events in histories.items():
        for event, wanted, found in zip(events, round_.predicted(events), effects[name], strict=True):
            differ(event_line(event, round_.money, round_.points), plain(wanted), plain(found), round_.programs)


def tiers_agree(rng, binary, folder):
    """Levels, what they give and multiply, ends and birthdays are those of the plain reimplementation, over years too."""
    program = random_order_program(rng, "program-0") if rng.random() < 0.6 else random_program(rng, "program-0")
    round_ = Round(rng, binary, folder, [with_tiers(rng, program)])
    step, merges = rng.choice(((20, 0.05), (7 * 3600, 0.05), (9 * 86400, 0.0), (31 * 86400, 0.0)))
    shares = {"members": rng.choice((1, 3)), "step": step * SECOND, "merges": merges, "late": rng.choice((0.03, 0.2))}
    histories = {f"history {n}": round_.history(rng.choice((30, 70)), **shares) for n in range(HISTORIES)}
    effects = round_.effects(histories)
    for name, events in histories.items():
        for event, wanted, found in zip(events, round_.predicted(events), effects[name], strict=True):
            differ(event_line(event, round_.money, round_.points), plain(wanted), plain(found), round_.programs)


def plain_history(round_: Round, events: int) -> list:
    """Without what ties members together or depends on ids."""
    made = round_.history(events, members=4, duplicates=0.0, conflicts=0.0, late=0.0)
    return [event for event in made if event["type"] != "referral"]


def a_purchase(round_: Round, rng) -> dict:
    shop = Shop("program-0", at=START)
    lines = [line(f"x-{n}", rng.randint(1, 5), rng.choice((1, 99, 1000, 2599, 40000))) for n in range(rng.randint(1, 4))]
    return shop.order("paid", "member-000", "the-order", lines, rng.choice([*round_.set.programs[0].money]), id="the-order")


def pieces(rng, paid: dict) -> list:
    """Refunds that together return the whole order: by line, piece by piece."""
    returned = []
    for item in paid["lines"]:
        left = item["quantity"]
        while left > 0:
            quantity = rng.randint(1, left)
            left -= quantity
            returned.append(dict(item, quantity=quantity))
    rng.shuffle(returned)
    return [refund(paid, f"piece-{n}", lines=[item]) for n, item in enumerate(returned)]


def refund(paid: dict, id_: str, **fields) -> dict:
    return dict(paid, **{"kind": "refunded", "id": id_, "lines": [], "refund_amount": 0, **fields})


def woven(rng, events: list, others: list) -> list:
    """The others, in their order, at random places among the events; each at the time of what stands before it."""
    places = sorted(rng.randrange(len(events) + 1) for _ in others)
    out = list(events)
    for place, other in reversed(list(zip(places, others))):
        before = out[place - 1]["occurred_at"] if place > 0 else START
        out.insert(place, dict(other, occurred_at=before))
    return out


def without_limits(program: str) -> str:
    program = re.sub(r", limit: (\[[^\]]*\]|[^,}]*)", "", program)
    return re.sub(r"^(limits|week_begins):.*\n", "", program, flags=re.MULTILINE)


def a_refunded_order_never_was(rng, binary, folder):
    """Refunding all of an order leaves its member as if it had never been, where take-backs may go below zero. What limits
    cut meanwhile stays cut, so there are none."""
    round_ = Round(rng, binary, folder, [without_limits(some_program(rng))], refunds="negative")
    histories = {}
    for n in range(HISTORIES):
        events, paid = plain_history(round_, 60), a_purchase(round_, rng)
        back = pieces(rng, paid) if rng.random() < 0.5 else [refund(paid, "all")]
        histories[f"without {n}"], histories[f"with {n}"] = events, woven(rng, events, [paid, *back])
        if rng.random() < 0.3:
            histories[f"with {n}"] = woven(rng, events, [*back, paid])
    effects = round_.effects(histories)
    for n in range(HISTORIES):
        differ(f"history {n} with an order that was refunded", worth(round_, effects[f"without {n}"]),
               worth(round_, effects[f"with {n}"]), [*round_.lines(histories[f"with {n}"]), *round_.programs])


def small_refunds_end_where_a_large_one_does(rng, binary, folder):
    """Refunds in pieces, in any order, take back what one refund of them all does. Where rules stack, points may be granted
    between them, of which a clamp forgets the less."""
    program = some_program(rng)
    round_ = Round(rng, binary, folder, [program], refunds="negative" if "stacking" in program else None)
    histories = {}
    for n in range(HISTORIES):
        paid, before = a_purchase(round_, rng), plain_history(round_, 25)
        if rng.random() < 0.5:
            amounts = [rng.randint(1, 3000) for _ in range(rng.randint(1, 6))]
            small = [refund(paid, f"amount-{k}", refund_amount=amount) for k, amount in enumerate(amounts)]
            large = refund(paid, "amount", refund_amount=sum(amounts))
        else:
            small = pieces(rng, paid)[:rng.randint(1, 6)]
            large = refund(paid, "lines", lines=[item for event in small for item in event["lines"]])
        at = before[-1]["occurred_at"] if before else START
        histories[f"small {n}"] = before + [dict(event, occurred_at=at) for event in (paid, *small)]
        histories[f"large {n}"] = before + [dict(event, occurred_at=at) for event in (paid, large)]
    effects = round_.effects(histories)
    for n in range(HISTORIES):
        differ(f"history {n} in small refunds", worth(round_, effects[f"large {n}"]), worth(round_, effects[f"small {n}"]),
               [*round_.lines(histories[f"small {n}"]), *round_.programs])


def others_change_nothing(rng, binary, folder):
    """Members whose events keep their order end alike, however others' events come between."""
    round_ = Round(rng, binary, folder, [some_program(rng)])
    events = plain_history(round_, 150)
    names = sorted({event["member_id"] for event in events})
    own = {name: [event for event in events if event["member_id"] == name] for name in names}
    histories = {f"of {name}": own[name] for name in names}
    for n in range(3):
        queues, mixed = {name: list(own[name]) for name in names}, []
        while queues:
            name = rng.choice(sorted(queues))
            mixed.append(queues[name].pop(0))
            queues = {name: queue for name, queue in queues.items() if queue}
        histories[f"mixed {n}"] = mixed
    effects = round_.effects(histories)
    for n in range(3):
        for name in names:
            mine = [did for event, did in zip(histories[f"mixed {n}"], effects[f"mixed {n}"]) if event["member_id"] == name]
            differ(f"{name} among others", effects[f"of {name}"], mine, round_.programs)


def nothing_overflows_in_silence(rng, binary, folder):
    """Huge numbers are refused by name, or every balance is the exact sum of its entries."""
    round_ = Round(rng, binary, folder, [random_program(rng, "program-0")])
    histories = {f"history {n}": huge_history(round_, rng) for n in range(HISTORIES)}
    effects = round_.effects(histories)
    for name, events in histories.items():
        sums: dict = defaultdict(int)
        for event, lines in zip(events, effects[name], strict=True):
            for text in lines:
                check_sum(event_line(event, round_.money, round_.points), text, sums, round_)


def huge_history(round_: Round, rng) -> list:
    shop, events = Shop("program-0", at=START), []
    huge = [INT64_MAX, INT64_MAX - 1, INT64_MAX // 2, INT64_MAX // 100, 2**53, 10**12, 12345]
    members = ["ann", "bob"]
    for n in range(25):
        member, amount = rng.choice(members), rng.choice(huge)
        events.append(rng.choice((
            lambda: shop.order("paid", member, f"o-{n}", [line("a", rng.choice((1, 1, 3, 1000)), amount)], "EUR"),
            lambda: shop.order("refunded", member, f"o-{rng.randrange(n + 1)}", refund_amount=amount),
            lambda: shop.order("refunded", member, f"o-{rng.randrange(n + 1)}"),
            lambda: shop.adjustment(member, rng.choice((amount, -amount))),
            lambda: shop.activity("miles_walked", member, value=amount),
            lambda: shop.make("member", "merged", member, merged_into=rng.choice(members)),
        ))())
    return events


def check_sum(what: str, text: str, sums: dict, round_: Round):
    if text.startswith("refused "):
        differ(what, True, text.split()[1].rstrip(":") in ("overflow", "impossible_event", "merged_before", "merge_cycle",
                                                           "merged_with_itself", "refund_without_order"), [text])
    entry = entry_of(text)
    if entry is not None:
        member, currency, amount, balance = entry
        sums[(member, currency)] += amount
        differ(what, sums[(member, currency)], balance, [text])
        differ(f"{what}: fits", True, abs(balance) <= INT64_MAX)


PROPERTIES = (model_agrees, tiers_agree, a_refunded_order_never_was, small_refunds_end_where_a_large_one_does, others_change_nothing,
              nothing_overflows_in_silence)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    print(f"seed {seed}", flush=True)
    begin, tried, failed = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while failed == 0 and (tried < len(PROPERTIES) or time.monotonic() - begin < options.seconds):
            check, number = PROPERTIES[tried % len(PROPERTIES)], seed + tried // len(PROPERTIES)
            tried += 1
            try:
                check(random.Random(f"{number} {check.__name__}"), options.binary.resolve(), Path(folder))
            except AssertionError as failure:
                failed += 1
                print(f"{check.__name__}, seed {number}: {check.__doc__}\n{failure}", flush=True)
    print(f"{len(PROPERTIES)} properties, {tried} tries of {HISTORIES} histories each, from seed {seed}")
    print(f"{tried - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
