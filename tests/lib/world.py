"""One test's own world on the shared services: topics, group, database, Redis prefix, instances."""
from __future__ import annotations

import json
import re
import subprocess
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from confluent_kafka import (Consumer, ConsumerGroupTopicPartitions, IsolationLevel, KafkaException, Producer,
                             TopicPartition)
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec

from lib import events, wire
from lib.environment import Environment, clean_environment, points_binary
from lib.processor import Processor, until
from model.program import micros

INPUTS = {"order": "orders", "review": "reviews", "share": "shares", "referral": "referrals", "activity": "activities",
          "redemption": "redemptions", "adjustment": "adjustments", "member": "members", "timer": "timers"}
QUICK = {"socket.timeout.ms": 10000, "reconnect.backoff.max.ms": 500}


@dataclass
class Record:
    """What was put on an input topic, and what it means."""

    topic: str
    partition: int
    value: bytes | None
    event: dict | None  # None where the bytes are no event
    refused: str | None = None  # the reason that decoding must give
    key: bytes | None = None
    headers: list = field(default_factory=list)
    timestamp: int = 0  # ms
    offset: int = -1

    @property
    def coordinates(self) -> tuple:
        return (self.topic, self.partition, self.offset)


class World:
    def __init__(self, environment: Environment, name: str, folder: Path, partitions: int = 2, inputs=None, **settings):
        self.environment = environment
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[-40:].strip("-")
        self.name = f"{slug}-{uuid.uuid4().hex[:6]}"
        self.folder = folder
        self.partitions = partitions
        self.group = self.name
        self.types = list(inputs or INPUTS)
        self.topics = {type_: f"{self.name}.{INPUTS[type_]}" for type_ in self.types}
        self.rewards = f"{self.name}.rewards"
        self.dead_letters = f"{self.name}.dead-letter"
        self.database = self.name.replace("-", "_")
        self.redis_prefix = self.name
        self.history: list[Record] = []
        self.processors: list[Processor] = []
        self.programs: list[str] = []
        self.admin = AdminClient({"bootstrap.servers": environment.brokers, **QUICK})
        self._producer: Producer | None = None
        parts = urlsplit(environment.postgres_url)
        self.postgres_url = urlunsplit(parts._replace(path=f"/{self.database}"))
        self.settings = {
            "POINTS_KAFKA_BROKERS": environment.brokers,
            "POINTS_KAFKA_GROUP": self.group,
            "POINTS_KAFKA_TOPICS": ",".join(self.topics.values()),
            "POINTS_KAFKA_REWARDS_TOPIC": self.rewards,
            "POINTS_KAFKA_DEAD_LETTER_TOPIC": self.dead_letters,
            "POINTS_POSTGRES_URL": self.postgres_url,
            "POINTS_REDIS_HOST": "127.0.0.1",
            "POINTS_REDIS_PORT": str(environment.redis_port),
            "POINTS_REDIS_PREFIX": self.redis_prefix,
            "POINTS_LOG_LEVEL": "debug",
            "POINTS_LOG_FORMAT": "json",
        }
        if "timer" in self.topics:
            self.settings["POINTS_KAFKA_TIMERS_TOPIC"] = self.topics["timer"]
        self.settings.update({name: str(value) for name, value in settings.items()})

    # ---- set-up and end

    def create(self):
        with psycopg.connect(self.environment.postgres_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.database}"')
        self.create_topics(*self.topics.values(), self.rewards, self.dead_letters)
        self.points("migrate")
        return self

    def create_topics(self, *names: str, partitions: int | None = None):
        made = self.admin.create_topics([NewTopic(name, partitions or self.partitions, 1) for name in names])
        for name, future in made.items():
            future.result(20)
        until(lambda: all(name in self.admin.list_topics(timeout=10).topics for name in names), 10, "topics are made")

    def delete_topics(self, *names: str):
        for future in self.admin.delete_topics(list(names)).values():
            future.result(20)
        until(lambda: not set(names) & set(self.admin.list_topics(timeout=10).topics), 10, "topics are gone")

    def add_partitions(self, topic: str, total: int):
        for future in self.admin.create_partitions([NewPartitions(topic, total)]).values():
            future.result(20)
        until(lambda: len(self.admin.list_topics(topic, timeout=10).topics[topic].partitions) == total, 10, "partitions are added")
        self._producer = None  # the next one knows them

    def destroy(self):
        for processor in self.processors:
            processor.end()
        if self._producer is not None:
            self._producer.purge()
        names = [name for name in (*self.topics.values(), self.rewards, self.dead_letters)
                 if name in self.admin.list_topics(timeout=10).topics]
        if names:
            for future in self.admin.delete_topics(names).values():
                try:
                    future.result(20)
                except Exception as failure:  # the test's own outcome matters more than its litter
                    print(f"a topic stays: {failure}")
        with psycopg.connect(self.environment.postgres_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')

    # ---- the program under test

    def variables(self, **settings: str) -> dict:
        return {**clean_environment(), **self.settings, **settings}

    def points(self, *arguments: str, check: bool = True, input: str | None = None, timeout: float = 60, **settings):
        done = subprocess.run([str(points_binary()), *arguments], capture_output=True, text=True, timeout=timeout,
                              input=input, env=self.variables(**settings))
        if check and done.returncode != 0:
            raise AssertionError(f"points {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def points_json(self, *arguments: str):
        return json.loads(self.points(*arguments, "--json").stdout)

    def apply(self, source: str):
        path = self.folder / f"program-{len(self.programs) + 1}.yaml"
        path.write_text(source)
        self.points("program", "apply", str(path))
        self.programs.append(source)
        return self

    def processor(self, instance: str = "0", **settings) -> Processor:
        """An instance, not yet started."""
        variables = self.variables(**{name: str(value) for name, value in settings.items()})
        made = Processor(points_binary(), variables, instance, self.folder / f"processor-{instance}.log")
        self.processors.append(made)
        return made

    # ---- input

    def producer(self) -> Producer:
        if self._producer is None:
            self._producer = Producer({"bootstrap.servers": self.environment.brokers, "linger.ms": 2, "acks": "all",
                                       "max.in.flight": 1, **QUICK})
        return self._producer

    def partition_of(self, member_id: str) -> int:
        return sum(member_id.encode()) % self.partitions

    def plan(self, event: dict, partition: int | None = None, **fields) -> Record:
        """A record for an event, not yet sent."""
        fields.setdefault("key", event["member_id"].encode())
        fields.setdefault("timestamp", event["occurred_at"] // 1000)
        fields.setdefault("value", None)
        if fields["value"] is None:
            fields["value"] = events.encode(event)
        where = self.partition_of(event["member_id"]) if partition is None else partition
        return Record(self.topics[event["type"]], where, event=event, **fields)

    def poison(self, type_: str, value: bytes | None, refused: str, partition: int = 0, **fields) -> Record:
        """A record that no event can be made of, not yet sent."""
        fields.setdefault("timestamp", events.START // 1000)
        return Record(self.topics[type_], partition, value=value, event=None, refused=refused, **fields)

    def send(self, *records: Record) -> list[Record]:
        """Puts the records on their topics in this order, and into the history."""
        producer = self.producer()

        def delivered(record):
            def report(error, message):
                if error is not None:
                    raise RuntimeError(f"not delivered: {error}")
                record.offset = message.offset()
            return report

        for record in records:
            while True:
                try:
                    producer.produce(record.topic, value=record.value, key=record.key, partition=record.partition,
                                     headers=record.headers, timestamp=record.timestamp, on_delivery=delivered(record))
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        left = producer.flush(60)
        assert left == 0 and all(record.offset >= 0 for record in records), "Kafka did not take the records"
        self.history.extend(records)
        return list(records)

    def publish(self, *made: dict, partition: int | None = None) -> list[Record]:
        return self.send(*(self.plan(event, partition) for event in made))

    def adopt_timers(self):
        """Takes the timers that the processor has sent into the history: they are events like any other."""
        self.adopt("timer")

    def settle_timers(self, seconds: float = 30):
        """Waits for the running instances to wake whoever owes something, and takes their timers into the history. Where a test
        holds the timers back, with settings of its own or by what it does to a member, there is nothing to wait for."""
        if "timer" not in self.topics:
            return
        deadline = time.monotonic() + seconds
        while any(processor.running() for processor in self.processors) and time.monotonic() < deadline:
            told = self.points_json("timers", "show")
            if told["due"] == told["refused"] and self.caught_up():
                break
            time.sleep(0.1)
        self.adopt_timers()

    def adopt(self, type_: str):
        """Takes the events of a type that were sent by the program itself into the history."""
        known = {record.coordinates for record in self.history}
        for message in self.read(self.topics[type_]):
            if (message.topic(), message.partition(), message.offset()) in known:
                continue
            event = {"type": type_, **wire.decode(type_, message.value())}
            for name in ("occurred_at", "due_at"):
                if name in event:
                    event[name] = micros(event[name])
            self.history.append(Record(message.topic(), message.partition(), message.value(), event, key=message.key(),
                                       headers=message.headers() or [], timestamp=message.timestamp()[1],
                                       offset=message.offset()))

    def reread_history(self):
        """What stands on the input topics, for tests that break Kafka under the writer: a batch whose acknowledgement was lost
        stands where the topic has it, once or twice, and that is what the processor must have read."""
        sent: dict = {}
        timers = self.topics.get("timer")
        for record in self.history:
            if record.topic != timers:
                sent[(record.topic, record.value, record.key, record.timestamp)] = record
        found, present = [], set()
        for topic in self.topics.values():
            for message in self.read(topic) if topic != timers else ():
                same = (topic, message.value(), message.key(), message.timestamp()[1])
                assert same in sent, f"{topic}[{message.partition()}]@{message.offset()} was never sent"
                present.add(same)
                found.append(replace(sent[same], partition=message.partition(), offset=message.offset()))
        assert len(present) == len(sent), "an acknowledged record is not on its topic"
        self.history = found
        if timers:
            self.adopt_timers()

    # ---- positions

    def end_offsets(self, topics=None, isolation=IsolationLevel.READ_UNCOMMITTED) -> dict:
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.ask_end_offsets(topics or self.topics.values(), isolation)
            except KafkaException:  # a topic just made or a broker just started has no leader for a moment
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def ask_end_offsets(self, topics, isolation) -> dict:
        wanted = {}
        listed = self.admin.list_topics(timeout=10).topics
        for topic in topics:
            for partition in listed[topic].partitions if topic in listed else ():
                wanted[TopicPartition(topic, partition)] = OffsetSpec.latest()
        asked = self.admin.list_offsets(wanted, isolation_level=isolation, request_timeout=10)
        return {(p.topic, p.partition): future.result(20).offset for p, future in asked.items()}

    def committed(self) -> dict:
        """K of each partition that has one."""
        future = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(self.group)],
                                                        require_stable=True, request_timeout=10)[self.group]
        return {(p.topic, p.partition): p.offset for p in future.result(20).topic_partitions if p.offset >= 0}

    def applied(self) -> dict:
        """P of each partition, of the newest incarnation of its topic."""
        rows = self.query("SELECT DISTINCT ON (name, partition) name, partition, applied FROM positions JOIN topics"
                          " USING (topic_no) WHERE consumer = %s ORDER BY name, partition, incarnation DESC", self.group)
        return {(name, partition): applied for name, partition, applied in rows}

    def caught_up(self) -> bool:
        ends = {where: end for where, end in self.end_offsets().items() if end > 0}
        applied = self.applied()
        if any(applied.get(where) != end for where, end in ends.items()):
            return False
        committed = self.committed()
        return all(committed.get(where) == end for where, end in ends.items())

    def wait_caught_up(self, seconds: float = 30):
        """Until P and K stand at the end of every input partition; fails with what is behind."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.caught_up():
                    return
            except (psycopg.Error, OSError):
                pass  # the database may be away: that is what some tests are about
            if time.monotonic() > deadline:
                raise AssertionError(f"not caught up within {seconds} s: {self.behind()}")
            for processor in self.processors:
                if processor.process is not None and processor.status() not in (None, 0, -9):
                    raise AssertionError(f"instance {processor.instance} ended with {processor.status()}\n{processor.tail()}")
            time.sleep(0.05)

    def behind(self) -> str:
        ends, applied, committed = self.end_offsets(), self.applied(), self.committed()
        lines = [f"{topic}[{partition}] end={end} P={applied.get((topic, partition))} K={committed.get((topic, partition))}"
                 for (topic, partition), end in sorted(ends.items())
                 if end and (applied.get((topic, partition)) != end or committed.get((topic, partition)) != end)]
        tails = [f"-- log of instance {p.instance} (status {p.status() if p.process else None})\n{p.tail(15)}"
                 for p in self.processors]
        return "\n".join(lines + tails)

    # ---- output

    def wait_settled(self, seconds: float = 15):
        """Until no transaction is open: readers of what is committed can read to the end of both output topics. The markers of
        a transaction reach the group's offsets and each output partition one after the other."""
        topics = [self.rewards, self.dead_letters]
        until(lambda: self.end_offsets(topics, IsolationLevel.READ_COMMITTED) == self.end_offsets(topics), seconds,
              "no open transaction is left on the topics that the processor writes", every=0.1)

    def query(self, statement: str, *values):
        with psycopg.connect(self.postgres_url, autocommit=True, connect_timeout=5) as connection:
            return connection.execute(statement, values or None).fetchall()

    def read(self, topic: str, isolation: str = "read_committed", seconds: float = 20) -> list:
        """All records of a topic up to its end, as a downstream service reads them."""
        consumer = Consumer({"bootstrap.servers": self.environment.brokers, "group.id": f"{self.group}-reader",
                             "isolation.level": isolation, "enable.auto.commit": False, "enable.partition.eof": True,
                             "auto.offset.reset": "earliest", "fetch.wait.max.ms": 10, **QUICK})
        try:
            partitions = self.admin.list_topics(topic, timeout=10).topics[topic].partitions
            consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
            open_, found, deadline = set(partitions), [], time.monotonic() + seconds
            while open_:
                assert time.monotonic() < deadline, f"{topic} could not be read to its end"
                message = consumer.poll(0.2)
                if message is None:
                    continue
                if message.error() is None:
                    found.append(message)
                elif message.error().name() == "_PARTITION_EOF":
                    open_.discard(message.partition())
                else:
                    raise RuntimeError(str(message.error()))
            return found
        finally:
            consumer.close()

    def redis(self) -> redis.Redis:
        return redis.Redis(port=self.environment.redis_port, socket_timeout=5, decode_responses=True)
