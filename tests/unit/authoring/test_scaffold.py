"""A new playbook is sound, free of warnings and passes its own test before anything is changed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from engine.authoring.patterns import PATTERNS
from engine.authoring.scaffold import CannotScaffoldError, write_new
from engine.cli.check_command import check
from engine.cli.new_command import new
from engine.cli.shell import Shell
from engine.cli.test_command import test as run_tests

CONFIG = """\
roles: {csm: {field: account.csm, fallback: pool}, pool: {}}
connectors: {email: {kind: smtp, host: mail}}
"""
LAYOUT = '<html lang="en"><body>{{ body }}<a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>'

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty workplace."""
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "rules").mkdir()
    (tmp_path / "templates" / "emails").mkdir(parents=True)
    (tmp_path / "templates" / "emails" / "_layout.html.j2").write_text(LAYOUT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()

    @app.callback()
    def main(ctx: typer.Context) -> None:
        ctx.obj = Shell(config=None, open_engine=lambda url: pytest.fail(url))

    app.command("new")(new)
    app.command("check")(check)
    app.command("test")(run_tests)
    return lambda *arguments, answers="": CliRunner().invoke(app, arguments, input=answers)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_new_playbook_passes_check_and_test_as_it_is(run: Run, pattern: str) -> None:
    """Whatever it begins with."""
    subject = PATTERNS[pattern].subject
    made = run("new", "my-first", "--subject", subject, "--template", pattern, "--title", "Über: 50 % off")
    assert made.exit_code == 0, made.output
    checked = run("check")
    assert (checked.exit_code, checked.output) == (0, "1 sound playbook, no problems\n")
    tested = run("test")
    assert tested.exit_code == 0, tested.output
    assert "all passed" in tested.output


def test_new_says_what_it_wrote_and_what_to_do_next(run: Run) -> None:
    """From the name alone: a task when health drops."""
    assert run("new", "slipping").output.splitlines() == [
        "wrote rules/slipping.yaml",
        "wrote rules/slipping.test.yaml",
        "wrote templates/tasks/slipping-call.md.j2",
        "next: tminus check rules/slipping.yaml && tminus test rules/slipping.yaml",
    ]
    text = Path("rules/slipping.yaml").read_text(encoding="utf-8")
    assert text.startswith('playbook: slipping\ntitle: "Slipping"\nowner: "cs-ops"\n')
    assert "      to: csm\n" in text


def test_new_takes_everything_from_flags(run: Run) -> None:
    """For scripts."""
    flags = ["--subject", "contact", "--title", "Champion gone", "--owner", "jo", "--role", "pool"]
    assert run("new", "gone", *flags, "--folder", "rules/people").exit_code == 0
    text = Path("rules/people/gone.yaml").read_text(encoding="utf-8")
    for part in ('title: "Champion gone"', 'owner: "jo"', "subject: contact", "to: pool"):
        assert part in text


def test_new_asks_in_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no flag has said; an empty answer takes what is offered."""
    monkeypatch.setattr("engine.cli.new_command._is_terminal", lambda: True)
    made = run("new", "quiet", answers="silence\n\nToo quiet\n\n")
    assert made.exit_code == 0, made.output
    assert "silence: nobody has logged in for two weeks" in made.output
    text = Path("rules/quiet.yaml").read_text(encoding="utf-8")
    assert 'title: "Too quiet"' in text
    assert "absent_for: 14d" in text


@pytest.mark.parametrize("existing", ["rules/slipping.test.yaml", "templates/tasks/slipping-call.md.j2"])
def test_new_never_overwrites(run: Run, existing: str) -> None:
    """One file in the way, and nothing is written."""
    Path(existing).parent.mkdir(parents=True, exist_ok=True)
    Path(existing).write_text("mine", encoding="utf-8")
    made = run("new", "slipping")
    assert made.exit_code == 2
    assert f"{existing}: exists already; choose another name" in made.output
    assert Path(existing).read_text(encoding="utf-8") == "mine"
    assert not Path("rules/slipping.yaml").exists()


def test_write_new_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A folder that is a file: what was written before it is taken back."""
    (tmp_path / "b").write_text("", encoding="utf-8")
    with pytest.raises(CannotScaffoldError, match="cannot be written"):
        write_new({tmp_path / "a": "x", tmp_path / "b" / "c": "x"})
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Bad Name"], '"Bad Name" is no name (did you mean "bad-name"?); use up to 48'),
        (["?"], '"?" is no name; use up to 48'),
        (["x", "--subject", "metric"], '"metric" is no subject'),
        (["x", "--template", "nothing"], '"nothing" is no template'),
        (
            ["x", "--subject", "ticket", "--template", "health"],
            '"health" is for --subject account; for ticket there is ticket',
        ),
        (["x", "--role", "boss"], '"boss" is no role; use one of csm, pool'),
        (["x", "--title", "{{ account }}"], "the title must be one line"),
        (["x", "--owner", 'a"b'], "the owner must be one line"),
    ],
)
def test_new_refuses_what_it_cannot_draft(run: Run, arguments: list[str], message: str) -> None:
    """Before anything is written."""
    made = run("new", *arguments)
    assert made.exit_code == 2
    assert message in made.output
    assert list(Path("rules").iterdir()) == []
