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
    assert run("remove", "ann@x.example")[0] == 0
    code, said = run("remove", "ann@x.example")
    assert code != 0
    assert "is not suppressed" in said
    assert run("add", "nonsense")[0] != 0
    database = open_database(url)
    with reading(database) as connection:
        rows = connection.execute(
            select(ConsentChange.change, ConsentChange.by, ConsentChange.how).order_by(ConsentChange.id)
        ).all()
    database.dispose()
    assert [tuple(row) for row in rows] == [
        ("suppressed", "max", "command"),
        ("released", "operator", "command"),
    ]
