"""What playbooks mute, checked over all files."""

from datetime import timedelta
from pathlib import Path

import pytest

from engine.conditions.catalogue import BUILT_IN
from engine.rulefile.known import Known
from engine.rulefile.load import Rules, load_files, load_rules
from engine.rulefile.model import Guard
from engine.rulefile.mutes import mute_levels

KNOWN = Known(BUILT_IN, ["csm"], Guard(25, timedelta(hours=1)))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of rules as part of the working directory."""
    (tmp_path / "rules").mkdir()
    monkeypatch.chdir(tmp_path)


def write(**mutes: str) -> None:
    """Write a sound rule file for each name, with what it mutes."""
    for name, muted in mutes.items():
        Path(f"rules/{name}.yaml").write_text(
            f"playbook: {name}\nowner: me\nsubject: account\nwhen: {{field: account.health, below: 40}}\n"
            + (f"mutes: {{playbooks: [{muted}]}}\n" if muted else "")
            + "steps:\n- {id: one, day: 0, task: {to: csm, title: x}}\n",
            encoding="utf-8",
        )


def load() -> Rules:
    """The rules of the working directory."""
    return load_rules(Path("rules"), Path("templates"), KNOWN)


def problems(rules: Rules) -> list[str]:
    """The problems as printed."""
    return [str(each) for each in rules.problems]


def test_unknown_playbook_is_refused_with_its_place() -> None:
    """With the name that was probably meant."""
    write(risk="growth, grow", growth="")
    assert problems(load()) == [
        'rules/risk.yaml:5:29: playbook "risk": mutes: unknown playbook "grow" (did you mean "growth"?)'
    ]


def test_playbook_with_errors_of_its_own_is_known() -> None:
    """One mistake is one problem."""
    write(risk="growth", growth="")
    file = Path("rules/growth.yaml")
    file.write_text(file.read_text().replace("health", "helth"))
    assert len(problems(load())) == 1


def test_circle_through_several_files_is_refused() -> None:
    """Once, naming the whole of it."""
    write(a="b", b="c", c="a", d="a")
    rules = load()
    assert not rules.is_sound
    assert problems(rules) == [
        'rules/a.yaml:5:21: playbook "a": mutes "b", which mutes "c", which mutes "a": a circle; '
        "remove one of them"
    ]


def test_circles_are_refused_each() -> None:
    """Two that have nothing to do with one another are two problems."""
    write(a="b", b="a", c="d", d="c")
    assert len(problems(load())) == 2


def test_files_alone_are_checked_against_the_others_where_those_are_known() -> None:
    """A single file is not blamed for naming one that was not read."""
    write(risk="growth")
    files = [Path("rules/risk.yaml")]
    assert problems(load_files(files, Path("templates"), KNOWN)) == []
    assert problems(load_files(files, Path("templates"), KNOWN, others=lambda: {"growth"})) == []
    assert len(problems(load_files(files, Path("templates"), KNOWN, others=lambda: set()))) == 1


def test_levels_put_what_mutes_before_what_it_mutes() -> None:
    """The longest way counts."""
    write(a="b, c", b="c", c="", d="")
    assert mute_levels(load().playbooks) == {"a": 0, "b": 1, "c": 2, "d": 0}
