"""What was expected against what happened, as differences a person can act on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.rehearsal.happened import Happened
from engine.rehearsal.script import ALWAYS, KEYS, PARTIAL, Category, Expectation, Wanted

_LONGEST = 90
"""Characters of one value shown in a difference."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected. A line begins with `- ` (missing), `+ ` (happened) or two spaces."""

    about: str
    lines: tuple[str, ...]


def differences(expected: Expectation, actual: Happened) -> list[Difference]:
    """Everything in which the two differ, in the order starts, steps, ends."""
    return [*_starts(expected, actual), *_listed(expected, actual), *_ends(expected, actual)]


def _starts(expected: Expectation, actual: Happened) -> Iterator[Difference]:
    wanted = expected.starts if expected.starts is not None or not expected.is_strict else 0
    if wanted is not None and wanted != actual.starts:
        yield _of_values("starts", str(wanted), str(actual.starts))


def _listed(expected: Expectation, actual: Happened) -> Iterator[Difference]:
    for category in KEYS:
        wanted = expected.items.get(category)
        if wanted is None and not (expected.is_strict and category in ALWAYS):
            continue
        lines = _aligned(category, wanted or (), actual.items[category])
        if any(not line.startswith("  ") for line in lines):
            yield Difference(category, tuple(lines))


def _ends(expected: Expectation, actual: Happened) -> Iterator[Difference]:
    wanted = expected.ended if expected.ended is not None or not expected.is_strict else ()
    if wanted is not None and wanted != actual.ended:
        yield _of_values("ended", ", ".join(wanted) or "none", ", ".join(actual.ended) or "none")
    if expected.open_steps is not None and sorted(expected.open_steps) != sorted(actual.open_steps):
        yield _of_values("open", ", ".join(expected.open_steps), ", ".join(actual.open_steps))
    if expected.held is not None and expected.held != actual.held:
        yield _of_values("held", str(expected.held), str(actual.held))


def reasons_differ(wanted: str, found: Sequence[str]) -> list[Difference]:
    """A difference when none of the explanations contains what is wanted."""
    if any(wanted in each for each in found):
        return []
    return [Difference("why", (f"- {wanted}", *(f"+ {each}" for each in found)))]


def missing_steps(expected: Expectation, actual: Happened) -> list[str]:
    """The steps that were expected to do something and did less, in the order of the expectation."""
    wanted: list[str] = []
    for category in ALWAYS:
        names = [each.parts["step"] for each in expected.items.get(category, ()) if "step" in each.parts]
        done = [each["step"] for each in actual.items[category]]
        wanted += [each for each in names if names.count(each) > done.count(each)]
    return list(dict.fromkeys(wanted))


def _of_values(about: str, wanted: str, found: str) -> Difference:
    return Difference(about, (f"- {wanted}", f"+ {found}"))


def _aligned(category: Category, wanted: Sequence[Wanted], found: Sequence[Mapping[str, str]]) -> list[str]:
    """Both lists side by side in their order, paired so that as many as possible agree."""
    pairs = _pairs(wanted, found)
    named = {key for each in wanted for key in each.parts}
    shown = [key for key in KEYS[category] if key in named or (not named and key not in PARTIAL)]
    lines: list[str] = []
    first = second = 0
    for one, other in [*pairs, (len(wanted), len(found))]:
        lines += [f"- {_line(category, each.parts, KEYS[category])}" for each in wanted[first:one]]
        lines += [f"+ {_line(category, each, shown)}" for each in found[second:other]]
        if one < len(wanted):
            lines.append(f"  {_line(category, wanted[one].parts, KEYS[category])}")
        first, second = one + 1, other + 1
    return lines


def _pairs(wanted: Sequence[Wanted], found: Sequence[Mapping[str, str]]) -> list[tuple[int, int]]:
    """The longest common subsequence of expected and actual items, as pairs of indices."""
    rows, columns = len(wanted), len(found)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for one in reversed(range(rows)):
        for other in reversed(range(columns)):
            if agrees(wanted[one], found[other]):
                best[one][other] = 1 + best[one + 1][other + 1]
            else:
                best[one][other] = max(best[one + 1][other], best[one][other + 1])
    pairs = []
    one = other = 0
    while one < rows and other < columns:
        if agrees(wanted[one], found[other]):
            pairs.append((one, other))
            one, other = one + 1, other + 1
        elif best[one + 1][other] >= best[one][other + 1]:
            one += 1
        else:
            other += 1
    return pairs


def agrees(wanted: Wanted, found: Mapping[str, str]) -> bool:
    """Whether everything said of the item is so."""
    return all(
        part in found[key] if key in PARTIAL else part == found[key] for key, part in wanted.parts.items()
    )


def _line(category: Category, parts: Mapping[str, str], keys: Sequence[str]) -> str:
    return ", ".join(f"{key}: {_short(parts[key])}" for key in keys if key in parts)


def _short(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
