"""A TCP proxy that can cut, freeze, delay and resume what passes through it."""
from __future__ import annotations

import asyncio
import socket
import struct
import threading


class Proxy:
    """Listens on 127.0.0.1 and forwards to a target.

    cut(): resets every connection and refuses new ones. freeze(): keeps connections open and passes nothing on, as a
    network that swallows packets. slow(seconds): holds each piece back. resume(): passes everything again.
    """

    def __init__(self, target_port: int, listen_port: int = 0, target_host: str = "127.0.0.1"):
        self.target = (target_host, target_port)
        self.listen_port = listen_port
        self.delay = 0.0
        self._writers: set = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"proxy-{target_port}", daemon=True)
        self._thread.start()
        self._ready.wait(10)
        if self._failure:
            raise self._failure

    @property
    def port(self) -> int:
        return self.listen_port

    def _run(self):
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._open())
        except BaseException as failure:  # handed to the constructor
            self._failure = failure
            self._ready.set()
            return
        self._ready.set()
        self._loop.run_forever()
        self._loop.close()

    async def _open(self):
        self._flowing = asyncio.Event()
        self._flowing.set()
        await self._listen()

    async def _listen(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.listen_port, reuse_address=True)
        self.listen_port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        pumps = [asyncio.ensure_future(pump) for pump in self._pumps(reader, far_writer, far_reader, writer)]
        try:
            await asyncio.wait(pumps, return_when=asyncio.ALL_COMPLETED)
        finally:
            for end in (writer, far_writer):
                self._writers.discard(end)
                end.transport.abort()

    def _pumps(self, reader, far_writer, far_reader, writer):
        return [self._pump(reader, far_writer), self._pump(far_reader, writer)]

    async def _pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await self._pass(data, writer)
            await self._flowing.wait()  # while frozen, neither side learns that the other is gone
            writer.write_eof()
        except (OSError, RuntimeError):
            await self._flowing.wait()
            writer.transport.abort()

    async def _pass(self, data: bytes, writer):
        if self.delay:
            await asyncio.sleep(self.delay)
        await self._flowing.wait()
        writer.write(data)
        await writer.drain()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def cut(self):
        self._call(self._cut())

    async def _cut(self):
        self._server.close()
        for writer in list(self._writers):
            raw = writer.get_extra_info("socket")
            if raw is not None:
                try:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                except OSError:
                    pass
            writer.transport.abort()
        self._flowing.set()

    def freeze(self):
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def slow(self, seconds: float):
        self.delay = seconds

    def resume(self):
        self._call(self._resume())

    async def _resume(self):
        self.delay = 0.0
        self._flowing.set()
        if not self._server.is_serving():
            await self._listen()

    def close(self):
        if self._loop.is_running():
            self._call(self._cut())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)


END_TXN = 26


class KafkaProxy(Proxy):
    """Reads the requests that pass and can make the end of a transaction go astray: lose_requests and lose_answers hold
    transactional ids whose EndTxn requests, or the answers to them, do not arrive until resume()."""

    def __init__(self, target_port: int, listen_port: int):
        self.lose_requests: set = set()
        self.lose_answers: set = set()
        self.lost: list = []  # (transactional id, what)
        self.ended: set = set()  # transactional ids whose EndTxn was seen
        super().__init__(target_port, listen_port)

    def _pumps(self, reader, far_writer, far_reader, writer):
        muted = asyncio.Event()
        return [self._requests(reader, far_writer, muted), self._answers(far_reader, writer, muted)]

    async def _requests(self, reader, writer, muted):
        try:
            while True:
                size = await reader.readexactly(4)
                frame = await reader.readexactly(int.from_bytes(size, "big"))
                name = transactional_id(frame)
                self.ended.add(name)
                if name in self.lose_requests:
                    self.lost.append((name, "request"))
                    continue
                if name in self.lose_answers:
                    self.lost.append((name, "answer"))
                    muted.set()
                await self._pass(size + frame, writer)
        except (asyncio.IncompleteReadError, OSError, RuntimeError):
            await self._flowing.wait()
            writer.transport.abort()

    async def _answers(self, reader, writer, muted):
        try:
            while data := await reader.read(65536):
                while muted.is_set() and self.lose_answers:
                    await asyncio.sleep(0.05)
                await self._pass(data, writer)
            writer.write_eof()
        except (OSError, RuntimeError):
            writer.transport.abort()

    def resume(self):
        self.lose_requests = set()
        self.lose_answers = set()
        super().resume()


def transactional_id(frame: bytes) -> str | None:
    """Of an EndTxn request before its flexible versions; None of all others."""
    if int.from_bytes(frame[:2], "big") != END_TXN:
        return None
    at = 8  # api key, version, correlation id
    client = int.from_bytes(frame[at:at + 2], "big", signed=True)
    at += 2 + max(0, client)
    length = int.from_bytes(frame[at:at + 2], "big")
    return frame[at + 2:at + 2 + length].decode()
