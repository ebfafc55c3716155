"""The rules folder and pinned versions."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from engine.conditions.catalogue import BUILT_IN
from engine.rulefile.known import Known
from engine.rulefile.load import PinnedRuleError, Rules, load_files, load_rules, parse_pinned
from engine.rulefile.model import Guard
from engine.rulefile.source import LARGEST_FILE

KNOWN = Known(BUILT_IN, ["csm"], Guard(25, timedelta(hours=1)))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty set-up as the working directory: the folders rules and templates."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "templates" / "tasks").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, name: str = "a", template: str = "") -> Path:
    """Write a sound rule file of a playbook called `name`."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    task = "{to: csm, title: x" + (f", template: {template}" if template else "") + "}"
    file.write_text(
        f"playbook: {name}\nowner: me\nsubject: account\nwhen: {{field: account.health, below: 40}}\n"
        f"steps:\n- {{id: one, day: 0, task: {task}}}\n",
        encoding="utf-8",
    )
    return file


def load() -> Rules:
    """The rules of the working directory."""
    return load_rules(Path("rules"), Path("templates"), KNOWN)


def problems(rules: Rules) -> list[str]:
    """The problems as printed."""
    return [str(each) for each in rules.problems]


@pytest.mark.usefixtures("home")
def test_load_rules_reads_every_folder_and_leaves_tests_out() -> None:
    """Playbooks come by name, each with the files that pin it."""
    write("rules/lifecycle/b.yaml", "beta")
    write("rules/a.yaml", "alpha")
    Path("rules/a.test.yaml").write_text("not a rule", encoding="utf-8")
    Path("rules/.hidden.yaml").write_text("not a rule", encoding="utf-8")
    Path("rules/notes.txt").write_text("not a rule", encoding="utf-8")
    rules = load()
    assert problems(rules) == []
    assert [each.name for each in rules.playbooks] == ["alpha", "beta"]
    assert [each.file for each in rules.playbooks] == ["rules/a.yaml", "rules/lifecycle/b.yaml"]
    assert list(rules.files["beta"]) == ["rules/lifecycle/b.yaml"]
    assert rules.is_sound


@pytest.mark.usefixtures("home")
def test_load_rules_reports_the_problems_of_all_files() -> None:
    """One broken file hides neither another nor the sound ones."""
    write("rules/a.yaml", "alpha")
    Path("rules/b.yaml").write_text("nothing", encoding="utf-8")
    Path("rules/c.yaml").write_bytes(b"playbook: \xff")
    Path("rules/d.yaml").write_text("a" * (4 * LARGEST_FILE + 1), encoding="utf-8")
    rules = load()
    assert [each.name for each in rules.playbooks] == ["alpha"]
    assert not rules.is_sound
    assert problems(rules)[0].startswith("rules/b.yaml:1:1: the file: takes a mapping")
    assert problems(rules)[1:] == [
        "rules/c.yaml:1:11: not UTF-8 text; save the file as UTF-8",
        "rules/d.yaml:1:1: too large: 262,144 characters may be used",
    ]


@pytest.mark.usefixtures("home")
def test_load_rules_refuses_one_name_in_two_files() -> None:
    """Both files are blamed, and neither is used."""
    write("rules/a.yaml", "same")
    write("rules/b.yaml", "same")
    write("rules/c.yaml", "other")
    rules = load()
    assert [each.name for each in rules.playbooks] == ["other"]
    assert problems(rules) == [
        'rules/a.yaml:1:11: playbook "same": rules/b.yaml:1:11 has the same name; rename one of the two',
        'rules/b.yaml:1:11: playbook "same": rules/a.yaml:1:11 has the same name; rename one of the two',
    ]


@pytest.mark.usefixtures("home")
def test_load_rules_follows_links_but_never_in_circles() -> None:
    """A folder that links back into the rules is a problem, not an endless walk."""
    write("elsewhere/a.yaml", "alpha")
    os.symlink(Path("elsewhere").absolute(), "rules/linked")
    os.symlink(Path("rules").absolute(), "elsewhere/back")
    rules = load()
    assert [each.file for each in rules.playbooks] == ["rules/linked/a.yaml"]
    assert problems(rules) == [
        "rules/linked/back:1:1: links to a folder that is already read; remove the link"
    ]


