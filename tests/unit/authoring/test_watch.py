"""Every save is checked and tested, once, and Ctrl-C ends it without a word too many."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from engine.authoring.watching import EVERYTHING, Snapshot, affected, rounds, snapshot

ROOT = Path(__file__).parents[3]
A, B = Path("rules/a.yaml"), Path("rules/b.yaml")


def looks(*seen: dict[Path, int]) -> Callable[[], Snapshot]:
    """Sees these states one after another."""
    left = iter(seen)

    def look() -> Snapshot:
        state = next(left, None)
        if state is None:
            raise KeyboardInterrupt
        return {path: (version, 1) for path, version in state.items()}

    return look


def told(*seen: dict[Path, int]) -> list[frozenset[Path]]:
    """What the rounds are about until the last state has been seen."""
    found: list[frozenset[Path]] = []
    with suppress(KeyboardInterrupt):
        for changed in rounds(looks(*seen), lambda: None):
            found.append(changed)
    return found


def test_rounds_begin_with_everything_and_go_on_when_files_change() -> None:
    """New, changed and deleted files alike."""
    assert told({A: 1}, {A: 1}, {A: 2}, {A: 2}, {A: 2, B: 1}, {A: 2, B: 1}, {B: 1}, {B: 1}) == [
        EVERYTHING,
        {A},
        {B},
        {A},
    ]


def test_rounds_wait_until_a_save_is_over() -> None:
    """A file that is gone for a moment, and several files saved together, make one round."""
    assert told({A: 1, B: 1}, {B: 1}, {A: 2, B: 1}, {A: 2, B: 2}, {A: 2, B: 2}) == [EVERYTHING, {A, B}]
    assert told({A: 1}, {}, {A: 1}, {A: 1}, {A: 1}) == [EVERYTHING]


def test_snapshot_leaves_out_what_editors_leave_behind(tmp_path: Path) -> None:
    """And follows folders; a path that is not there is no error."""
    (tmp_path / "deep").mkdir()
    for name in ("deep/a.yaml", ".a.yaml.swp", "a.yaml~"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert list(snapshot([tmp_path, tmp_path / "gone"])) == [tmp_path / "deep" / "a.yaml"]


def test_affected_are_the_tests_of_changed_rules_else_all(tmp_path: Path) -> None:
    """A changed template may matter to any playbook."""
    rule, rule_test = tmp_path / "a.yaml", tmp_path / "a.test.yaml"
    rule.write_text("x", encoding="utf-8")
    assert affected(frozenset({rule_test}), [tmp_path]) == [rule]
    assert affected(frozenset({rule, rule_test}), [tmp_path]) == [rule]
    assert affected(frozenset({rule, tmp_path / "x.md.j2"}), [tmp_path]) == [tmp_path]
    assert affected(frozenset({tmp_path / "gone.yaml"}), [tmp_path]) == [tmp_path]
    assert affected(frozenset({Path("config.yaml")}), [tmp_path]) == [tmp_path]
    assert affected(EVERYTHING, [tmp_path]) == [tmp_path]


class Watching:
    """A `tminus watch` in a process of its own, with what it has printed."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", "from engine.cli.main import run; run()", "watch", "--every", "0.05"]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )
        self.lines: list[str] = []
        self.reader = Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def wait_for(self, text: str) -> None:
        """Until a line holds the text; the lines up to it are taken away."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for index, line in enumerate(self.lines):
                if text in line:
                    del self.lines[: index + 1]
                    return
            time.sleep(0.02)
        raise AssertionError((text, self.lines))


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    """Watches a workplace with one tested playbook."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "config.yaml").write_text("roles: {csm: {}}\n", encoding="utf-8")
    (tmp_path / "rules" / "a.yaml").write_text(RULE, encoding="utf-8")
    (tmp_path / "rules" / "a.test.yaml").write_text(TEST, encoding="utf-8")
    found = Watching(tmp_path)
    yield found
    found.process.kill()
    found.process.wait()
    found.reader.join(5)
    assert found.process.stdout is not None
    found.process.stdout.close()


RULE = """\
playbook: a
owner: cs
subject: account
when: {field: account.health, drops_below: 40}
steps:
  - {id: call, day: 0, task: {to: csm, title: Call}}
"""
TEST = """\
tests:
  - name: a drop gives a task
    at: 2026-03-02T12:00:00Z
    given: {account: {id: acme, health: 72}}
    timeline: [{at: +1h, account: {health: 39}, expect: {starts: 1, tasks: [call]}}]
"""


def test_watch_follows_saves_until_it_is_interrupted(watching: Watching, tmp_path: Path) -> None:
    """Good, broken, mended, a broken configuration; then Ctrl-C ends it with 0."""
    watching.wait_for("1 sound playbook, no problems")
    watching.wait_for("1 test, all passed")
    rule = tmp_path / "rules" / "a.yaml"
    rule.write_text(RULE.replace("below: 40", "below: 30"), encoding="utf-8")
    watching.wait_for("changed: rules/a.yaml")
    watching.wait_for("1 test, 1 failed")
    rule.write_text(RULE.replace("owner", "onwer"), encoding="utf-8")
    watching.wait_for('unknown key "onwer"')
    (tmp_path / "config.yaml").write_text("roles: 5\n", encoding="utf-8")
    watching.wait_for("config.yaml: roles")
    (tmp_path / "config.yaml").write_text("roles: {csm: {}}\n", encoding="utf-8")
    rule.write_text(RULE, encoding="utf-8")
    watching.wait_for("1 test, all passed")
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(30) == 0
    watching.reader.join(5)
    assert watching.lines[-1] == "stopped"
    assert not any("Traceback" in line for line in watching.lines)
