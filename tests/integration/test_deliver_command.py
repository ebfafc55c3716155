"""`tminus deliver` as processes beside one another."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from tests.integration.mail_servers import messages_by_id, real_smtp, scripted_smtp
from tests.integration.outbox_book import attempts, outbox, seed

ROOT = Path(__file__).parents[2]
EMAILS = 120


def config(folder: Path, database: Engine, port: int) -> Path:
    """A configuration by which mail may leave at any time."""
    settings = {
        "database_url": database.url.render_as_string(hide_password=False),
        "connectors": {
            "email": {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none", "concurrency": 2}
        },
        "email": {
            "sender": "Acme <success@acme.example>",
            "caps": {"person": [], "account": []},
            "hours": {"start": "00:00", "end": "23:59:59", "days": "all"},
        },
    }
    file = folder / "config.yaml"
    file.write_text(json.dumps(settings), encoding="utf-8")
    return file


@contextmanager
def delivering(file: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that delivers, killed in the end where it has not been stopped."""
    start = "import sys; from engine.cli.entry import run; sys.argv[0] = 'tminus'; run()"
    command = [sys.executable, "-c", start, "--config", str(file), "deliver"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def eventually(claim: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_deliver_shares_the_outbox_between_processes(database: Engine, tmp_path: Path) -> None:
    """Both send, each entry goes once, and a stop leaves nothing leased."""
    with real_smtp() as (port, handler):
        file = config(tmp_path, database, port)
        with delivering(file) as one, delivering(file) as other:
            for each in (one, other):
                assert each.stdout
                assert each.stdout.readline() == "Delivering. Ctrl-C stops it.\n"
            handler.pause = 0.05
            ids = seed(database, EMAILS)
            eventually(lambda: len(handler.contents) >= EMAILS)
            for each, how in ((one, signal.SIGTERM), (other, signal.SIGINT)):
                each.send_signal(how)
                assert each.wait(20) == 0
                assert each.stderr
                assert "Traceback" not in each.stderr.read()
    assert messages_by_id(handler.contents) == {f"<{each}@acme.example>": 1 for each in ids}
    assert {row.state for row in outbox(database).values()} == {"completed"}
    assert len(handler.peers) == 4, "two connections of each process"
    assert len(attempts(database)) == EMAILS


def test_deliver_hands_back_what_it_has_not_begun(sqlite_database: Engine, tmp_path: Path) -> None:
    """A stop while a server hangs: but for the two entries under way, all are ready for somebody else."""
    ids = seed(sqlite_database, 40)
    with (
        scripted_smtp({"DOT": "hang"}) as server,
        delivering(config(tmp_path, sqlite_database, server.port)) as one,
    ):
        eventually(lambda: len(server.messages) >= 2)
        one.send_signal(signal.SIGTERM)
        assert one.wait(20) == 0
    states = [row.state for row in outbox(sqlite_database).values()]
    assert len(server.messages) == 2
    assert states.count("available") == len(ids) - 2


def test_deliver_says_what_is_wrong_with_the_settings(tmp_path: Path, sqlite_database: Engine) -> None:
    """As every command does."""
    file = config(tmp_path, sqlite_database, 25)
    file.write_text(file.read_text().replace("success@acme.example", "nobody"))
    with delivering(file) as one:
        assert one.wait(60) == 2
        assert one.stderr
        assert 'email.sender: "nobody" is no email address' in one.stderr.read()
