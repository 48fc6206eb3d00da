"""Two instances under load, killed at random moments by a schedule that a seed decides."""
from __future__ import annotations

import random
import threading
import time

from lib.processor import Processor
from lib.workload import Workload
from lib.world import World


class Feeder(threading.Thread):
    """Sends planned records at an even rate while everything else happens."""

    def __init__(self, world: World, records: list, seconds: float):
        super().__init__(daemon=True)
        self.world = world
        self.records = records
        self.seconds = seconds
        self.failure: BaseException | None = None

    def run(self):
        try:
            begin, chunks = time.monotonic(), max(1, int(self.seconds * 5))
            size = -(-len(self.records) // chunks)
            for n in range(chunks):
                self.world.send(*self.records[n * size:(n + 1) * size])
                time.sleep(max(0.0, begin + (n + 1) * self.seconds / chunks - time.monotonic()))
        except BaseException as failure:  # told to the test's thread
            self.failure = failure

    def finish(self, seconds: float):
        self.join(seconds)
        assert not self.is_alive(), "the load did not end"
        if self.failure:
            raise self.failure


class Killer:
    """Kills instances at moments that the seed decides, and starts them again after a while."""

    def __init__(self, processors: list[Processor], seed: int, least: int, seconds: float):
        rng = random.Random(f"{seed} kills")
        moments = sorted(rng.uniform(1.5, seconds) for _ in range(least))
        self.schedule = [(moment, rng.choice((0, 1, 0, 1, 2)), rng.uniform(0.0, 0.8)) for moment in moments]
        self.processors = processors
        self.kills = 0

    def describe(self) -> str:
        return ", ".join(f"{moment:.1f}s {'both' if who == 2 else who}" for moment, who, _ in self.schedule)

    def run(self):
        begin = time.monotonic()
        for moment, who, pause in self.schedule:
            time.sleep(max(0.0, begin + moment - time.monotonic()))
            victims = self.processors if who == 2 else [self.processors[who]]
            for victim in victims:
                if victim.running():
                    victim.kill()
                    self.kills += 1
            time.sleep(pause)
            for victim in victims:
                victim.start()


def torture(world: World, seed: int, events: int, kills: int, seconds: float) -> tuple[Killer, Workload]:
    """Leaves everything running and caught up; the caller verifies."""
    workload = Workload(world, seed, members=max(60, events // 60))
    processors = [world.processor("0"), world.processor("1")]
    killer = Killer(processors, seed, kills, seconds)
    print(f"seed {seed}: {events} events over {seconds:.0f} s, kills at {killer.describe()}")
    feeder = Feeder(world, workload.plan(events), seconds)
    for processor in processors:
        processor.start()
    feeder.start()
    killer.run()
    feeder.finish(60)
    for processor in processors:
        assert processor.running(), f"instance {processor.instance} ended by itself\n{processor.tail()}"
    world.wait_caught_up(90)
    return killer, workload
