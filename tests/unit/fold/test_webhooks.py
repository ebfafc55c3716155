"""Steps that post a JSON document."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.builders import START, Company, account, company, happening
from tests.histories import DAY, HOUR

HOOK = """
playbook: hook
title: A hook
owner: cs
subject: account
on: {event: go}
steps:
  - {id: post, day: 0, webhook: {via: crm, template: note}}
  - {id: call, day: 0, task: {to: csm, title: x}}
"""
NOTE = """{
  "name": "{{ account.name }}", "health": {{ account.health | default("null") }},
  "strategic": {{ account.strategic }}, "since": "{{ run.started_at }}", "on": "{{ today }}"
}"""

ONLY_ACME = '{% if account.name == "Acme" %}@{% else %}{}{% endif %}'


def hooked(database: Engine, folder: Path, note: str, **values: Any) -> Company:
    """A run of the playbook at an account with these values."""
    (folder / "templates" / "webhooks").mkdir(parents=True, exist_ok=True)
    (folder / "templates" / "webhooks" / "note.json.j2").write_text(note, encoding="utf-8")
    mine = company(database, folder, [HOOK])
    mine.take(account(START - DAY, **{"name": "Acme", "timezone": "UTC", "strategic": True, **values}))
    mine.tick(START)
    mine.take(happening("go", START + HOUR))
    mine.tick(START + HOUR)
    return mine


@pytest.mark.parametrize(
    "name", ["Acme", 'A "quoted", \\ name', '", "admin": true, "x": "', "Zeile\neins", "日本"]
)
def test_webhook_puts_the_rendered_document_into_the_outbox(
    sqlite_database: Engine, tmp_path: Path, name: str
) -> None:
    """Whatever a customer is called stays a text; numbers, flags and times have the form of machines."""
    mine = hooked(sqlite_database, tmp_path, NOTE, name=name, health=62.5)
    (entry,) = mine.messages()
    assert (entry.connector, entry.recipient, entry.contact_id) == ("crm", "crm", None)
    assert json.loads(entry.payload["text"]) == {
        "name": name, "health": 62.5, "strategic": True, "since": "2026-03-02T13:00:00Z", "on": "2026-03-02",
    }  # fmt: skip
    assert (START + HOUR, "webhook") in mine.decisions()


def test_webhook_without_a_value_says_null_where_it_is_told_to(
    sqlite_database: Engine, tmp_path: Path
) -> None:
    """The default of a value stands without quotes."""
    mine = hooked(sqlite_database, tmp_path, NOTE)
    assert json.loads(mine.messages()[0].payload["text"])["health"] is None


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ('{"health": {{ account.health }}}', "account.health"),
        (ONLY_ACME.replace("@", '{"a": }'), "gives no JSON: Expecting value"),
        (ONLY_ACME.replace("@", '"text"'), "an object or a list"),
        (ONLY_ACME.replace("@", '{"a": 1e999}'), "a number that JSON has no form for"),
        (ONLY_ACME.replace("@", "[" * 9000), "nested too deeply"),
    ],
)
def test_webhook_that_gives_no_document_is_skipped(
    sqlite_database: Engine, tmp_path: Path, note: str, reason: str
) -> None:
    """With the reason, and the run goes on. What made-up values show is refused before."""
    mine = hooked(sqlite_database, tmp_path, note)
    step = mine.steps()["post"]
    assert step.state == "skipped"
    assert reason in step.reason
    assert mine.messages() == []
    assert len(mine.tasks()) == 1
