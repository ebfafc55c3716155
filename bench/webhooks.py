"""How many webhooks a second leave, and what bare loops of httpx over the same wire do.

    .venv/bin/python -m bench.webhooks [--posts 600] [--rounds 2] [--reply-ms 0]

Every way posts the same 500 bytes to a server on loopback, 1, 4 and 16 at once. `ours` is the connector as
the outbox uses it: signed, its host looked up and checked, its time and its answer bounded. Beside it, by
httpx alone: a client for each thread, which keeps its connection or does not, one client for all threads, and
one asynchronous client for all tasks. Milliseconds of processor hardly depend on what else runs.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx

from bench.sinks import http_sink
from connectors.outcome import Delivered
from connectors.webhook import WebhookConnector

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""Published by Standard Webhooks as an example; it opens nothing."""
BODY = json.dumps({"account": "a1", "words": "x" * 460})
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

Way = Callable[[str, int, int], None]
"""Posts so often to an address, so many at once."""


def main() -> None:
    """Measure every way with each number of posts at once, in turns."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--posts", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--reply-ms", type=float, default=0.0)
    arguments = parser.parse_args()
    with http_sink(arguments.reply_ms) as (port, taken):
        url = f"http://127.0.0.1:{port}/hook"
        for _ in range(arguments.rounds):
            for at_once in (1, 4, 16):
                for name, way in _WAYS.items():
                    before = taken.value
                    _measure(name, way, url, arguments.posts, at_once)
                    assert taken.value - before == arguments.posts // at_once * at_once


def _measure(name: str, way: Way, url: str, posts: int, at_once: int) -> None:
    before, began = os.times(), time.perf_counter()
    way(url, posts, at_once)
    seconds, after = time.perf_counter() - began, os.times()
    spent = after.user + after.system - before.user - before.system
    found = {
        "way": name,
        "at_once": at_once,
        "a_second": round(posts / seconds),
        "processor_ms": round(spent / posts * 1000, 2),
    }
    print(json.dumps(found), flush=True)


def _threads(at_once: int, work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(work, range(at_once)))


def _ours(url: str, posts: int, at_once: int) -> None:
    connector = WebhookConnector(url, SECRET, allow_private=True)

    def work(lane: int) -> None:
        for number in range(posts // at_once):
            outcome = connector.send(BODY, f"key-{lane}-{number}", NOW)
            assert isinstance(outcome, Delivered), outcome

    _threads(at_once, work)
    connector.close()


def _client_a_thread(url: str, posts: int, at_once: int, most_kept: int | None = None) -> None:
    def work(_lane: int) -> None:
        limits = httpx.Limits(max_keepalive_connections=most_kept)
        with httpx.Client(trust_env=False, limits=limits) as client:
            for _ in range(posts // at_once):
                client.post(url, content=BODY).raise_for_status()

    _threads(at_once, work)


def _nothing_kept(url: str, posts: int, at_once: int) -> None:
    _client_a_thread(url, posts, at_once, most_kept=0)


def _one_client(url: str, posts: int, at_once: int) -> None:
    with httpx.Client(trust_env=False) as client:

        def work(_lane: int) -> None:
            for _ in range(posts // at_once):
                client.post(url, content=BODY).raise_for_status()

        _threads(at_once, work)


def _one_async_client(url: str, posts: int, at_once: int) -> None:
    async def work(client: httpx.AsyncClient) -> None:
        for _ in range(posts // at_once):
            (await client.post(url, content=BODY)).raise_for_status()

    async def all_of_them() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            await asyncio.gather(*(work(client) for _ in range(at_once)))

    asyncio.run(all_of_them())


_WAYS: dict[str, Way] = {
    "ours": _ours,
    "httpx, a client for each thread": _client_a_thread,
    "httpx, a client for each thread, no connection kept": _nothing_kept,
    "httpx, one client for all threads": _one_client,
    "httpx, one asynchronous client": _one_async_client,
}


if __name__ == "__main__":
    main()
