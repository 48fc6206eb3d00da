"""The real services: started by deploy/dev/env in a folder of the test run's own."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "dev" / "env"


def points_binary() -> Path:
    path = Path(os.environ.get("POINTS_BINARY") or ROOT / "build" / "points")
    if not path.exists():
        raise FileNotFoundError(f"{path}: build it first (make), or set POINTS_BINARY")
    return path.resolve()


def clean_environment() -> dict:
    """The caller's environment without settings of the program: a test run depends on no shell's leftovers."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("POINTS_", "POINTSDEV_"))}


class Environment:
    """Kafka, PostgreSQL and Redis. With POINTSTEST_DIR the folder is kept and left running, to try tests again quickly."""

    def __init__(self):
        kept = os.environ.get("POINTSTEST_DIR")
        self.kept = bool(kept)
        self.folder = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="points-test-"))
        self.values: dict = {}

    def script(self, *arguments: str, check: bool = True, timeout: float = 300) -> subprocess.CompletedProcess:
        done = subprocess.run([str(SCRIPT), *arguments, "--dir", str(self.folder)], capture_output=True, text=True,
                              timeout=timeout, env=clean_environment(), stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise RuntimeError(f"deploy/dev/env {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def up(self):
        self.script("up")
        self.values = {}
        for line in (self.folder / "env").read_text().splitlines():
            name, _, value = line.partition("=")
            self.values[name] = value
        return self

    def service(self, command: str, name: str):
        """command: start, stop, restart, kill, pause or resume."""
        self.script(command, name)

    def down(self):
        if self.kept:
            return
        self.script("reset", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def brokers(self) -> str:
        return self.values["POINTS_KAFKA_BROKERS"]

    @property
    def postgres_url(self) -> str:
        return self.values["POINTS_POSTGRES_URL"]

    @property
    def redis_port(self) -> int:
        return int(self.values["POINTS_REDIS_PORT"])

    @property
    def kafka_proxied_port(self) -> int:
        """The broker's listener that a proxy connects to."""
        return int(self.values["POINTSDEV_KAFKA_PROXIED"].rsplit(":", 1)[1])

    @property
    def kafka_proxy_port(self) -> int:
        """Where that listener says it is: the proxy listens here."""
        return int(self.values["POINTSDEV_KAFKA_PROXY"].rsplit(":", 1)[1])
