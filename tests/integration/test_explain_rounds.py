"""Explaining why the calendar started a playbook, or did not."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.explain import Explanation, explain
from tests.builders import START, Company, account, at, company
from tests.histories import DAY

DIGEST = """
playbook: digest
title: Digest
owner: cs
subject: account
audience: {field: account.health, below: 40}
every: {month: first business day}
guard: {max_starts: 1000}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call"}}
"""


@pytest.fixture
def mine(database: Engine, tmp_path: Path) -> Company:
    """One account, ticked on 10 May 2026: out in April, in from mid-April."""
    found = company(database, tmp_path, [DIGEST])
    found.take(account(START - DAY, name="Acme", health=70, timezone="UTC", country="US"))
    found.tick(START)
    found.take(account(at("2026-04-15 00:00"), health=30))
    for each in ("2026-04-10", "2026-05-02", "2026-05-10"):
        found.tick(at(f"{each} 00:00"))
    return found


def explained(mine: Company, when: str) -> Explanation:
    """The explanation as of that day."""
    return explain(mine.database, mine.library, "digest", "acme", at(f"{when} 00:00"))


@pytest.mark.parametrize(
    ("when", "conclusion"),
    [
        (
            "2026-03-20",
            "It has not come round since it went live; the next is 2026-04, on 1 April 2026.",
        ),
        (
            "2026-04-10",
            "It did not start for 2026-04: as 1 April 2026 began, its condition did not hold, for health is "
            "70 (not below 40); the next is 2026-05, on 1 May 2026.",
        ),
        (
            "2026-04-20",
            "It did not start for 2026-04: as 1 April 2026 began, its condition did not hold, for health is "
            "70 (not below 40); the next is 2026-05, on 1 May 2026.",
        ),
        (
            "2026-05-05",
            "It runs, since 2026-05-01T00:00:00Z: 2026-05: every month, on its first business day.",
        ),
    ],
)
def test_explain_says_what_the_last_occurrence_found(mine: Company, when: str, conclusion: str) -> None:
    """Not what would be so now: the audience of the day decides."""
    assert explained(mine, when).conclusion == conclusion


def test_explain_names_the_next_occurrence_among_what_starts_it(mine: Company) -> None:
    """With the day on which it will be."""
    assert explained(mine, "2026-05-05").moments == [
        "every month, on its first business day; the next is 2026-06, on 1 June 2026"
    ]


def test_explain_says_when_it_ran_for_the_period(mine: Company) -> None:
    """The run of this month is over."""
    mine.finish(at("2026-05-10 12:00"))
    mine.tick(at("2026-05-11 00:00"))
    assert explained(mine, "2026-05-12").conclusion == (
        "It ran for 2026-05, until 2026-05-10T12:00:00Z; the next is 2026-06, on 1 June 2026."
    )


def test_explain_says_that_the_account_came_too_late(mine: Company) -> None:
    """It was not there on the first of the month."""
    mine.take(account(at("2026-05-11 00:00"), "late", name="Late", timezone="UTC", country="US"))
    mine.tick(at("2026-05-12 00:00"))
    found = explain(mine.database, mine.library, "digest", "late", at("2026-05-12 00:00"))
    assert found.conclusion == (
        "It has not come round for this account; the next is 2026-06, on 1 June 2026."
    )