@pytest.mark.usefixtures("home")
def test_load_rules_reports_links_that_lead_nowhere() -> None:
    """A broken link, a link to itself and a pipe cannot be read."""
    os.symlink("missing", "rules/broken.yaml")
    os.symlink("loop.yaml", "rules/loop.yaml")
    os.mkfifo("rules/pipe.yaml")
    message = "1:1: cannot be read: it is no file, or a link that leads nowhere"
    assert problems(load()) == [f"rules/{name}.yaml:{message}" for name in ("broken", "loop", "pipe")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.usefixtures("home")
def test_load_rules_reports_what_may_not_be_read() -> None:
    """A file or folder without permission is a problem."""
    write("rules/a.yaml").chmod(0)
    Path("rules/closed").mkdir(mode=0)
    assert problems(load()) == [
        "rules/a.yaml:1:1: cannot be read: Permission denied",
        "rules/closed:1:1: cannot be read: Permission denied",
    ]


@pytest.mark.usefixtures("home")
def test_load_rules_warns_of_another_ending() -> None:
    """A playbook that nobody reads does not stay unnoticed."""
    write("rules/a.yml")
    rules = load()
    assert problems(rules) == ["rules/a.yml:1:1: warning: is not read: rule files end in .yaml; rename it"]
    assert rules.is_sound


@pytest.mark.usefixtures("home")
def test_load_rules_of_a_missing_folder_is_a_problem() -> None:
    """No rules at all is rather a slip in the configuration."""
    rules = load_rules(Path("rulse"), Path("templates"), KNOWN)
    assert problems(rules) == [
        "rulse:1:1: is not a folder of rule files; create it, or set rules in config.yaml"
    ]


@pytest.mark.usefixtures("home")
def test_load_rules_reports_broken_and_unreadable_templates() -> None:
    """In the template's own file and line where it has them, else where it is named."""
    write("rules/a.yaml", "a", template="broken")
    write("rules/b.yaml", "b", template="binary")
    Path("templates/tasks/broken.md.j2").write_text("One\nTwo {{ three", encoding="utf-8")
    Path("templates/tasks/binary.md.j2").write_bytes(b"\xff")
    first, second = problems(load())
    assert first.startswith(
        'rules/b.yaml:6:57: playbook "b": template "templates/tasks/binary.md.j2" cannot be read: '
    )
    assert second.startswith('templates/tasks/broken.md.j2:2:1: playbook "a": is no valid template: ')


@pytest.mark.usefixtures("home")
def test_load_files_reads_only_what_is_named() -> None:
    """A file, a folder, and one named twice."""
    first = write("rules/one/a.yaml", "alpha")
    write("rules/two/b.yaml", "beta")
    write("rules/c.yaml", "gamma")
    rules = load_files([first, Path("rules/one"), Path("rules/two")], Path("templates"), KNOWN)
    assert [each.name for each in rules.playbooks] == ["alpha", "beta"]
    assert problems(rules) == []


@pytest.mark.usefixtures("home")
def test_parse_pinned_gives_the_playbook_that_was_stored() -> None:
    """Also when the files have changed since."""
    file = write("rules/a.yaml", "alpha", template="guide")
    template = Path("templates/tasks/guide.md.j2")
    template.write_text("Call.", encoding="utf-8")
    rules = load()
    template.unlink()
    file.unlink()
    assert parse_pinned(rules.files["alpha"], KNOWN) == rules.playbooks[0]


def test_parse_pinned_says_why_a_version_cannot_be_read() -> None:
    """A role that is gone, and a version without its file."""
    start = "playbook: a\nowner: me\nsubject: account\non: {event: x}\n"
    text = f"{start}steps: [{{id: b, day: 0, task: {{to: ae, title: x}}}}]\n"
    with pytest.raises(PinnedRuleError, match='unknown role "ae"'):
        parse_pinned({"rules/a.yaml": text}, KNOWN)
    with pytest.raises(PinnedRuleError, match="no rule file"):
        parse_pinned({}, KNOWN)
