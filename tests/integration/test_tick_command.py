"""`tminus tick` decides now or at a past instant, and runs ahead of the clock only when told to twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.main import app
from engine.clock.zones import format_instant, parse_instant
from engine.state.database import open_database
from engine.tick import last_tick
from tests.builders import SLIDE, write_rules


def run(folder: Path, *arguments: str) -> Result:
    """The command over a database and one playbook below `folder`."""
    config = folder / "config.yaml"
    if not config.exists():
        write_rules(folder, [SLIDE])
        (folder / "templates").mkdir()
        config.write_text(
            f"database_url: sqlite:///{folder}/t.db\nrules: {folder}/rules\ntemplates: {folder}/templates\n"
            "roles: {csm: {}}\nmatching: {workers: 0}\n"
        )
    return CliRunner().invoke(app, ["--config", str(config), "tick", *arguments])


def decided_at(folder: Path) -> datetime | None:
    """When the last tick decided."""
    database = open_database(f"sqlite:///{folder}/t.db")
    try:
        return last_tick(database)
    finally:
        database.dispose()


def test_tick_in_the_future_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    """With what would follow and the mend; nothing is decided, and a tick now still can be."""
    future = format_instant(datetime.now(UTC) + timedelta(days=30))
    refused = run(tmp_path, "--at", future)
    assert refused.exit_code == 2
    assert f"--at: {future} lies in the future" in refused.output
    assert "add --ahead" in refused.output
    assert run(tmp_path).exit_code == 0
    meant = run(tmp_path, "--at", future, "--ahead")
    assert meant.exit_code == 0
    assert "nothing is decided before then again" in meant.output
    assert str(decided_at(tmp_path)) == str(parse_instant(future))
    assert "time only moves forward" in run(tmp_path).output


@pytest.mark.parametrize("arguments", [("--at", "2026-03-02T12:00:00Z"), (), ("--ahead",)])
def test_tick_now_or_in_the_past_needs_no_leave(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Only what runs ahead of the clock is asked about."""
    assert run(tmp_path, *arguments).exit_code == 0
    assert decided_at(tmp_path) is not None


def test_tick_says_what_is_no_instant(tmp_path: Path) -> None:
    """Before anything is opened."""
    refused = run(tmp_path, "--at", "soon")
    assert (refused.exit_code, "--at: " in refused.output) == (2, True)
