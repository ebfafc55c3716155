"""The service is stopped while a mail server hangs."""

import signal
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from engine.state.database import writing
from engine.state.migrate import migrated
from engine.state.tables import Rulebook
from tests.acceptance.test_service import eventually, running, stop
from tests.acceptance.workplace import Workplace
from tests.integration.mail_servers import HANG, free_port, scripted_smtp
from tests.integration.outbox_book import attempts, outbox, seed


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("step", "state"), [("GREETING", "retryable"), ("DOT", "unknown")])
def test_service_stops_soon_while_a_server_hangs(workplace: Workplace, step: str, state: str) -> None:
    """Nothing stays leased: what was under way is settled, and the rest waits as if never claimed."""
    database = migrated(workplace.environment["TMINUS_DATABASE_URL"])
    ready = datetime.now(UTC) - timedelta(minutes=5)
    seed(database, 6, topic="security", available_at=ready)
    with writing(database) as connection:
        connection.execute(delete(Rulebook))
    port = free_port()
    with scripted_smtp({step: HANG}) as server:
        mail = {"kind": "smtp", "host": "127.0.0.1", "port": server.port, "security": "none"}
        workplace.configure(
            console={"host": "127.0.0.1", "port": port, "public_url": f"http://127.0.0.1:{port}"},
            mailbox={"enabled": False},
            sample={"enabled": False},
            connectors={"email": mail | {"timeout_seconds": 60, "concurrency": 2}},
            email={
                "sender": "s@acme.example",
                "topics": {"security": {"title": "Security", "transactional": True}},
                "hours": {"start": "00:00", "end": "23:59:59", "days": "all"},
            },
        )
        with running(workplace, port) as started:
            eventually(lambda: server.seen[step] == 2, 30)
            stop(started, signal.SIGTERM)
    rows = outbox(database).values()
    assert sorted(row.state for row in rows) == sorted([state] * 2 + ["available"] * 4)
    assert {row.lease_owner for row in rows} == {None}
    assert len(attempts(database)) == 2
    database.dispose()
