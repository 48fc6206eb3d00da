"""A schema registry of the tests' own: what Confluent's clients ask for, over http.server."""
from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Registry:
    """Keeps schemas in memory. Switches for tests: `down` answers 503, `hidden` are ids that it denies to know, `slow`
    holds each answer back for so many seconds, `user` and `password` ask for basic authentication."""

    def __init__(self, user: str = "", password: str = ""):
        self.schemas: dict[int, str] = {}
        self.subjects: dict[str, list[int]] = {}
        self.hidden: set[int] = set()
        self.down = False
        self.slow = 0.0
        self.asked: list[str] = []
        self.wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode() if user else None
        self.lock = threading.Lock()
        self.wake = threading.Event()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                registry.answer(self, "GET", b"")

            def do_POST(self):
                registry.answer(self, "POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.wake.set()
        self.server.shutdown()
        self.server.server_close()

    def register(self, subject: str, text: str) -> int:
        with self.lock:
            held = next((id_ for id_, known in self.schemas.items() if json.loads(known) == json.loads(text)), None)
            id_ = held or len(self.schemas) + 100
            self.schemas[id_] = text
            versions = self.subjects.setdefault(subject, [])
            if id_ not in versions:
                versions.append(id_)
            return id_

    def answer(self, request: BaseHTTPRequestHandler, method: str, body: bytes):
        path = request.path.split("?")[0]
        self.asked.append(f"{method} {path}")
        if self.slow:
            self.wake.wait(self.slow)
        status, reply = self.reply(request, method, path, body)
        payload = json.dumps(reply).encode()
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            request.send_header("Content-Length", str(len(payload)))
            request.end_headers()
            request.wfile.write(payload)
        except OSError:
            pass  # the client gave up waiting

    def reply(self, request, method: str, path: str, body: bytes):
        if self.down:
            return 503, {"error_code": 50301, "message": "away"}
        if self.wanted and request.headers.get("Authorization") != self.wanted:
            return 401, {"error_code": 401, "message": "Unauthorized"}
        parts = path.strip("/").split("/")
        if method == "GET" and parts[:2] == ["schemas", "ids"] and len(parts) == 3:
            id_ = int(parts[2])
            if id_ not in self.schemas or id_ in self.hidden:
                return 404, {"error_code": 40403, "message": "Schema not found"}
            return 200, {"schema": self.schemas[id_]}
        if method == "POST" and parts[0] == "subjects" and len(parts) in (2, 3):
            subject, text = parts[1], json.loads(body)["schema"]
            if len(parts) == 3:
                return 200, {"id": self.register(subject, text)}
            return self.look_up(subject, text)
        if method == "GET" and parts[0] == "subjects" and len(parts) == 4 and parts[2] == "versions":
            versions = self.subjects.get(parts[1])
            if not versions:
                return 404, {"error_code": 40401, "message": "Subject not found"}
            number = len(versions) if parts[3] == "latest" else int(parts[3])
            id_ = versions[number - 1]
            return 200, {"subject": parts[1], "version": number, "id": id_, "schema": self.schemas[id_]}
        return 404, {"error_code": 404, "message": "Not found"}

    def look_up(self, subject: str, text: str):
        for number, id_ in enumerate(self.subjects.get(subject, []), 1):
            if json.loads(self.schemas[id_]) == json.loads(text):
                return 200, {"subject": subject, "version": number, "id": id_, "schema": self.schemas[id_]}
        return 404, {"error_code": 40403, "message": "Schema not found"}
