"""`tminus suppressions`, as an operator uses it."""

from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from engine.cli.main import app
from engine.state.database import open_database, reading
from engine.state.tables import ConsentChange


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A workplace of its own."""
    found = f"sqlite:///{tmp_path}/tminus.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMINUS_DATABASE_URL", found)
    return found


def test_suppressions_are_added_shown_and_removed(url: str) -> None:
    """With who decided on record."""

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["suppressions", *words])
        return done.exit_code, done.output

    assert "no address is suppressed" in run("list")[1]
    assert run("add", "Ann@X.example", "--by", "max")[0] == 0
    assert "already" in run("add", "ann@x.example")[1]
    assert "manual      ann@x.example" in run("list")[1]
    assert '"reason": "manual"' in run("list", "--json")[1]
    assert "no address" in run("list", "--starting", "bob")[1]
    assert "--why" in run("remove", "ann@x.example")[1]
    assert "--why is empty" in run("remove", "ann@x.example", "--why", " ")[1]
    assert run("remove", "ann@x.example", "--why", "her mailbox works again")[0] == 0
    code, said = run("remove", "ann@x.example", "--why", "again")
    assert code != 0
    assert "is not suppressed" in said
    assert run("add", "nonsense")[0] != 0
    assert "the cursor is not one" in run("list", "--cursor", "x")[1]
    database = open_database(url)
    with reading(database) as connection:
        rows = connection.execute(
            select(ConsentChange.change, ConsentChange.by, ConsentChange.how, ConsentChange.note).order_by(
                ConsentChange.id
            )
        ).all()
    database.dispose()
    assert [tuple(row) for row in rows] == [
        ("suppressed", "max", "command", ""),
        ("released", "operator", "command", "her mailbox works again"),
    ]


def test_consent_is_shown_with_how_it_came_about(url: str) -> None:
    """What holds, and every change, with who and why; nothing in it commands the terminal."""

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(words))
        return done.exit_code, done.output

    code, said = run("consent", "ann@x.example")
    assert code == 2
    assert "nothing is on record" in said
    run("suppressions", "add", "ann@x.example", "--by", "max", "--why", "asked\x1b[31m by phone")
    _, said = run("consent", "Ann@X.example")
    assert "suppressed on the command line, max: asked [31m by phone" in said
    assert "\x1b" not in said
    assert '"how": "command"' in run("consent", "ann@x.example", "--json")[1]
