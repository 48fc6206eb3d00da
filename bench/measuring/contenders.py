"""The programs that are measured: how each starts from nothing, and the group whose offsets show how far it is."""

import signal
import subprocess

import psycopg
from confluent_kafka import KafkaException

from .environment import REPOSITORY, remove, wait_for

ORDERS = "bench.orders"
HEAP = "1g"
THREADS = 2


class Contender:
    """A process that reads ORDERS. `prepare` makes its state anew; `start` may be called several times after it."""

    name = ""

    def __init__(self, environment, build, number):
        self.environment = environment
        self.build = build
        self.tag = f"{self.name}-{number}"
        self.rewards = f"bench.rewards.{self.tag}"
        self.process = None
        self.log_path = build / "bench" / f"{self.tag}.log"

    @property
    def group(self):
        return self.tag

    def launch(self, command, variables):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, env=variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        return self.process

    def check(self):
        code = self.process.poll()
        if code is not None and code != 0:
            raise RuntimeError(f"{self.tag} ended with {code}: see {self.log_path}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()


class Floor(Contender):
    name = "floor"
    group = "floor"

    def prepare(self, count):
        self.count = count
        self.url = self.environment.fresh_database("floor")
        with psycopg.connect(self.url, autocommit=True) as connection:
            for file in sorted((REPOSITORY / "schemas/sql").glob("*.sql")):
                connection.execute(file.read_text())
        self.environment.make_topic(self.rewards)

    def start(self):
        command = [self.build / "bench/floor", "--topic", ORDERS, "--rewards", self.rewards, "--count", str(self.count)]
        return self.launch(command, self.environment.variables(POINTS_POSTGRES_URL=self.url))

    def clean(self):
        wait_for(self.forgotten, 30, "the floor's group to be empty")

    def forgotten(self):
        try:
            self.environment.admin.delete_consumer_groups([self.group])[self.group].result()
        except KafkaException:
            return False
        return True


class Processor(Contender):
    name = "processor"

    def prepare(self, _count):
        self.url = self.environment.fresh_database("processor")
        self.environment.make_topic(self.rewards)
        self.environment.make_topic(f"{self.rewards}.dead")
        self.run("migrate")
        self.run("program", "apply", str(REPOSITORY / "bench/program.yaml"))

    def variables(self, instance="0"):
        return self.environment.variables(
            POINTS_INSTANCE=instance,
            POINTS_POSTGRES_URL=self.url,
            POINTS_KAFKA_GROUP=self.group,
            POINTS_KAFKA_TOPICS=ORDERS,
            POINTS_KAFKA_REWARDS_TOPIC=self.rewards,
            POINTS_KAFKA_DEAD_LETTER_TOPIC=f"{self.rewards}.dead",
        )

    def run(self, *arguments):
        with open(self.log_path, "ab") as log:
            command = [self.build / "points", *arguments]
            subprocess.run(command, env=self.variables(), check=True, stdout=log, stderr=log)

    def try_run(self, *arguments):
        try:
            self.run(*arguments)
        except subprocess.CalledProcessError:
            return False
        return True

    def start(self, instance="0"):
        return self.launch([self.build / "points", "run"], self.variables(instance))

    def reset(self):
        """Back to the beginning of the topic, over the ledger as it is."""
        reset = ("offsets", "reset", "--to-beginning", "--yes")
        wait_for(lambda: self.try_run(*reset), 30, "the group to be empty and the outbox published")

    def clean(self):
        pass


class Streams(Contender):
    name = "streams"

    def prepare(self, _count):
        self.state = self.build / "bench/streams-state"
        remove(self.state)
        self.environment.make_topic(self.rewards)

    def start(self):
        jars = self.build / "bench/streams"
        command = ["java", f"-Xmx{HEAP}", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        command += ["-cp", f"{jars}/streams.jar:{jars}/lib/*", "points.bench.OrderRewards"]
        command += [self.environment.brokers, self.group, ORDERS, self.rewards, self.state, str(THREADS)]
        command += [REPOSITORY / "schemas/avro"]
        return self.launch(command, self.environment.variables())

    def clean(self):
        remove(self.state)
        self.environment.delete_topics(f"{self.group}-")


CONTENDERS = {contender.name: contender for contender in (Floor, Processor, Streams)}
