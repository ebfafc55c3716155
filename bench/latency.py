"""How long after an event was posted its task can be read, in a running service over a large book.

    .venv/bin/python -m bench.latency [--accounts 100000] [--events 200] [--folder DIR]

Everything is real: a service process with the shipped playbooks over SQLite, events posted over HTTP one
by one, and the tasks read over HTTP until they are there.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from engine.api.tokens import create_token
from engine.sample.seed import seed
from engine.settings import load_settings
from engine.state.migrate import migrated

RULE = """\
playbook: bench-cancellation
title: A customer asks to cancel
owner: bench
subject: account
on: {event: bench_cancel_requested}
guard: {max_starts: 1000000, within: 1h}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call {{ account.name }}", due: 1bd}}
"""
READY_WITHIN = 3600.0
"""Seconds for the first evaluation of the whole book."""


def main() -> None:
    """Seed, serve, post and print the spread of the times in milliseconds."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        token = _prepare(folder, arguments.accounts, arguments.history_days)
        with _service(folder, token) as client:
            seconds = [_one(client, number) for number in range(arguments.events)]
    percentiles = statistics.quantiles(seconds, n=100)
    found = {"median": statistics.median(seconds), "p95": percentiles[94], "max": max(seconds)}
    print(json.dumps({key: round(value * 1000) for key, value in found.items()}))


def _prepare(folder: Path, accounts: int, history_days: int) -> str:
    """A seeded database, the playbooks with one more, and a token."""
    settings = load_settings()
    shutil.copytree(settings.rules, folder / "rules")
    (folder / "rules" / "bench-cancellation.yaml").write_text(RULE, encoding="utf-8")
    database = migrated(f"sqlite:///{folder / 'tminus.db'}")
    now = datetime.now(UTC)
    seed(database, settings.catalogue(), accounts=accounts, end=now, history_days=history_days)
    token = create_token(database, "bench", now)
    database.dispose()
    return token


@contextmanager
def _service(folder: Path, token: str) -> Iterator[httpx.Client]:
    """The running service, after it has evaluated the whole book."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "TMINUS_DATABASE_URL": f"sqlite:///{folder / 'tminus.db'}",
        "TMINUS_RULES": str(folder / "rules"),
        "TMINUS_MAILBOX__SMTP_PORT": "0",
        "TMINUS_CONNECTORS__EMAIL__PORT": "0",
        "TMINUS_SAMPLE__ENABLED": "false",
    }
    process = subprocess.Popen(
        [Path(sys.executable).with_name("tminus"), "run", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        try:
            _wait_until(lambda: _has_ticked(client, process), READY_WITHIN)
            yield client
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _one(client: httpx.Client, number: int) -> float:
    """Post an account, and an event a second later; seconds from the event's post to its task."""
    account = f"bench-{number}-{secrets.token_hex(4)}"
    _post(client, "accounts", {"id": account, "name": account, "segment": "low_touch", "health": 70})
    time.sleep(1)
    event = {"id": f"{account}-event", "account_id": account, "name": "bench_cancel_requested"}
    began = time.perf_counter()
    _post(client, "events", event)
    _wait_until(lambda: bool(_tasks(client, account)), 60)
    return time.perf_counter() - began


def _post(client: httpx.Client, what: str, item: dict[str, Any]) -> None:
    client.post(f"/api/v1/{what}", json={what: [item]}).raise_for_status()


def _tasks(client: httpx.Client, account: str) -> list[Any]:
    answer = client.get("/api/v1/tasks", params={"account_id": account}).raise_for_status()
    items: list[Any] = answer.json()["items"]
    return items


def _has_ticked(client: httpx.Client, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise RuntimeError("the service has ended; what it printed says why")
    try:
        return client.get("/readyz").json().get("last_tick_at") is not None
    except httpx.TransportError:
        return False


def _wait_until(is_so: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it took more than {seconds:.0f} s")
        time.sleep(0.01)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--history-days", type=int, default=14)
    parser.add_argument("--folder", default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
