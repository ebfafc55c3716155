"""The process that runs durable-rules, apart from everything that must survive it.

It answers requests over one socket and exits when that closes, so it never outlives the service. A request
that takes too long ends the process from within, by an alarm that the library cannot hold up.
"""

import os
import signal
from multiprocessing.connection import Connection

from engine.match.requests import READY, Answer, Ask, Load
from engine.match.self_test import failure
from engine.match.shard import Shard

_GRACE_SECONDS = 1.0
"""By how much the parent is first to give up."""


def serve(connection: Connection, timeout_seconds: float) -> None:
    """Answer requests until the other end closes."""
    shards: dict[str, Shard] = {}
    connection.send(READY)
    while True:
        try:
            request = connection.recv()
        except (EOFError, OSError):
            return
        signal.setitimer(signal.ITIMER_REAL, timeout_seconds * request.patience + _GRACE_SECONDS)
        reply = _reply(shards, request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send(reply)


def _reply(shards: dict[str, Shard], request: Load | Ask) -> list[Answer] | str | None:
    if isinstance(request, Ask):
        return shards[request.shard].answers(request.questions)
    try:
        shard = Shard(request.shard, request.conditions)
        problem = failure(shard, request.conditions)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if problem is None:
        shards[request.shard] = shard
    return problem


def main(descriptor: int, timeout_seconds: float) -> None:
    """Serve on an inherited socket. Interrupts are the parent's affair: closing the socket ends this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    serve(Connection(descriptor), timeout_seconds)
    os._exit(0)
