"""Finding rule files and reading texts from disk, whatever stands there."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.rulefile.problem import Problem
from engine.rulefile.source import LARGEST_FILE, decode_text

RULE = ".yaml"
TEST = ".test.yaml"
LARGEST_IN_BYTES = 4 * LARGEST_FILE + 1


def template_reader(folder: Path) -> Callable[[str], str | None]:
    """Finds templates by their path in `folder`. The reader raises OSError or ValueError."""

    def find(path: str) -> str | None:
        file = folder / path
        return _template_text(_bytes(file)) if file.is_file() else None

    return find


def _template_text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text, or too large") from error


def _bytes(file: Path) -> bytes:
    """The file's content, cut off where it is too large whatever it holds."""
    with file.open("rb") as stream:
        return stream.read(LARGEST_IN_BYTES)


def rule_text(file: Path) -> str | Problem:
    """The text of a rule file, or what keeps it from being read."""
    name = file.as_posix()
    try:
        if not file.is_file():
            return Problem(name, 1, 1, "cannot be read: it is no file, or a link that leads nowhere")
        raw = _bytes(file)
    except OSError as error:
        return Problem(name, 1, 1, f"cannot be read: {error.strerror or error}")
    if len(raw) == LARGEST_IN_BYTES:
        return Problem(name, 1, 1, f"too large: {LARGEST_FILE:,} characters may be used")
    return decode_text(name, raw)


class Walk:
    """A walk through folders that notes what cannot be walked."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._seen: set[str] = set()

    def walk(self, folder: Path) -> Iterator[Path]:
        """Every rule file under `folder`, through links but never in circles; hidden files are left out."""
        if not folder.is_dir():
            self._note(folder, "is not a folder of rule files; create it, or set rules in config.yaml")
            return
        for top, folders, names in os.walk(folder, onerror=self._unreadable, followlinks=True):
            here = Path(top)
            if self._is_seen(here):
                folders.clear()
                continue
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            yield from (here / name for name in names if self._is_rule(here, name))

    def _is_seen(self, folder: Path) -> bool:
        real = os.path.realpath(folder)
        if real in self._seen:
            self._note(folder, "links to a folder that is already read; remove the link")
            return True
        self._seen.add(real)
        return False

    def _is_rule(self, folder: Path, name: str) -> bool:
        if name.endswith(".yml") and not name.startswith("."):
            message = f"is not read: rule files end in {RULE}; rename it"
            self.problems.append(Problem((folder / name).as_posix(), 1, 1, message, "warning"))
        return name.endswith(RULE) and not name.endswith(TEST) and not name.startswith(".")

    def _unreadable(self, error: OSError) -> None:
        self._note(Path(error.filename), f"cannot be read: {error.strerror}")

    def _note(self, path: Path, message: str) -> None:
        self.problems.append(Problem(path.as_posix(), 1, 1, message))
