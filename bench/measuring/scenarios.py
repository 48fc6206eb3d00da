"""What is measured. Each scenario returns plain numbers."""

import json
import subprocess
import time
from dataclasses import dataclass, field

from . import environment as services
from .contenders import ORDERS

POLL_S = 0.05
STALL_S = 60


@dataclass
class Pass:
    """One run through the topic, as its committed offsets show it."""

    progress: list = field(default_factory=list)  # (seconds since the group had joined, events)
    resident: list = field(default_factory=list)  # MiB, with `progress`
    cpu_us: dict = field(default_factory=dict)  # CPU time for each event, by process
    own_cpu_s: float = 0.0
    peak_mib: float = 0.0

    @property
    def events_per_s(self):
        ended, events = self.progress[-1]
        return events / ended

    def sample(self, process):
        """The process may end at any moment; then the last sample counts."""
        try:
            self.own_cpu_s = services.family_cpu(process.pid)
            self.peak_mib = services.memory_mib(process.pid, "VmHWM")
            self.resident.append(services.memory_mib(process.pid, "VmRSS"))
        except (OSError, ProcessLookupError, LookupError):
            pass


def follow(contender, events):
    """Watches the contender from the moment its group has joined until it has committed everything."""
    group = contender.group
    positions = services.Positions(contender.environment, group, ORDERS)
    services.wait_for(lambda: contender.check() or contender.environment.is_stable(group), 60, f"{group} to join")
    began = last_change = time.monotonic()
    found, last = Pass(progress=[(0.0, 0)]), 0
    try:
        while last < events:
            contender.check()
            now, done = time.monotonic(), positions.committed()
            if done > last:
                found.progress.append((now - began, done))
                found.sample(contender.process)
                last, last_change = done, now
            if now - last_change > STALL_S:
                raise TimeoutError(f"{contender.tag} stands at {last} of {events}: see {contender.log_path}")
            time.sleep(POLL_S)
    finally:
        positions.close()
    return found


def one_pass(contender, events):
    before = contender.environment.cpu_seconds()
    contender.start()
    found = follow(contender, events)
    after = contender.environment.cpu_seconds()
    used = {"own": found.own_cpu_s, **{name: after[name] - before[name] for name in after}}
    found.cpu_us = {name: seconds / events * 1e6 for name, seconds in used.items()}
    return found


def profile(contender, events, path, seconds=6):
    """Where a pass spends its time, by function, in the contender and in the database: perf's table, in path. False
    where perf does not work here."""
    contender.start()
    positions = services.Positions(contender.environment, contender.group, ORDERS)
    data = path.with_suffix(".data")
    try:
        services.wait_for(lambda: positions.committed() > events // 20, 60, f"{contender.tag} to begin")
        pids = [contender.process.pid, *services.children(contender.environment.pid("postgres"))]
        record = ["perf", "record", "-q", "-F", "999", "-o", data, "-p", ",".join(map(str, pids))]
        subprocess.run([*record, "sleep", str(seconds)], check=True, capture_output=True)
        table = ["perf", "report", "-i", data, "--stdio", "--sort", "comm,dso,symbol", "--percent-limit", "0.5"]
        path.write_bytes(subprocess.run(table, check=True, capture_output=True).stdout)
        return True
    except (FileNotFoundError, subprocess.CalledProcessError):
        return False
    finally:
        positions.close()
        contender.stop()
        data.unlink(missing_ok=True)


# ---- loads at a fixed rate

class Load:
    """New orders at a rate, and a reader of the rewards that knows when each order was due."""

    made = 0  # orders of earlier loads, so that each has others

    def __init__(self, contender, rate, seconds, skip=0):
        build, variables = contender.build, contender.environment.variables()
        self.contender = contender
        self.reader = subprocess.Popen(
            [build / "bench/latency", "--topic", contender.rewards, "--skip", str(skip)],
            env=variables, stdout=subprocess.PIPE, text=True,
        )
        if self.reader.stdout.readline() != "ready\n":
            raise RuntimeError("bench/latency did not start")
        count = rate * seconds
        self.writer = subprocess.Popen(
            [build / "bench/generate", "--topic", ORDERS, "--rate", str(rate), "--count", str(count)]
            + ["--first", str(500_000_000 + Load.made)],
            env=variables, stdout=subprocess.PIPE, text=True,
        )
        Load.made += count

    def result(self):
        """What the reader found once every reward is out, and by how much the load itself fell behind (behind_ms)."""
        written, _ = self.writer.communicate()
        if self.writer.returncode != 0:
            raise RuntimeError("bench/generate failed")
        settle(self.contender, 120)
        time.sleep(0.5)
        self.reader.terminate()
        read, _ = self.reader.communicate()
        if self.reader.returncode != 0:
            raise RuntimeError("bench/latency failed")
        found = {**json.loads(read), "behind_ms": json.loads(written)["behind_ms"]}
        if found["rewards"] == 0:
            raise RuntimeError("no rewards came")
        return found

    def stop(self):
        for process in (self.writer, self.reader):
            if process.poll() is None:
                process.kill()
            process.wait()


def latency(contender, rate, warm_up, seconds):
    """Percentiles, ms, from the moment an order was due to the moment its reward was readable."""
    load = Load(contender, rate, warm_up + seconds, skip=warm_up)
    try:
        return load.result()
    finally:
        load.stop()


def recovery(contender, rate, seconds, restart):
    """Seconds of silence on the slowest partition of the rewards around a kill -9 under load. restart: the same
    instance comes back at once; else another one, which holds its share of the partitions already, takes over."""
    load = Load(contender, rate, seconds)
    try:
        time.sleep(seconds / 2)
        contender.kill()
        if restart:
            contender.start()
        return load.result()["longest_silence_s"]
    finally:
        load.stop()


def applying(contender, rate, seconds, programs):
    """The longest silence of a partition of the rewards, ms, while new versions are applied under load and without
    them; and how many of the orders gave no reward."""
    found = {}
    for what, applied in (("alone", ()), ("applying", programs)):
        load = Load(contender, rate, seconds)
        try:
            time.sleep(seconds / 4)
            for program in applied:
                contender.run("program", "apply", str(program))
                time.sleep(seconds / 2 / len(applied))
            result = load.result()
        finally:
            load.stop()
        found[what] = result["longest_silence_s"] * 1000
        found["lost"] = found.get("lost", 0) + rate * seconds - result["rewards"]
    return found


def settle(contender, seconds=60):
    """Waits until the contender has committed all there is."""
    positions = services.Positions(contender.environment, contender.group, ORDERS)
    try:
        services.wait_for(lambda: positions.committed() >= positions.end(), seconds, f"{contender.tag} to catch up")
    finally:
        positions.close()
