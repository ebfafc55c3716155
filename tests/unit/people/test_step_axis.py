"""Where steps stand in time, and that their labels stay apart."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from engine.clock.durations import Duration
from engine.people.step_axis import CHARACTER, WIDTH, Place, axes, places, scale
from engine.rulefile.configured import read_rules
from engine.rulefile.model import AfterTiming, AnchorTiming, DayTiming, Timing
from engine.settings import Settings
from tests.website import AT_RISK

SHIPPED = read_rules(Settings(rules=Path("rules"), templates=Path("templates")), Settings().catalogue())


def _timed(*timings: Timing) -> object:
    steps = tuple(
        replace(AT_RISK.steps[0], id=f"s{number}", timing=timing) for number, timing in enumerate(timings)
    )
    return replace(AT_RISK, steps=steps)


def test_places_count_from_the_start_the_anchor_and_one_another() -> None:
    """Business days are taken as seven days for five; the order in the file does not matter."""
    found = places(
        _timed(
            AfterTiming("s1", Duration(5, "bd")),
            DayTiming(Duration(2, "d")),
            AnchorTiming(-90),
            AfterTiming("s2", Duration(12, "h")),
        )  # type: ignore[arg-type]
    )
    assert found == {
        "s0": Place("start", 9.0, "s1"),
        "s1": Place("start", 2.0),
        "s2": Place("anchor", -90),
        "s3": Place("anchor", -89.5, "s2"),
    }


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (0, 0, [0, 1]),
        (0, 3, [0, 1, 2, 3]),
        (0, 29.4, [0, 5, 10, 15, 20, 25, 30]),
        (-120, 0, [-126, -112, -98, -84, -70, -56, -42, -28, -14, 0]),
        (-5, 900, [-180, 0, 180, 360, 540, 720, 900]),
    ],
)
def test_scale_has_few_whole_days_at_even_distances(first: float, last: float, days: list[int]) -> None:
    """All that is placed lies within it."""
    assert scale(first, last) == days


@pytest.mark.parametrize("playbook", SHIPPED.playbooks, ids=lambda each: each.name)
def test_every_step_of_a_shipped_playbook_is_drawn_beside_no_other(playbook: object) -> None:
    """Each once, within the picture, and no label over another or over another's dot."""
    found = axes(playbook)  # type: ignore[arg-type]
    marks = [mark for axis in found for mark in axis.marks]
    assert sorted(mark.id for mark in marks) == sorted(step.id for step in playbook.steps)  # type: ignore[attr-defined]
    for axis in found:
        spans = [
            (mark.y, min(mark.x - 5, mark.label_x), mark.label_x + CHARACTER * len(mark.id))
            for mark in axis.marks
        ]
        assert all(begin >= 0 and end <= WIDTH and row < axis.height for row, begin, end in spans)
        for (row, begin, end), (other_row, other_begin, other_end) in combinations(spans, 2):
            assert row != other_row or end <= other_begin or other_end <= begin
