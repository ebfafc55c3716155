"""The console on a free port of this machine, for a browser to visit."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

_STARTS_WITHIN = 20.0
"""Seconds."""


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve the application while the block runs; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def wait(is_so: Callable[[], bool]) -> None:
    """Return when it is so; fail when that takes too long."""
    deadline = time.monotonic() + _STARTS_WITHIN
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
