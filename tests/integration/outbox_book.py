"""Outbox rows with everything they hang on, for delivery tests."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert, select, update

from engine.identity import digest
from engine.settings import Settings
from engine.state.database import reading, writing
from engine.state.tables import Account, Attempt, Contact, Outbox, Rulebook, Run

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday morning in UTC."""


def settings(port: int = 2525, **changes: Any) -> Settings:
    """Settings with an SMTP server on loopback and no ambient configuration."""
    given: dict[str, Any] = {
        "connectors": {
            "email": {
                "kind": "smtp",
                "host": "127.0.0.1",
                "port": port,
                "security": "none",
                "timeout_seconds": 0.5,
                "concurrency": 1,
            }
        },
        "email": {
            "sender": "Acme <success@acme.example>",
            "caps": {"person": [], "account": []},
            "topics": {"security": {"title": "Security", "transactional": True}},
        },
        "console": {"public_url": "https://acme.example"},
    }
    changes["email"] = given["email"] | changes.get("email", {})
    return Settings(**(given | changes))


def seed(database: Engine, count: int = 1, **changes: Any) -> list[str]:
    """An account, its open run, and `count` emails, each to its contact; returns their ids in order."""
    ids = [digest("outbox", str(number)) for number in range(count)]
    with writing(database) as connection:
        connection.execute(insert(Account), [{"id": "a1", "name": "A"}])
        connection.execute(
            insert(Rulebook),
            [{"playbook": "p", "version": "v", "live_since": NOW, "changed_at": NOW, "paused": False}],
        )
        connection.execute(insert(Run), [run_row("r1")])
        connection.execute(insert(Contact), [contact_row(number) for number in range(count)])
        rows = [outbox_row(each, number) | changes for number, each in enumerate(ids)]
        connection.execute(insert(Outbox), rows)
    return ids


def run_row(run_id: str) -> dict[str, Any]:
    """An open run of playbook p."""
    return {
        "id": run_id,
        "account_id": "a1",
        "playbook": "p",
        "version": "v",
        "kind": "account",
        "subject_id": run_id,
        "key": "",
        "generation": 1,
        "state": "open",
        "started_at": NOW,
        "reason": "",
    }


def contact_row(number: int) -> dict[str, Any]:
    """An active contact who has agreed to mail."""
    return {
        "id": f"c{number}",
        "account_id": "a1",
        "email": f"c{number}@x.example",
        "status": "active",
        "consent": "granted",
    }


def outbox_row(outbox_id: str, number: int) -> dict[str, Any]:
    """A rendered email, ready since some minutes."""
    return {
        "id": outbox_id,
        "run_id": "r1",
        "account_id": "a1",
        "playbook": "p",
        "step": "hello",
        "contact_id": f"c{number}",
        "connector": "email",
        "recipient": f"c{number}@x.example",
        "address": f"c{number}@x.example",
        "priority": 50,
        "topic": "product",
        "subject": f"Hello {number}",
        "payload": {"html": "<p>Hello</p>", "text": "Hello"},
        "state": "available",
        "available_at": NOW - timedelta(minutes=60 - number % 60),
        "attempts": 0,
        "created_at": NOW - timedelta(hours=1),
    }


def change(database: Engine, table: Any, key: str, **values: Any) -> None:
    """Change one row by its id."""
    with writing(database) as connection:
        connection.execute(
            update(table).where(next(iter(table.__table__.primary_key)) == key).values(**values)
        )


def outbox(database: Engine) -> Mapping[str, Any]:
    """Every outbox row by id."""
    with reading(database) as connection:
        return {row.id: row for row in connection.execute(select(Outbox.__table__)).all()}  # type: ignore[attr-defined]


def attempts(database: Engine) -> list[tuple[str, int, str]]:
    """Entry, number and result of every attempt, in order."""
    with reading(database) as connection:
        rows = connection.execute(
            select(Attempt.outbox_id, Attempt.number, Attempt.result).order_by(Attempt.id)
        ).all()
    return [(row[0], row[1], row[2]) for row in rows]
