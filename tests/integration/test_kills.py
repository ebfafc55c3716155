"""A process killed at any commit of an import and its tick loses nothing and doubles nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration import killed_work

ROOT = Path(killed_work.__file__).parents[2]


def tries(url: str, folder: Path, wanted: str) -> dict[str, Any]:
    """What the program says about its tries."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.killed_work", url, str(folder), wanted],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_killed_tick_is_taken_up_on_sqlite(tmp_path: Path) -> None:
    """A few of the commits, before and after."""
    found = tries(f"sqlite:///{tmp_path}/any.db", tmp_path, "4")
    assert found["commits"] >= 8
    assert found["wrong"] == {}


def test_killed_tick_is_taken_up_on_postgresql(postgresql_url: str, tmp_path: Path) -> None:
    """A few of the commits, before and after."""
    found = tries(postgresql_url, tmp_path, "2")
    assert found["commits"] >= 8
    assert found["wrong"] == {}


@pytest.mark.soak
def test_killed_tick_is_taken_up_at_every_commit_on_sqlite(tmp_path: Path) -> None:
    """All of them."""
    found = tries(f"sqlite:///{tmp_path}/any.db", tmp_path, "all")
    assert found["tries"] == 2 * found["commits"]
    assert found["wrong"] == {}


@pytest.mark.soak
def test_killed_tick_is_taken_up_at_every_commit_on_postgresql(postgresql_url: str, tmp_path: Path) -> None:
    """All of them."""
    found = tries(postgresql_url, tmp_path, "all")
    assert found["tries"] == 2 * found["commits"]
    assert found["wrong"] == {}
