"""Moments: each starts a run of its own, judged on what was so just before."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.conditions.catalogue import Kind
from tests.builders import START, Company, account, entry, happening
from tests.histories import DAY, HOUR, MINUTE

Opened = Callable[..., Company]

LEAVER = """
playbook: leaver
title: A champion leaves
owner: cs
subject: contact
audience: {field: account.segment, equals: high_touch}
on: {field: contact.status, changes_to: departed, if: {field: contact.role, equals: champion}}
steps:
  - {id: notes, day: 0, task: {to: csm, title: "Note what {{ contact.name }} knew", due: 1bd}}
"""
REQUEST = """
playbook: request
title: A request
owner: cs
subject: account
on: {event: cancel_requested}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd}}
"""


def kim(when: Any, **values: Any) -> Any:
    """What a source says about the one contact."""
    return entry(Kind.CONTACT, "kim", when, **values)


@pytest.fixture
def staffed(opened: Opened) -> Company:
    """A champion at a high-touch account, live from START."""
    mine = opened(LEAVER)
    mine.take(account(START - DAY, segment="high_touch"))
    mine.take(kim(START - DAY, name="Kim", role="champion", status="active"))
    mine.tick(START)
    return mine


def test_change_to_a_value_starts_a_run(staffed: Company) -> None:
    """The champion departs."""
    staffed.take(kim(START + HOUR, status="departed"))
    staffed.tick(START + DAY)
    assert [(each.subject_id, each.started_at) for each in staffed.runs()] == [("kim", START + HOUR)]


def test_condition_of_a_change_is_judged_on_what_was_before(staffed: Company) -> None:
    """The role that is taken away with the departure still counts, and so does the segment."""
    staffed.take(
        kim(START + HOUR, status="departed", role="end_user"), account(START + HOUR, segment="tech_touch")
    )
    staffed.tick(START + DAY)
    assert len(staffed.runs()) == 1


def test_condition_that_becomes_true_with_the_change_does_not_count(staffed: Company) -> None:
    """Somebody who is named champion and departed at once was no champion."""
    staffed.take(entry(Kind.CONTACT, "lee", START + MINUTE, role="end_user", status="active"))
    staffed.take(entry(Kind.CONTACT, "lee", START + HOUR, role="champion", status="departed"))
    staffed.tick(START + DAY)
    assert staffed.runs() == []


@pytest.mark.parametrize(
    "values", [{"role": "champion", "status": "departed"}, {"role": "champion", "name": "Ann"}]
)
def test_first_value_is_no_change(staffed: Company, values: dict[str, Any]) -> None:
    """A contact that arrives departed has not departed now; nor one whose status is told later."""
    staffed.take(entry(Kind.CONTACT, "ann", START + HOUR, **values))
    staffed.take(entry(Kind.CONTACT, "ann", START + 2 * HOUR, status="departed"))
    staffed.tick(START + DAY)
    assert staffed.runs() == []


def test_same_value_again_is_no_change(staffed: Company) -> None:
    """Told twice, departed once."""
    staffed.take(kim(START + HOUR, status="departed"), kim(START + 2 * HOUR, status="departed"))
    staffed.tick(START + DAY)
    assert len(staffed.runs()) == 1


def test_each_departure_is_a_moment_of_its_own(staffed: Company) -> None:
    """Back and gone again, after the first run has ended: a second run."""
    staffed.take(kim(START + HOUR, status="departed"))
    staffed.tick(START + HOUR)
    staffed.finish(START + 2 * HOUR)
    staffed.take(kim(START + 3 * HOUR, status="active"), kim(START + 4 * HOUR, status="departed"))
    staffed.tick(START + DAY)
    assert [each.started_at for each in staffed.runs()] == [START + HOUR, START + 4 * HOUR]


def test_superseded_change_is_no_moment(staffed: Company) -> None:
    """A departure learned after the return has long been known moves nothing."""
    staffed.take(kim(START + 2 * HOUR, status="active", role="champion", nps=9))
    staffed.take(kim(START + 3 * HOUR, status="departed"), kim(START + 4 * HOUR, status="active"))
    staffed.tick(START + DAY)
    before = len(staffed.runs())
    staffed.take(kim(START + 2 * HOUR, recorded=START + DAY + HOUR, status="departed"))
    staffed.tick(START + 2 * DAY)
    assert len(staffed.runs()) == before == 1


def test_event_starts_one_run_however_often_it_is_sent(opened: Opened) -> None:
    """The source's id makes it one."""
    mine = opened(REQUEST)
    mine.take(account(START - DAY))
    mine.tick(START)
    for _ in range(3):
        mine.take(happening("cancel_requested", START + HOUR, identity="r1"))
        mine.tick(START + 2 * HOUR)
    assert len(mine.runs()) == 1


def test_event_before_go_live_starts_nothing(opened: Opened) -> None:
    """Moments of the past are past."""
    mine = opened(REQUEST)
    mine.take(account(START - DAY), happening("cancel_requested", START - HOUR))
    mine.tick(START)
    mine.tick(START + DAY)
    assert mine.runs() == []


def test_event_at_an_account_is_no_moment_of_its_contacts(opened: Opened) -> None:
    """A contact's playbook starts for the contact an event is about, and for no other."""
    text = LEAVER.replace(
        "on: {field: contact.status, changes_to: departed, if: {field: contact.role, equals: champion}}",
        "on: {event: complained}",
    )
    mine = opened(text)
    mine.take(account(START - DAY, segment="high_touch"))
    mine.take(*(entry(Kind.CONTACT, each, START - DAY, name=each) for each in ("kim", "lee")))
    mine.tick(START)
    mine.take(happening("complained", START + HOUR), happening("complained", START + 2 * HOUR, subject="lee"))
    mine.tick(START + DAY)
    assert [each.subject_id for each in mine.runs()] == ["lee"]


def test_moment_during_an_open_run_is_recorded_and_starts_nothing(opened: Opened) -> None:
    """A second request while the first is being dealt with: one run, and a decision that says why."""
    mine = opened(REQUEST)
    mine.take(account(START - DAY))
    mine.tick(START)
    mine.take(happening("cancel_requested", START + HOUR), happening("cancel_requested", START + 2 * HOUR))
    mine.tick(START + 3 * HOUR)
    mine.finish(START + 4 * HOUR)
    mine.tick(START + DAY)
    assert len(mine.runs()) == 1
    assert [each.state for each in mine.episodes()] == ["resolved", "resolved"]
    answers = [answer for _, answer in mine.decisions()]
    assert answers == ["started", "task", "passed over", "done", "ended: completed"]
