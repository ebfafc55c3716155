"""The guard's share of the book, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.builders import SLIDE, START, account, company
from tests.histories import DAY, HOUR, MINUTE

SHARED = SLIDE.replace("steps:", "guard: {max_starts: 100, max_share: 10%, within: 6h}\nsteps:")


@pytest.mark.parametrize("ticks", [[8 * HOUR], [HOUR, 5 * HOUR, 7 * HOUR, 8 * HOUR]])
def test_share_is_of_the_book_when_the_stretch_began(
    database: Engine, tmp_path: Path, ticks: list[timedelta]
) -> None:
    """Whenever ticks happen; accounts that came within the stretch count only later."""
    mine = company(database, tmp_path, [SHARED])
    mine.take(*(account(START - DAY, f"a{each}", health=70) for each in range(20)))
    mine.tick(START)
    mine.take(*(account(START + HOUR, f"b{each}", health=70) for each in range(20)))
    for hour, names in ((2, ("a0", "a1")), (3, ("a2",)), (8, ("b0", "b1", "b2"))):
        mine.take(*(account(START + hour * HOUR - MINUTE, name, health=30) for name in names))
    for each in ticks:
        mine.tick(START + each)
    assert sorted(each.subject_id for each in mine.runs()) == ["a0", "a1", "b0", "b1", "b2"]
