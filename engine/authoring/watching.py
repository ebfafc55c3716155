"""Which files have changed since the last look, by their times and sizes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

Snapshot: TypeAlias = Mapping[Path, tuple[int, int]]
"""Time of the last change in nanoseconds and size in bytes, by file."""

EVERYTHING: frozenset[Path] = frozenset()
"""What the first round is about."""


def snapshot(paths: Iterable[Path]) -> Snapshot:
    """The files among `paths` and in its folders, without hidden ones and what editors leave behind."""
    found: dict[Path, tuple[int, int]] = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.name.startswith(".") or file.name.endswith("~"):
                continue
            try:
                status = file.stat()
            except OSError:
                continue
            if file.is_file():
                found[file] = (status.st_mtime_ns, status.st_size)
    return found


def rounds(look: Callable[[], Snapshot], pause: Callable[[], None]) -> Iterator[frozenset[Path]]:
    """Yield at once for everything, then for the files that changed whenever some have, without end.

    A change counts once two looks in a row see the same: editors write in more than one go. What changes
    while a round is being worked on makes another.
    """
    seen = look()
    yield EVERYTHING
    while True:
        pause()
        now = look()
        if now == seen:
            continue
        while True:
            pause()
            rested = look()
            if rested == now:
                break
            now = rested
        changed = _changed(seen, now)
        seen = now
        if changed:
            yield changed


def _changed(before: Snapshot, after: Snapshot) -> frozenset[Path]:
    return frozenset(each for each in {*before, *after} if before.get(each) != after.get(each))


def affected(changed: frozenset[Path], watched: list[Path]) -> list[Path]:
    """Whose tests to run: those of changed rule and test files, or of everything for any other change."""
    rules = {_rule_of(each) for each in changed}
    is_only_rules = changed and all(
        each.suffix == ".yaml" and any(each == path or path in each.parents for path in watched)
        for each in changed
    )
    there = sorted(each for each in rules if each.is_file())
    return there if is_only_rules and there else watched


def _rule_of(file: Path) -> Path:
    return file.with_name(file.name.removesuffix(".test.yaml") + ".yaml") if _is_test(file) else file


def _is_test(file: Path) -> bool:
    return file.name.endswith(".test.yaml")
