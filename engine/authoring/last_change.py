"""When files were last changed: by the history that git keeps, else by their own times."""

import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

TIMEOUT_SECONDS = 10


def last_changes(files: Iterable[Path]) -> dict[str, datetime]:
    """The instant of each file's last change, by its path as given.

    A file in a git repository that is as it was committed changed with its last commit: a fresh clone
    is no review. Any other file changed when it was last written. Files that cannot be read are left out.
    """
    given = [each for each in files if each.is_file()]
    committed: dict[Path, datetime] = {}
    for folder in dict.fromkeys(each.resolve().parent for each in given):
        committed |= _committed(folder)
    return {each.as_posix(): committed.get(each.resolve()) or _written(each) for each in given}


def _written(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _committed(folder: Path) -> dict[Path, datetime]:
    """The last commit of every unchanged file directly in `folder`."""
    log = _git(folder, "log", "--format=@%ct", "--name-only", "--relative", "--", ".")
    dirty = _git(folder, "status", "--porcelain", "-z", "--untracked-files=no", "--", ".")
    if not log or dirty is None:
        return {}
    changed = {entry[3:].rpartition("/")[2] for entry in dirty.split("\0") if len(entry) > 3}
    found: dict[Path, datetime] = {}
    at = datetime.min.replace(tzinfo=UTC)
    for line in log.splitlines():
        if line.startswith("@"):
            at = datetime.fromtimestamp(int(line[1:]), UTC)
        elif line and "/" not in line and line not in changed:
            found.setdefault(folder / line, at)
    return found


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, or None where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")
