"""The service as a process: started, used over HTTP, stopped, and started again."""

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pytest

from tests.acceptance.workplace import COMMAND, Workplace

Found = TypeVar("Found")


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], Found], seconds: float) -> Found:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


class Started:
    """A started service and a client that may speak to it."""

    def __init__(self, process: subprocess.Popen[str], log: Path, port: int, token: str) -> None:
        self.process = process
        self.log = log
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=10
        )

    def tasks(self, **narrowed: Any) -> list[dict[str, Any]]:
        """All open tasks, by page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            query = {**narrowed, "limit": 500, **({"cursor": cursor} if cursor else {})}
            page = self.client.get("/api/v1/tasks", params=query).raise_for_status().json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Send something in; all of it must be taken."""
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["rejected"] == []


@contextmanager
def running(workplace: Workplace, port: int) -> Iterator[Started]:
    """Start the service, wait until it is ready, and stop it as Ctrl-C does."""
    log = workplace.folder / "service.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [COMMAND, "run"],
            cwd=workplace.folder,
            env=workplace.environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        eventually(lambda: is_ready(process, port, log), 90)
        token = (workplace.folder / "first-token").read_text(encoding="utf-8").strip()
        started = Started(process, log, port, token)
        with started.client:
            yield started
    except BaseException:
        process.kill()
        print(log.read_text(encoding="utf-8"))
        raise
    finally:
        process.wait(30)


def stop(started: Started, how: signal.Signals) -> None:
    """Ask the service to stop; it must do so soon, cleanly, and with its worker processes gone."""
    workers = psutil.Process(started.process.pid).children(recursive=True)
    asked = time.monotonic()
    started.process.send_signal(how)
    assert started.process.wait(20) == 0
    assert time.monotonic() - asked < 10
    assert psutil.wait_procs(workers, timeout=5)[1] == []
    assert "Traceback" not in started.log.read_text(encoding="utf-8")


def is_ready(process: subprocess.Popen[str], port: int, log: Path) -> bool:
    """Whether it answers that it is ready."""
    assert process.poll() is None, log.read_text(encoding="utf-8")
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def port(workplace: Workplace) -> int:
    """The port of a configured trial set-up whose customers stand still."""
    console, smtp = free_port(), free_port()
    address = f"http://127.0.0.1:{console}"
    workplace.configure(
        console={"host": "127.0.0.1", "port": console, "public_url": address},
        mailbox={"enabled": True, "smtp_port": smtp},
        sample={"enabled": True, "accounts": 300, "live": False},
        connectors={
            "email": {"kind": "smtp", "host": "127.0.0.1", "port": smtp, "security": "none"},
            "slack": {"kind": "slack", "url": f"{address}/mailbox/slack", "allow_private": True},
        },
    )
    return console


def cancellation() -> dict[str, Any]:
    """A customer asks to cancel."""
    now = datetime.now(UTC).isoformat()
    event = {"id": "crm-1", "account_id": "zenith", "name": "cancel_requested", "occurred_at": now}
    return {"events": [event]}


@pytest.mark.timeout(300)
def test_service_turns_an_event_into_a_task_and_repeats_nothing(workplace: Workplace, port: int) -> None:
    """A posted event shows as a task at once; a stop and a second start change nothing."""
    with running(workplace, port) as first:
        assert first.tasks(), "the sample book made no tasks"
        account = {"id": "zenith", "name": "Zenith", "segment": "low_touch", "stage": "active", "health": 70}
        first.post("/api/v1/accounts", {"accounts": [account]})
        body = cancellation()
        posted = time.monotonic()
        first.post("/api/v1/events", body)
        tasks = eventually(lambda: first.tasks(account_id="zenith"), 15)
        print(f"a task {time.monotonic() - posted:.2f} s after the event")
        assert {task["playbook"] for task in tasks} == {"at-risk"}
        assert all("cancel" in task["reason"] for task in tasks)
        before = first.tasks()
        stop(first, signal.SIGINT)

    token = re.compile(r"[\w-]{40,}")
    assert token.search((workplace.folder / "service.log").read_text(encoding="utf-8"))
    with running(workplace, port) as second:
        assert not token.search(second.log.read_text(encoding="utf-8"))
        second.post("/api/v1/events", body)
        time.sleep(2)
        after = second.tasks()
        assert {task["id"] for task in after} >= {task["id"] for task in before}
        assert second.tasks(account_id="zenith") == [t for t in before if t["account_id"] == "zenith"]
        stop(second, signal.SIGTERM)


@pytest.mark.timeout(120)
def test_service_greets_machines_with_one_document(workplace: Workplace, port: int) -> None:
    """Where it runs, and where the token is; what it says besides goes elsewhere."""
    workplace.configure(sample={"enabled": False})
    command = [COMMAND, "run", "--json"]
    with subprocess.Popen(
        command,
        cwd=workplace.folder,
        env=workplace.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    found = json.loads("".join(lines))
    assert (found["url"], rest, process.returncode) == (f"http://127.0.0.1:{port}", "", 0)
    assert Path(workplace.folder / found["token_file"]).read_text(encoding="utf-8").strip() == found["token"]


@pytest.mark.timeout(60)
def test_service_says_that_a_port_is_taken_before_it_starts(workplace: Workplace, port: int) -> None:
    """One sentence with the mend, exit code 1, and no database was made."""
    with socket.create_server(("127.0.0.1", port)):
        done = subprocess.run(
            [COMMAND, "run"],
            cwd=workplace.folder,
            env=workplace.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"Port {port} is taken, so the console cannot listen there; stop what uses it, or set console.port.\n"
    )
    assert not (workplace.folder / "tminus.db").exists()
