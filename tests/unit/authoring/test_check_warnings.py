"""`tminus check` shows warnings beside errors, and fails for errors alone."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from engine.cli.check_command import check
from engine.cli.shell import Shell

RULES = """\
playbook: never
owner: me
subject: account
when: {all: [{field: account.health, below: 40}, {field: account.health, above: 60}]}
steps:
- {id: one, day: 0, task: {to: csm, title: "Call {{ acount.name }}"}}
"""


def test_check_prints_warnings_and_ends_with_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unwise is for a person to judge."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "never.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "config.yaml").write_text("roles: {csm: {}}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()

    @app.callback()
    def main(ctx: typer.Context) -> None:
        ctx.obj = Shell(config=None, open_engine=lambda url: pytest.fail(url))

    app.command()(check)
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        'rules/never.yaml:4:7: warning: playbook "never": when: can never hold, for "health is below 40" '
        'excludes "health is above 60"',
        'rules/never.yaml:6:44: warning: playbook "never": title: there is no "acount" in a template of a '
        'playbook about accounts (did you mean "account"?)',
        "1 sound playbook, 0 errors and 2 warnings",
    ]
