"""What tests have exercised, as a table for people and as plain values for machines."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from engine.rehearsal.coverage import KINDS, Coverage, Tally, added


def total(coverages: Iterable[Coverage]) -> Tally:
    """All playbooks together."""
    return added(each.total for each in coverages)


def table(coverages: Sequence[Coverage]) -> list[str]:
    """One line a playbook and one for all of them, then every part that no test exercises, with its place."""
    width = max(len("playbook"), *(len(each.playbook) for each in coverages))
    lines = [" ".join([f"{'playbook':<{width}}", *(f"{each:>9}" for each in KINDS), f"{'all':>7}"])]
    for each in coverages:
        lines.append(_line(each.playbook, width, [each.tallies[kind] for kind in KINDS]))
    if len(coverages) > 1:
        sums = [added(each.tallies[kind] for each in coverages) for kind in KINDS]
        lines.append(_line("total", width, sums))
    missed = [
        f"{each.file}:{one.line}:{one.column}: {one.words}" for each in coverages for one in each.missed
    ]
    return [*lines, *(["never exercised:", *missed] if missed else [])]


def _line(name: str, width: int, tallies: Sequence[Tally]) -> str:
    counts = [f"{each.exercised}/{each.all}" if each.all else "-" for each in tallies]
    return " ".join(
        [f"{name:<{width}}", *(f"{each:>9}" for each in counts), f"{shown(added(tallies).percent):>7}"]
    )


def shown(percent: Fraction) -> str:
    """`98.4%`, rounded down, so that only what is whole is shown as 100 %."""
    tenths = percent * 10 // 1
    return f"{tenths // 10}%" if percent == 100 or tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}%"


def as_plain(coverage: Coverage) -> dict[str, Any]:
    """The coverage as plain JSON values."""
    return {
        "playbook": coverage.playbook,
        "file": coverage.file,
        "percent": float(coverage.total.percent),
        **{kind: {"exercised": each.exercised, "all": each.all} for kind, each in coverage.tallies.items()},
        "missed": [
            {
                "kind": each.kind,
                "path": each.path,
                "line": each.line,
                "column": each.column,
                "message": each.words,
            }
            for each in coverage.missed
        ],
    }
