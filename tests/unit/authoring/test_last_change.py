"""When a file was last changed: a commit counts, a clone does not."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.authoring.last_change import last_changes

COMMITTED = datetime(2026, 1, 5, 9, tzinfo=UTC)
WRITTEN = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder of rules in a repository with one commit; the files were written later, as by a clone."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("kept.yaml", "edited.yaml"):
        write(folder / name, "a")
    stamp = COMMITTED.isoformat()
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "x", GIT_AUTHOR_DATE=stamp, GIT_COMMITTER_DATE=stamp)
    write(folder / "edited.yaml", "changed")
    write(folder / "new.yaml", "c")
    return folder


def write(file: Path, text: str) -> None:
    """Write a file as of a fixed instant."""
    file.write_text(text, encoding="utf-8")
    os.utime(file, (WRITTEN.timestamp(), WRITTEN.timestamp()))


def git(folder: Path, *arguments: str, **environment: str) -> None:
    """Run git with a name of its own."""
    who = ["-c", "user.name=x", "-c", "user.email=x@x.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, env={**os.environ, **environment})


def test_last_changes_takes_the_commit_of_an_unchanged_file(repository: Path) -> None:
    """And the time of writing of one that is edited or new."""
    files = [repository / name for name in ("kept.yaml", "edited.yaml", "new.yaml", "gone.yaml")]
    assert last_changes(files) == {
        files[0].as_posix(): COMMITTED,
        files[1].as_posix(): WRITTEN,
        files[2].as_posix(): WRITTEN,
    }


def test_last_changes_without_git_takes_the_time_of_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where git is not installed."""
    write(tmp_path / "a.yaml", "a")
    assert last_changes([tmp_path / "a.yaml"]) == {(tmp_path / "a.yaml").as_posix(): WRITTEN}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert last_changes([tmp_path / "a.yaml"]) == {(tmp_path / "a.yaml").as_posix(): WRITTEN}
