"""The playbooks in force while files change under a running service."""

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from engine.live_rules import open_rules
from engine.rulefile.model import Guard
from engine.settings import Role, Settings
from engine.state.database import writing
from engine.state.tables import PlaybookVersion, Rulebook

GUARD = Guard(25, timedelta(hours=1))
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
RULE = """\
playbook: {name}
title: Low health
owner: cs-ops
subject: account
when: {{field: account.health, below: {threshold}}}
steps:
  - {{id: call, day: 0, task: {{to: csm, title: "Call {{{{ account.name }}}}", due: 1bd}}}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a folder of one playbook."""
    for folder in ("rules", "templates"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "rules", "low")
    return Settings(
        rules=tmp_path / "rules", templates=tmp_path / "templates", roles={"csm": Role(field="account.csm")}
    )


def write(folder: Path, name: str, threshold: str = "40") -> Path:
    """A rule file, with a time of change that differs from the last one's."""
    path = folder / f"{name}.yaml"
    changed = path.stat().st_mtime_ns + 1_000_000 if path.exists() else 1_000_000_000
    path.write_text(RULE.format(name=name, threshold=threshold), encoding="utf-8")
    os.utime(path, ns=(changed, changed))
    return path


def test_open_rules_reads_the_folder(sqlite_database: Engine, settings: Settings) -> None:
    """A sound folder is in force as it is."""
    rules = open_rules(sqlite_database, settings, GUARD)
    assert [each.name for each in rules.current.playbooks] == ["low"]
    assert rules.current.problems == ()
    assert not rules.is_changed()


def test_refresh_takes_a_changed_folder_as_a_whole(sqlite_database: Engine, settings: Settings) -> None:
    """An edit and a new file come into force together."""
    rules = open_rules(sqlite_database, settings, GUARD)
    before = rules.current.playbooks[0].version
    write(settings.rules, "low", "30")
    write(settings.rules, "lower")
    assert rules.is_changed()
    rules.refresh()
    assert [each.name for each in rules.current.playbooks] == ["low", "lower"]
    assert rules.current.playbooks[0].version != before
    assert not rules.is_changed()


def test_refresh_keeps_the_set_when_a_file_is_broken(
    sqlite_database: Engine, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of a broken folder comes into force, the problem is told, and a mend is noticed."""
    rules = open_rules(sqlite_database, settings, GUARD)
    in_force = rules.current.playbooks
    write(settings.rules, "low", "a lot")
    write(settings.rules, "lower")
    with caplog.at_level(logging.WARNING):
        rules.refresh()
    assert rules.current.playbooks == in_force
    assert "low.yaml:5:" in str(rules.current.problems[0])
    assert "low.yaml:5:" in caplog.text
    write(settings.rules, "low", "45")
    rules.refresh()
    assert [each.name for each in rules.current.playbooks] == ["low", "lower"]
    assert rules.current.problems == ()


def test_open_rules_falls_back_on_what_was_in_force(database: Engine, settings: Settings) -> None:
    """A start over a broken folder goes on with the stored versions of the last run."""
    stored = open_rules(database, settings, GUARD).current
    version = stored.playbooks[0].version
    with writing(database) as connection:
        row = {
            "version": version,
            "playbook": "low",
            "files": dict(stored.files["low"]),
            "first_seen_at": NOW,
        }
        connection.execute(insert(PlaybookVersion).values(row))
        connection.execute(
            insert(Rulebook).values(playbook="low", version=version, live_since=NOW, changed_at=NOW)
        )
    write(settings.rules, "low", "a lot")
    rules = open_rules(database, settings, GUARD)
    assert [each.version for each in rules.current.playbooks] == [version]
    assert not rules.current.is_sound


def test_open_rules_starts_with_the_sound_playbooks_the_first_time(
    sqlite_database: Engine, settings: Settings
) -> None:
    """Before anything was in force, one broken file does not keep the others from running."""
    write(settings.rules, "lower", "a lot")
    rules = open_rules(sqlite_database, settings, GUARD)
    assert [each.name for each in rules.current.playbooks] == ["low"]
    assert not rules.current.is_sound
