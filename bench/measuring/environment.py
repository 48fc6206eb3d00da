"""A deploy/dev/env of the bench's own, and what the measurements ask of its services."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import confluent_kafka
import psycopg
import redis
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient, NewTopic

REPOSITORY = Path(__file__).resolve().parents[2]
PARTITIONS = 4


class Environment:
    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.settings = {}

    def _env(self, *arguments):
        command = [REPOSITORY / "deploy/dev/env", *arguments, "--dir", self.folder, "--quiet"]
        # Not the surrounding shell's environment, should it name one.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("POINTS")}
        subprocess.run(command, check=True, env=clean)

    def up(self):
        self._env("reset")
        self._env("up")
        for line in (self.folder / "env").read_text().splitlines():
            name, _, value = line.partition("=")
            self.settings[name] = value
        self.admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})
        self.redis = redis.Redis(self.settings["POINTS_REDIS_HOST"], int(self.settings["POINTS_REDIS_PORT"]))

    def down(self):
        self._env("reset")

    @property
    def brokers(self):
        return self.settings["POINTS_KAFKA_BROKERS"]

    def variables(self, **more):
        return {**os.environ, **self.settings, **more}

    # ---- Kafka

    def make_topic(self, name):
        [made] = self.admin.create_topics([NewTopic(name, PARTITIONS)]).values()
        made.result()
        wait_for(lambda: name in self.admin.list_topics(timeout=10).topics, 10, f"topic {name}")

    def is_stable(self, group):
        """Its members have joined and have their partitions."""
        [described] = self.admin.describe_consumer_groups([group]).values()
        try:
            found = described.result()
        except confluent_kafka.KafkaException:  # a fresh broker has no coordinator for a moment
            return False
        return found.state == ConsumerGroupState.STABLE and bool(found.members)

    def delete_topics(self, *prefixes):
        names = [name for name in self.admin.list_topics(timeout=10).topics if name.startswith(prefixes)]
        if names:
            for deleted in self.admin.delete_topics(names).values():
                deleted.result()
            wait_for(lambda: not set(names) & set(self.admin.list_topics(timeout=10).topics), 30, "deletion of topics")

    # ---- PostgreSQL

    def database_url(self, name):
        return f"{self.settings['POINTS_POSTGRES_URL'].rpartition('/')[0]}/{name}"

    def fresh_database(self, name):
        """An empty database and an empty Redis; a checkpoint, so that none of an earlier run's falls into this one."""
        with psycopg.connect(self.database_url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
            connection.execute("CHECKPOINT")
        self.redis.flushall()
        return self.database_url(name)

    # ---- processes

    def pid(self, service):
        return int((self.folder / "run" / f"{service}.pid").read_text().split()[0])

    def cpu_seconds(self):
        """CPU time used so far, by service, with children that have ended."""
        return {service: family_cpu(self.pid(service)) for service in ("kafka", "postgres", "redis")}


def stat(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return {"parent": int(fields[1]), "cpu": sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")}


def children(pid):
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                child = stat(entry.name)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if child["parent"] == pid:
                found[int(entry.name)] = child
    return found


def family_cpu(pid):
    """Of the process, its children, and children that it has reaped: read again when one was reaped meanwhile."""
    while True:
        before = stat(pid)["cpu"]
        below = sum(child["cpu"] for child in children(pid).values())
        if stat(pid)["cpu"] - before < 0.02:
            return before + below


def memory_mib(pid, name):
    """VmRSS now, VmHWM at most so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} has ended")


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)


class Positions:
    """What a group has committed: the same yardstick for every contender, read from outside."""

    def __init__(self, environment, group, topic):
        self.consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": environment.brokers, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        )
        self.partitions = [confluent_kafka.TopicPartition(topic, number) for number in range(PARTITIONS)]

    def committed(self):
        """Records behind the committed offsets, over all partitions."""
        return sum(max(found.offset, 0) for found in self.consumer.committed(self.partitions, timeout=10))

    def end(self):
        return sum(self.consumer.get_watermark_offsets(found, timeout=10)[1] for found in self.partitions)

    def close(self):
        self.consumer.close()
