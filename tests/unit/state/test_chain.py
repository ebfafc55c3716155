"""The chain of one field: what an intake adds, what it leaves out, what it repairs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.state.chain import Folded, Link, fold

START = datetime(2024, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    """Midnight of a numbered day."""
    return START + timedelta(days=number)


def link(value: str | None, effective: int, recorded: int | None = None) -> Link:
    """A new link; recorded when effective unless said otherwise."""
    return Link(value, day(effective), day(effective if recorded is None else recorded))


def stored(folded: Folded, before: list[Link] | None = None) -> list[Link]:
    """The chain as it would be read back."""
    repaired = {each.id: each for each in folded.repaired}
    kept = [repaired.get(each.id, each) for each in before or []]
    first = max((each.id or 0 for each in kept), default=0) + 1
    return kept + [replace(each, id=first + place) for place, each in enumerate(folded.written)]


def test_fold_keeps_old_and_new() -> None:
    """Each link knows the value before it."""
    folded = fold([link("40", 1), link("35", 2)])
    assert [(each.old, each.value) for each in folded.written] == [(None, "40"), ("40", "35")]
    assert folded.value == "35"


def test_fold_leaves_out_what_is_known() -> None:
    """A repeated value writes nothing."""
    assert fold([link("40", 1), link("40", 2)]).written == (link("40", 1),)
    assert fold([link(None, 1)]).written == ()


def test_fold_marks_a_late_value_superseded() -> None:
    """A value effective before the newest known one is kept and moves nothing."""
    chain = stored(fold([link("40", 1), link("35", 5, 5)]))
    folded = fold([*chain, link("30", 3, 9)])
    assert [(each.old, each.value, each.superseded) for each in folded.written] == [("40", "30", True)]
    assert folded.value == "35"
    assert folded.repaired == ()


def test_fold_takes_a_late_value_once() -> None:
    """The same late value, learned again, is known by then."""
    chain = stored(fold([link("40", 1), link("35", 5)]))
    chain = stored(fold([*chain, link("30", 3, 9)]), chain)
    assert fold([*chain, link("30", 3, 11)]).written == ()


def test_fold_repairs_the_successor_of_a_backfilled_value() -> None:
    """A value inserted before a stored one becomes that one's `old`."""
    chain = stored(fold([link("40", 1), link("35", 5)]))
    folded = fold([*chain, link("45", 3)])
    assert [(each.old, each.value) for each in folded.written] == [("40", "45")]
    assert [(each.id, each.old) for each in folded.repaired] == [(2, "45")]


def test_fold_keeps_a_stored_link_that_an_insertion_anticipates() -> None:
    """It stays in history and moves nothing any more."""
    chain = stored(fold([link("40", 1), link("35", 5)]))
    folded = fold([*chain, link("35", 3)])
    assert [(each.id, each.old, each.superseded) for each in folded.repaired] == [(2, "35", True)]
    assert folded.value == "35"


def test_fold_takes_a_correction_at_the_same_time() -> None:
    """Said later of the same moment, it counts."""
    chain = stored(fold([link("40", 1)]))
    assert fold([*chain, link("41", 1, 4)]).value == "41"


links = st.lists(
    st.builds(
        link,
        st.sampled_from(["a", "b", None]),
        st.integers(0, 6),
        st.one_of(st.none(), st.integers(0, 8)),
    ),
    max_size=8,
    unique_by=lambda each: (each.effective_at, each.recorded_at),
)


@given(links, links)
def test_fold_again_changes_nothing(first: list[Link], second: list[Link]) -> None:
    """What a fold has stored is what a fold of it finds: no link is written or repaired twice."""
    chain = stored(fold(first))
    chain = stored(fold([*chain, *second]), chain)
    again = fold(chain)
    assert (again.written, again.repaired) == ((), ())


@given(links)
def test_fold_of_the_same_intake_twice_writes_once(given_links: list[Link]) -> None:
    """In the order of application, every assertion of a backfill is known the second time."""
    chain = stored(fold(given_links))
    assert fold([*chain, *given_links]).written == ()


@given(links)
def test_fold_can_be_undone(given_links: list[Link]) -> None:
    """Undoing links newest first passes through every earlier value."""
    folded = fold(given_links)
    value = folded.value
    for each in reversed(folded.written):
        if not each.superseded:
            assert value == each.value
            value = each.old
    assert value is None
