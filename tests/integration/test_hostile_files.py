"""Hostile files and templates cost little and never bring anything down, whatever they hold."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile_inputs import LARGEST, ROOT, TEMPLATES, rule_files

SECONDS = 1.0
"""Of the processor, so that what else the machine does matters little."""

USUAL = 20_000
"""Characters of a file several times as long as people write."""

MEGABYTES = 100.0


def cost(kind: str, contents: dict[str, bytes], folder: Path) -> list[dict[str, Any]]:
    """What each of them cost, in a process of its own."""
    work = json.dumps([[name, content.hex()] for name, content in contents.items()])
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile_child", kind, str(folder)],
        input=work,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(kind: str, contents: dict[str, bytes], folder: Path, seconds: float) -> None:
    """No traceback, no more than that time and 100 MB, and an answer for each."""
    found = cost(kind, contents, folder)
    assert [each["name"] for each in found] == list(contents)
    assert [each for each in found if each["failure"]] == []
    assert [each for each in found if each["seconds"] > seconds] == []
    assert [each for each in found if each["megabytes"] > MEGABYTES] == []


@pytest.mark.timeout(300)
def test_hostile_files_cost_little(tmp_path: Path) -> None:
    """Ten megabytes among them, which are refused unread."""
    check("files", rule_files(USUAL), tmp_path, SECONDS)


@pytest.mark.soak
def test_hostile_files_cost_little_at_the_largest_size(tmp_path: Path) -> None:
    """A second at most where nothing else runs, and twice that where the cores are shared."""
    check("files", rule_files(LARGEST), tmp_path, 2.5 * SECONDS)


@pytest.mark.timeout(300)
def test_hostile_templates_cost_little(tmp_path: Path) -> None:
    """Loops, growth and nesting without end, each rendered twice: as a text and as HTML."""
    contents = {name: text.encode() for name, text in TEMPLATES.items()}
    check("templates", contents, tmp_path, 2 * SECONDS)
