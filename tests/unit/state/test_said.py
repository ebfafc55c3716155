"""What sources say of a field that playbooks change."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.state.chain import Link
from engine.state.said import new_words

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def link(value: str | None, hour: int, *, stored: bool = True, source: str = "crm") -> Link:
    """What is said, or brought about, at an hour, known at once."""
    at = NOON + timedelta(hours=hour)
    return Link(value, at, at, hour + 1 if stored else None, source=source if stored else None)


@pytest.mark.parametrize(
    ("stored", "said", "kept"),
    [
        ([link("40", 0)], ["40"], ["40"]),
        ([link("40", 0), link("60", 1, source="playbook:lift")], ["40"], []),
        ([link("40", 0), link("60", 1, source="playbook:lift")], ["50"], ["50"]),
        ([link("40", 0), link("60", 1, source="playbook:lift")], ["60"], ["60"]),
        ([link("40", 0), link("60", 1, source="playbook:lift"), link("50", 2)], ["40"], ["40"]),
        ([link("40", 0), link("60", 1, source="playbook:lift")], [None], [None]),
        ([link("60", 1, source="playbook:lift")], [None], []),
        ([link("40", 0), link("60", 1, source="playbook:lift"), link("50", 2, source="health")], ["40"], []),
        ([link("60", 1, source="playbook:lift")], ["60"], ["60"]),
    ],
)
def test_new_words_are_those_that_sources_have_not_said(
    stored: list[Link], said: list[str | None], kept: list[str | None]
) -> None:
    """A repetition is left out whatever a playbook made of the field; where none did, the chain decides."""
    given = [link(value, 5 + index, stored=False) for index, value in enumerate(said)]
    assert [each.value for each in new_words(stored, given)] == kept


def test_new_words_keep_what_playbooks_and_computed_health_bring_about() -> None:
    """Only sources from outside can repeat themselves."""
    stored = [link("40", 0), link("60", 1, source="playbook:lift")]
    born = [link("40", 5, source="health"), link("40", 6, source="playbook:lift")]
    assert new_words(stored, born) == born


def test_new_words_insist_beside_what_a_playbook_set() -> None:
    """What is new is written even where a playbook has set the same."""
    stored = [link("40", 0), link("60", 1, source="playbook:lift")]
    (found,) = new_words(stored, [link("60", 5, stored=False)])
    assert found.insists
