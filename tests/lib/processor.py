"""`points run` as a subprocess that tests start, signal by its own pid, and read the log of."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path


class Processor:
    def __init__(self, binary: Path, environment: dict, instance: str, log_path: Path, arguments=("run",)):
        self.binary = binary
        self.environment = dict(environment, POINTS_INSTANCE=instance)
        self.instance = instance
        self.log_path = log_path
        self.arguments = arguments
        self.process: subprocess.Popen | None = None
        self.starts = 0

    def start(self, **settings: str) -> "Processor":
        """settings: POINTS_* variables for this start alone."""
        assert self.process is None or self.process.poll() is not None, f"{self.instance} runs already"
        self.starts += 1
        with open(self.log_path, "ab") as log:
            log.write(f"---- start {self.starts} of instance {self.instance}\n".encode())
            log.flush()
            self.process = subprocess.Popen([str(self.binary), *self.arguments], env={**self.environment, **settings},
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        return self

    @property
    def pid(self) -> int:
        return self.process.pid

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def status(self) -> int | None:
        return self.process.poll()

    def signal(self, number: int):
        if self.running():
            os.kill(self.process.pid, number)

    def kill(self):
        """kill -9, as a power cut would."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def wait(self, seconds: float) -> int:
        """The exit status; fails with the log's end when it does not come in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"instance {self.instance} still runs after {seconds} s\n{self.tail()}") from None

    def terminate(self, seconds: float = 10) -> int:
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def end(self):
        """Whatever its state: nothing is left running after a test."""
        if self.running():
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
            self.process.wait(10)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log().splitlines()[-lines:])

    def last_run_log(self) -> str:
        """The log since the last start."""
        return self.log().rsplit("---- start ", 1)[-1]

    def events(self) -> list:
        """The log's JSON lines."""
        found = []
        for line in self.log().splitlines():
            if line.startswith("{"):
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue
        return found


def until(condition, seconds: float, what: str, every: float = 0.05):
    """Waits until condition() is true and gives its value; fails by name when it does not become so."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)
