#!/usr/bin/env python3
"""Questions to local services that would otherwise need a client library or the start of a JVM.

probe.py free-ports N               print N free TCP ports of 127.0.0.1
probe.py is-free PORT               exit 0 when nothing listens there
probe.py kafka-ready HOST:PORT PID  wait until the broker answers and is unfenced; exit 1 once PID is gone or time is up
probe.py kafka-topics HOST:PORT NAME=PARTITIONS[,KEY=VALUE]...   make the topics that are missing

Kafka's protocol: https://kafka.apache.org/protocol; only versions below the flexible ones are used here, so that a
request is a row of big-endian numbers and strings.
"""
import os
import random
import socket
import struct
import sys
import time

API_METADATA, API_VERSIONS, API_CREATE_TOPICS = 3, 18, 19
TOPIC_EXISTS = 36
READY_TIMEOUT_S = 60
TOPICS_TIMEOUT_S = 30


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        value = struct.unpack_from(">" + form, self.data, self.at)[0]
        self.at += struct.calcsize(">" + form)
        return value

    def text(self):
        length = self.number("h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def array(self, read):
        return [read(self) for _ in range(self.number("i"))]


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError("the broker closed the connection")
        data += part
    return data


def ask(address, api, version, body, timeout=5.0):
    """One request on its own connection; the Reader stands behind the response's header."""
    host, port = address.rsplit(":", 1)
    message = struct.pack(">hhi", api, version, 1) + text("points-dev") + body
    with socket.create_connection((host, int(port)), timeout) as connection:
        connection.sendall(struct.pack(">i", len(message)) + message)
        length, = struct.unpack(">i", read_exactly(connection, 4))
        return Reader(read_exactly(connection, length)[4:])


def metadata(address, topics):
    """(unfenced brokers, {topic: partitions that have a leader})"""
    body = struct.pack(">i", len(topics)) + b"".join(map(text, topics)) + b"\0"
    reader = ask(address, API_METADATA, 4, body)
    reader.number("i")
    brokers = reader.array(lambda r: (r.number("i"), r.text(), r.number("i"), r.text())[0])
    reader.text()
    reader.number("i")

    def partition(r):
        error, _, leader = r.number("h"), r.number("i"), r.number("i")
        r.array(lambda s: s.number("i"))
        r.array(lambda s: s.number("i"))
        return error == 0 and leader >= 0

    def topic(r):
        _, name, _ = r.number("h"), r.text(), r.number("b")
        return name, r.array(partition).count(True)

    return brokers, dict(reader.array(topic))


def kafka_answers(address):
    """A fenced broker answers ApiVersions, but stands in nobody's metadata."""
    error = ask(address, API_VERSIONS, 0, b"").number("h")
    return error == 0 and len(metadata(address, [])[0]) > 0


def kafka_ready(address, pid):
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline and os.path.exists(f"/proc/{pid}"):
        try:
            if kafka_answers(address):
                return 0
        except OSError:
            pass
        time.sleep(0.05)
    return 1


def create_request(wanted):
    body = struct.pack(">i", len(wanted))
    for name, (partitions, settings) in wanted.items():
        body += text(name) + struct.pack(">ihi", partitions, 1, 0) + struct.pack(">i", len(settings))
        body += b"".join(text(key) + text(value) for key, value in settings)
    return body + struct.pack(">i?", TOPICS_TIMEOUT_S * 1000, False)


def parse_topic(argument):
    name, _, rest = argument.partition("=")
    partitions, *settings = rest.split(",")
    return name, (int(partitions), [tuple(setting.split("=", 1)) for setting in settings])


def kafka_topics(address, arguments):
    wanted = dict(map(parse_topic, arguments))
    reader = ask(address, API_CREATE_TOPICS, 4, create_request(wanted), TOPICS_TIMEOUT_S)
    reader.number("i")
    errors = {}
    for name, error, message in reader.array(lambda r: (r.text(), r.number("h"), r.text())):
        errors[name] = error
        if error not in (0, TOPIC_EXISTS):
            print(f"{name}: Kafka error {error}: {message}", file=sys.stderr)
    if not set(errors.values()) <= {0, TOPIC_EXISTS}:
        return 1
    for name, partitions in wait_for_leaders(address, wanted).items():
        print(f"{name:24} {partitions} partitions, {'made' if errors[name] == 0 else 'was there'}")
    return 0


def wait_for_leaders(address, wanted):
    deadline = time.monotonic() + TOPICS_TIMEOUT_S
    while time.monotonic() < deadline:
        found = metadata(address, list(wanted))[1]
        if all(found.get(name, 0) > 0 for name in wanted):
            return found
        time.sleep(0.05)
    raise SystemExit("the topics were made, but not all have leaders")


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """Below the kernel's ephemeral range, where no outgoing connection can take a port between now and its use; at
    random, so that two environments that start at once hardly choose the same."""
    found = []
    while len(found) < count:
        port = random.randrange(20000, 30000)
        if port not in found and is_free(port):
            found.append(port)
    return found


def main(arguments):
    command, *rest = arguments or ["help"]
    if command == "free-ports":
        print(*free_ports(int(rest[0])))
        return 0
    if command == "is-free":
        return 0 if is_free(int(rest[0])) else 1
    if command == "kafka-ready":
        return kafka_ready(rest[0], int(rest[1]))
    if command == "kafka-topics":
        return kafka_topics(rest[0], rest[1:])
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
