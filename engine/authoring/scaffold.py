"""A new playbook: rule file, templates and test, ready to be checked, tested and changed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.authoring.patterns import HEAD, PATTERNS

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_UNFIT = re.compile(r'[{}"\\#\x00-\x1f\x7f-\x9f\u2028\u2029]')
LONGEST_TEXT = 100


class CannotScaffoldError(ValueError):
    """The playbook cannot be drafted; the message says why, and nothing has been written."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the author wants."""

    name: str
    pattern: str
    title: str
    owner: str
    role: str

    @classmethod
    def checked(cls, name: str, pattern: str, title: str, owner: str, role: str) -> "Order":
        """An order that can be filled. Raises CannotScaffoldError."""
        if not _NAME.fullmatch(name):
            meant = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-_")
            mend = f' (did you mean "{meant}"?)' if _NAME.fullmatch(meant) else ""
            raise CannotScaffoldError(
                f'"{name}" is no name{mend}; use up to 48 small letters, digits, - and _'
            )
        for what, text in (("title", title), ("owner", owner)):
            if not text.strip() or len(text) > LONGEST_TEXT or _UNFIT.search(text):
                raise CannotScaffoldError(
                    f"the {what} must be one line of at most {LONGEST_TEXT} characters without braces, "
                    "quotes, # and backslashes"
                )
        return cls(name, pattern, title.strip(), owner.strip(), role)


def draft(order: Order, rules: Path, templates: Path) -> dict[Path, str]:
    """The files of the new playbook by their paths. Raises KeyError for an unknown pattern."""
    pattern = PATTERNS[order.pattern]
    written = {
        rules / "@NAME@.yaml": f"{HEAD}{pattern.rule}",
        rules / "@NAME@.test.yaml": pattern.tests,
        **{templates / path: text for path, text in pattern.templates.items()},
    }
    said = {
        "@NAME@": order.name,
        "@TITLE@": order.title,
        "@OWNER@": order.owner,
        "@ROLE@": order.role,
        "@SUBJECT@": pattern.subject,
    }
    return {Path(_filled(str(path), said)): _filled(text, said) for path, text in written.items()}


def _filled(text: str, said: Mapping[str, str]) -> str:
    return re.sub("|".join(said), lambda found: said[found[0]], text)


def write_new(files: Mapping[Path, str]) -> None:
    """Write the files, none of which may exist; all of them or none. Raises CannotScaffoldError."""
    there = [str(path) for path in files if path.exists() or path.is_symlink()]
    if there:
        raise CannotScaffoldError(f"{', '.join(there)}: exists already; choose another name")
    written: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                written.append(path)
                stream.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise CannotScaffoldError(f"{error.filename}: cannot be written: {error.strerror}") from error
