"""Run as a process: delivers once, and kills itself at a chosen commit.

python -m tests.integration.killed_deliverer URL PORT ON_UNKNOWN PHASE COMMIT
"""

import os
import signal
import sys
from typing import Any

from sqlalchemy import Connection, Engine, event

from engine.outbox.deliver import deliver_batch
from engine.outbox.wiring import open_connectors
from engine.state.database import open_database
from tests.integration.outbox_book import NOW, settings


def die_at(database: Engine, phase: str, number: int) -> None:
    """Arrange for a SIGKILL just before or just after write commit `number`."""
    writes = 0
    commit = database.dialect.do_commit

    @event.listens_for(database, "commit")
    def count(connection: Connection) -> None:
        nonlocal writes
        writes += bool(connection.get_execution_options().get("writes"))
        if writes == number and phase == "before":
            os.kill(os.getpid(), signal.SIGKILL)

    def do_commit(connection: Any) -> None:
        commit(connection)
        if writes == number and phase == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    database.dialect.do_commit = do_commit  # type: ignore[method-assign]


def main(url: str, port: str, on_unknown: str, phase: str, number: str) -> None:
    """Deliver what is ready, as far as it goes."""
    database = open_database(url)
    chosen = settings(int(port), email={"sender": "s@acme.example", "on_unknown": on_unknown})
    connectors = open_connectors(chosen, database)
    die_at(database, phase, int(number))
    deliver_batch(database, connectors, chosen, now=NOW, owner="mortal")


if __name__ == "__main__":
    main(*sys.argv[1:])
