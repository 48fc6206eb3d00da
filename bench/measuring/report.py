"""The table, the plot, build/bench.json, and what was missed."""

import json

FLOOR_SHARE = 0.85
GOALS = (
    # key, comparison, bound, words
    ("ratio.floor", ">=", FLOOR_SHARE, "processor / floor"),
    ("ratio.streams", ">=", 1.2, "processor / Kafka Streams"),
    ("ratio.replay", ">", 1.0, "replay / first pass"),
    ("latency.p50_ms", "<", 50, "p50, ms, from producer to committed reward"),
    ("latency.p99_ms", "<", 250, "p99, ms, from producer to committed reward"),
    ("memory.peak_mib", "<", 200, "peak resident memory, MiB"),
    ("recovery.s", "<", 10, "s without rewards after kill -9, restarted"),
    ("apply.stall_ms", "<", 100, "ms of silence that program apply adds under load"),
    ("apply.lost", "<=", 0, "orders without a reward around program apply"),
    ("rules.events_per_s", ">=", 1_000_000, "events/s decided under twenty rules, one core"),
    ("rules.decode_events_per_s", ">=", 600_000, "events/s decoded and decided, one core"),
    ("rules.condition_ns", "<", 250, "ns for a condition on an order of three lines"),
    ("rules.thousand_rules_ratio", "<=", 2, "under a thousand rules / under twenty"),
    ("rules.load_10000_rules_s", "<", 1, "s to read a program of ten thousand rules"),
    ("takeover.s", "<", 30, "s without rewards after kill -9, another takes over"),
)
COMPARE = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, "<": lambda a, b: a < b}


def add_ratios(numbers):
    mine = numbers.get("pipeline.events_per_s")
    for ratio, other, upside_down in (
        ("ratio.floor", "floor.events_per_s", False),
        ("ratio.streams", "streams.events_per_s", False),
        ("ratio.replay", "replay.events_per_s", True),
    ):
        if mine and numbers.get(other):
            numbers[ratio] = round(numbers[other] / mine if upside_down else mine / numbers[other], 3)


def print_passes(passes):
    services = ("kafka", "postgres", "redis")
    columns = "".join(f"{service:>10}" for service in services)
    print(f"\n{'':<16}{'events/s':>10}{'ratio':>8}   CPU µs an event: {'own':>6}{columns}")
    mine = next((found.events_per_s for name, found in passes.items() if name == "processor"), None)
    for name, found in passes.items():
        share = f"{found.events_per_s / mine:8.2f}" if mine else f"{'':>8}"
        cells = f"{found.cpu_us['own']:6.1f}" + "".join(f"{found.cpu_us[service]:10.1f}" for service in services)
        print(f"{name:<16}{found.events_per_s:>10,.0f}{share}                    {cells}")


def print_goals(numbers):
    """Returns how many were missed."""
    missed = 0
    print()
    for key, comparison, bound, words in GOALS:
        if key not in numbers:
            continue
        met = COMPARE[comparison](numbers[key], bound)
        missed += not met
        print(f"{'met   ' if met else 'MISSED'}  {words:<52}{numbers[key]:>10,.2f}   goal {comparison} {bound:g}")
    return missed


def write_json(path, numbers):
    path.write_text(json.dumps(numbers, indent=2, sort_keys=True) + "\n")


def draw(path, passes):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.5))
    for name, found in passes.items():
        seconds, events = zip(*found.progress)
        left.plot(seconds, [count / 1000 for count in events], label=f"{name}: {found.events_per_s:,.0f} a second")
    left.set(xlabel="seconds", ylabel="thousand orders committed", title="Orders done")
    left.legend()
    bottoms = [0.0] * len(passes)
    for service in ("own", "kafka", "postgres", "redis"):
        heights = [found.cpu_us[service] for found in passes.values()]
        right.bar(list(passes), heights, bottom=bottoms, label=service)
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights)]
    right.set(ylabel="µs", title="CPU time for each order, by process")
    right.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
