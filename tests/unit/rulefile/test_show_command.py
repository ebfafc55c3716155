"""`tminus show` on the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from tests.unit.rulefile.test_blueprints import BLUEPRINT
from tests.unit.rulefile.test_load import home

__all__ = ["home"]

SHOWN = """\
playbook: quiet-high
subject: account
title: Quiet
owner: me
audience: {all: [{field: account.segment, equals: high_touch}, {condition: customer}]}
when: {field: account.last_touch_at, days_since: {above: 14}}
cooldown: 30d
steps: [{id: call, day: 0, task: {to: csm, title: "Quiet for 14 days: {{ account.name }}"}}]
"""
CONDITIONS = "conditions: {customer: {field: account.stage, equals: active}}\n"


@pytest.fixture
def playbook(home: Path) -> None:
    """A playbook made of a blueprint, with a shared condition."""
    given = "{segment: high_touch, days: 14, extra: {condition: customer}}"
    (home / "rules/a.yaml").write_text(f"playbook: quiet-high\nuse: quiet\nwith: {given}\n", encoding="utf-8")
    (home / "config.yaml").write_text("roles: {csm: {field: account.csm}}\n", encoding="utf-8")
    (home / "rules/b.yaml").write_text(BLUEPRINT, encoding="utf-8")
    (home / "rules/c.yaml").write_text(CONDITIONS, encoding="utf-8")


@pytest.mark.usefixtures("playbook")
def test_show_writes_a_playbook_out() -> None:
    """With the blueprint's part filled in, then the conditions it uses."""
    result = CliRunner().invoke(app, ["show", "quiet-high"])
    assert result.output == f"{SHOWN}---\n{CONDITIONS}"
    found = json.loads(CliRunner().invoke(app, ["show", "quiet-high", "--json"]).output)
    assert (found["file"], found["playbook"]) == ("rules/a.yaml", SHOWN)


@pytest.mark.usefixtures("playbook")
def test_show_refuses_an_unknown_name() -> None:
    """With the nearest one."""
    result = CliRunner().invoke(app, ["show", "quiet-hihg"])
    assert result.exit_code == 2
    assert 'did you mean "quiet-high"?' in " ".join(result.output.split())
