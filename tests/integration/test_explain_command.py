"""`tminus explain` on a narrow terminal."""

from pathlib import Path

import typer
from sqlalchemy import Engine
from typer.testing import CliRunner

from engine.cli.explain_command import explain
from engine.cli.shell import Shell
from tests.builders import START, account, company

WORDY = """\
playbook: wordy
title: Wordy
owner: ops
subject: account
when: {count: contact, where: {all: [{field: contact.status, equals: active}, {field: contact.last_touch_at,
  days_since: {at_most: 90}}, {field: contact.role, in: [champion, economic_buyer]}]}, below: 2}
steps: [{id: look, day: 0, task: {to: csm, title: Look, due: 1bd}}]
"""


def test_explain_wraps_what_is_longer_than_the_terminal(sqlite_database: Engine, tmp_path: Path) -> None:
    """The value that was found stands at the end of the line, and is what one came for."""
    mine = company(sqlite_database, tmp_path, [WORDY])
    mine.take(account(START, name="Acme"))
    config = tmp_path / "config.yaml"
    config.write_text(f"rules: {tmp_path}/rules\ntemplates: {tmp_path}/templates\nroles: {{csm: {{}}}}\n")
    app = typer.Typer()

    @app.callback()
    def shell(context: typer.Context) -> None:
        context.obj = Shell(config, lambda _url: sqlite_database)

    app.command("explain")(explain)
    shown = CliRunner().invoke(app, ["explain", "wordy", "acme"], env={"COLUMNS": "60"}).stdout
    assert "is below 2: 0" in " ".join(shown.split())
