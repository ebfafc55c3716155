"""The parent's end of a worker: start it, ask it, notice when it is lost."""

import json
import socket
import struct
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import Any

from engine.match.requests import Ask, Load

_START_SECONDS = 60.0
_ENTRY = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from engine.match.worker import main
main(int(sys.argv[2]), float(sys.argv[3]))
"""


class WorkerLost(Exception):
    """A worker died, or did not answer in time; it has been ended."""


class WorkerProcess:
    """One running worker. Not for use by more than one thread at a time."""

    def __init__(self, timeout_seconds: float) -> None:
        """Start the process and wait until it is ready. Raises WorkerLost."""
        self._timeout_seconds = timeout_seconds
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _started(theirs, timeout_seconds)
        _limit_waiting(ours, timeout_seconds)
        self._connection = Connection(ours.detach())
        self._await(_START_SECONDS, "start")

    @property
    def ending(self) -> str | None:
        """How the process ended, or None while it runs."""
        code = self._process.poll()
        return None if code is None else _ending(code)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, request: Load | Ask) -> Any:
        """The worker's reply. Raises WorkerLost after having ended a worker that died or hangs."""
        try:
            self._connection.send(request)
        except OSError as error:
            raise self._lost("take its work", self._timeout_seconds, error) from error
        return self._await(self._timeout_seconds * request.patience, "answer")

    def close(self) -> None:
        """End the process and wait for it."""
        self._connection.close()
        self._process.kill()
        self._process.wait()

    def _await(self, seconds: float, doing: str) -> Any:
        try:
            if self._connection.poll(seconds):
                return self._connection.recv()
            raise BlockingIOError
        except (EOFError, OSError) as error:
            raise self._lost(doing, seconds, error) from error

    def _lost(self, doing: str, seconds: float, error: Exception) -> WorkerLost:
        """The exception that tells how the worker was lost; nothing of the worker is left."""
        if not isinstance(error, BlockingIOError):
            _reap(self._process)
        how = self.ending or f"did not {doing} within {seconds:g} s"
        self.close()
        return WorkerLost(f"matching worker {self.pid} {how}")


def _started(theirs: socket.socket, timeout_seconds: float) -> "subprocess.Popen[bytes]":
    """The process, which alone of all processes inherits its end of the socket."""
    arguments = [json.dumps(sys.path), str(theirs.fileno()), str(timeout_seconds)]
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _ENTRY, *arguments],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    except OSError as error:
        raise WorkerLost(f"a matching worker could not be started: {error}") from error


def _limit_waiting(ours: socket.socket, seconds: float) -> None:
    """Let reads and writes fail instead of waiting for a frozen worker for ever."""
    span = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000) or 1)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, span)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, span)


def _reap(process: "subprocess.Popen[bytes]") -> None:
    """Give a process whose socket has closed the moment it needs to be gone."""
    try:
        process.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        process.kill()


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"stopped with exit code {code}"
