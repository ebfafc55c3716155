"""Servers for benchmarks, each a process of its own, that take everything and keep only a count."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from typing import Any, TypeAlias

Count: TypeAlias = "Synchronized[int]"
Converse: TypeAlias = Callable[[Count, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def smtp_sink(reply_ms: float = 0.0, *, pipelining: bool = True) -> Iterator[tuple[int, Count]]:
    """The port of an SMTP server that waits before each reply, and how many messages it has taken."""
    with _sink(partial(_smtp, reply_ms / 1000, pipelining)) as found:
        yield found


@contextmanager
def http_sink(reply_ms: float = 0.0) -> Iterator[tuple[int, Count]]:
    """The port of an HTTP server that answers 200 to any post, and how many it has taken."""
    with _sink(partial(_http, reply_ms / 1000)) as found:
        yield found


@contextmanager
def _sink(converse: Converse) -> Iterator[tuple[int, Count]]:
    context = multiprocessing.get_context("spawn")
    taken, port, up = context.Value("q", 0), context.Value("i", 0), context.Event()
    process = context.Process(target=_serve, args=(converse, taken, port, up), daemon=True)
    process.start()
    up.wait(30)
    try:
        yield port.value, taken
    finally:
        process.terminate()
        process.join()


def _serve(converse: Converse, taken: Count, port: Count, up: Any) -> None:
    async def run() -> None:
        server = await asyncio.start_server(
            partial(_guarded, converse, taken), "127.0.0.1", 0, limit=2**20, backlog=512
        )
        port.value = server.sockets[0].getsockname()[1]
        up.set()
        await server.serve_forever()

    asyncio.run(run())


async def _guarded(
    converse: Converse, taken: Count, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        await converse(taken, reader, writer)
    writer.close()


async def _smtp(
    delay: float, pipelining: bool, taken: Count, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Just enough of RFC 5321. Commands that come together are answered together, as RFC 2920 has it."""
    offer = b"250-sink\r\n250 PIPELINING\r\n" if pipelining else b"250 sink\r\n"
    writer.write(b"220 sink\r\n")
    while given := await reader.read(2**16):
        replies = b""
        while b"\n" in given:
            line, _, given = given.partition(b"\n")
            verb = line[:4].upper()
            if verb == b"DATA":
                await _answer(writer, replies + b"354 go on\r\n", delay)
                await reader.readuntil(b"\r\n.\r\n")
                taken.value += 1
                replies = b"250 taken\r\n"
            elif verb == b"QUIT":
                writer.write(replies + b"221 bye\r\n")
                return
            else:
                replies += offer if verb == b"EHLO" else b"250 ok\r\n"
        await _answer(writer, replies, delay)


async def _answer(writer: asyncio.StreamWriter, replies: bytes, delay: float) -> None:
    if delay:
        await asyncio.sleep(delay)
    writer.write(replies)


async def _http(
    delay: float, taken: Count, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Just enough of HTTP/1.1, connections kept."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        taken.value += 1
        await _answer(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", delay)
