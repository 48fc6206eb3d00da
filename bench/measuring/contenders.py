"""The programs that are measured: how each starts from nothing, and the group whose offsets show how far it is."""

import signal
import subprocess

import psycopg

from .environment import REPOSITORY, remove

ORDERS = "bench.orders"
HEAP = "1g"


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

    def start(self, _group=None):
        command = [self.build / "bench/floor", "--topic", ORDERS, "--rewards", self.rewards, "--count", str(self.count)]
        return self.launch(command, self.environment.variables(POINTS_POSTGRES_URL=self.url))

    def clean(self):
        self.environment.admin.delete_consumer_groups([self.group])[self.group].result()


class Processor(Contender):
    name = "processor"

    def prepare(self, _count):
        self.url = self.environment.fresh_database("processor")
        self.environment.make_topic(self.rewards)
        self.environment.make_topic(f"{self.rewards}.dead")
        self.run("migrate")
        self.run("program", "apply", str(REPOSITORY / "bench/program.yaml"))

    def variables(self, instance="0", group=None):
        return self.environment.variables(
            POINTS_INSTANCE=instance,
            POINTS_POSTGRES_URL=self.url,
            POINTS_KAFKA_GROUP=group or self.group,
            POINTS_KAFKA_TOPICS=ORDERS,
            POINTS_KAFKA_REWARDS_TOPIC=self.rewards,
            POINTS_KAFKA_DEAD_LETTER_TOPIC=f"{self.rewards}.dead",
        )

    def run(self, *arguments):
        with open(self.log_path, "ab") as log:
            subprocess.run([self.build / "points", *arguments], env=self.variables(), check=True, stdout=log, stderr=log)

    def start(self, group=None, instance="0"):
        return self.launch([self.build / "points", "run"], self.variables(instance, group))

    def clean(self):
        pass


class Streams(Contender):
    name = "streams"
    threads = 1

    def prepare(self, _count):
        self.state = self.build / "bench/streams-state"
        remove(self.state)
        self.environment.make_topic(self.rewards)

    def start(self, _group=None):
        jars = self.build / "bench/streams"
        command = ["java", f"-Xmx{HEAP}", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        command += ["-cp", f"{jars}/streams.jar:{jars}/lib/*", "points.bench.OrderRewards"]
        command += [self.environment.brokers, self.group, ORDERS, self.rewards, self.state, str(self.threads)]
        command += [REPOSITORY / "schemas/avro"]
        return self.launch(command, self.environment.variables())

    def clean(self):
        remove(self.state)
        self.environment.delete_topics(f"{self.group}-")


CONTENDERS = {contender.name: contender for contender in (Floor, Processor, Streams)}
