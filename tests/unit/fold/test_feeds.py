"""Absence counts only once the sources behind it have been seen far enough."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.event import listen

from engine.conditions.catalogue import Kind
from engine.explain import explain
from engine.state import tables
from tests.builders import START, Company, account, at, company, entry, feed, happening

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = START + 2 * DAY
"""When the account of most tests logs in for the last time."""

QUIET = """
playbook: quiet
owner: cs
subject: account
when: {event: login, absent_for: 3d}
steps: [{id: call, day: 0, task: {to: csm, title: Call}}]
exit: [{outcome: back, when: {event: login, within: 3d}}]
"""
SOURCES = {"usage": {"feeds": ["login", "account.last_active_at"]}}
Built = Any


def made(database: Engine, folder: Path, *playbooks: str, **spec: Any) -> Company:
    """A company whose logins come from one source; its account logged in when it was new."""
    sources = {"usage": {**SOURCES["usage"], **spec}}
    mine = company(database, folder, playbooks or (QUIET,), sources=sources)
    mine.take(account(START - DAY, name="Acme", csm="dana"), happening("login", START - DAY))
    mine.take(feed("usage", START - HOUR, START))
    mine.tick(START)
    return mine


def awaited(mine: Company) -> list[tuple[str, str, datetime]]:
    """Who waits for what."""
    table: Any = tables.Awaited.__table__  # type: ignore[attr-defined]
    with mine.database.connect() as connection:
        return [tuple(row) for row in connection.execute(table.select())]


def test_dead_feed_is_no_inactive_customer(database: Engine, tmp_path: Path) -> None:
    """However long nothing comes, nothing begins; the account waits, and is not looked at meanwhile."""
    mine = made(database, tmp_path)
    for days in (3, 10, 60):
        mine.tick(START + days * DAY)
    assert mine.runs() == []
    assert awaited(mine) == [("acme", "usage", START + 2 * DAY)]
    assert mine.watch().due_at is None


def test_silence_is_decided_when_the_source_has_passed_its_end(database: Engine, tmp_path: Path) -> None:
    """At the instant of the advance, whenever that is looked at; not before, and not for a smaller one."""
    mine = made(database, tmp_path)
    mine.tick(START + 10 * DAY)
    mine.take(feed("usage", START + 2 * DAY - HOUR, START + 10 * DAY + HOUR))
    mine.tick(START + 11 * DAY)
    assert mine.runs() == []
    mine.take(feed("usage", START + 2 * DAY, START + 11 * DAY + HOUR))
    mine.tick(START + 15 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 11 * DAY + HOUR]


def test_feed_that_comes_back_brings_its_events_first(database: Engine, tmp_path: Path) -> None:
    """What it had to tell of the dead stretch counts before its new watermark does."""
    mine = made(database, tmp_path)
    mine.tick(START + 20 * DAY)
    back = START + 20 * DAY + HOUR
    days = range(1, 20)
    mine.take(*(happening("login", START + each * DAY, recorded=back) for each in days))
    mine.take(feed("usage", START + 20 * DAY, back))
    mine.tick(START + 21 * DAY)
    assert mine.runs() == []
    mine.tick(START + 25 * DAY)
    mine.take(feed("usage", START + 24 * DAY, START + 25 * DAY + HOUR))
    mine.tick(START + 26 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 25 * DAY + HOUR]


def test_run_ends_by_an_event_though_the_source_lags(database: Engine, tmp_path: Path) -> None:
    """What has been seen is never unknown."""
    mine = made(database, tmp_path)
    mine.take(feed("usage", START + 3 * DAY))
    mine.tick(START + 3 * DAY)
    mine.take(happening("login", START + 30 * DAY))
    mine.tick(START + 30 * DAY)
    assert [each.outcome for each in mine.runs()] == ["back"]


@pytest.mark.parametrize(
    ("condition", "needed"),
    [
        ("{none: [{event: login, within: 3d}]}", START + 2 * DAY + timedelta(microseconds=1)),
        ("{none: [{event: login, at_least: 2, within: 3d}]}", START + 2 * DAY + timedelta(microseconds=1)),
        (
            "{count: event, name: login, within: 3d, below: 2}",
            START + 2 * DAY + timedelta(microseconds=1),
        ),
        (
            "{field: account.last_active_at, days_since: {at_least: 3}, else_since: account.customer_since}",
            at("2026-03-04 00:00"),
        ),
        ("{field: account.last_active_at, days_since: {at_least: 3}}", at("2026-03-04 00:00")),
    ],
)
def test_other_questions_about_absence_wait_too(
    condition: str, needed: datetime, database: Engine, tmp_path: Path
) -> None:
    """Each until the instant at which time alone has given its answer."""
    text = f"playbook: gone\nowner: cs\nsubject: account\nwhen: {condition}\n"
    mine = made(database, tmp_path, text + "steps: [{id: call, day: 0, task: {to: csm, title: Call}}]\n")
    mine.take(account(START - DAY, recorded=START, last_active_at=START - DAY))
    mine.tick(START + 9 * DAY)
    assert mine.runs() == []
    assert awaited(mine) == [("acme", "usage", needed)]
    mine.take(feed("usage", needed, START + 9 * DAY + HOUR))
    mine.tick(START + 10 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 9 * DAY + HOUR]


def test_steps_ask_what_happened_since_the_start_once_it_is_known(database: Engine, tmp_path: Path) -> None:
    """A step that waits for silence since the start of its run waits for the source to be seen up to now."""
    text = """
playbook: welcome
owner: cs
subject: account
on: {event: signed}
steps:
  - {id: hello, day: 0, task: {to: csm, title: Hello}}
  - id: counted
    day: 1
    if: {count: event, name: login, since: run_start, below: 1}
    task: {to: csm, title: Call}
  - {id: silent, on: {none: [{event: login, since: run_start}]}, task: {to: csm, title: Ask}}
"""
    mine = made(database, tmp_path, text)
    mine.take(happening("signed", START + HOUR))
    mine.tick(START + 2 * DAY)
    assert mine.steps()["counted"].reason.startswith("unknown: ")
    assert "only seen until 2026-03-02 11:00 UTC" in mine.steps()["counted"].reason
    assert mine.steps()["silent"].acted_at is None
    mine.take(feed("usage", START + 2 * DAY, START + 3 * DAY))
    mine.tick(START + 3 * DAY)
    assert mine.steps()["silent"].acted_at is None
    mine.take(feed("usage", START + 4 * DAY))
    mine.tick(START + 5 * DAY)
    assert mine.steps()["silent"].acted_at == START + 4 * DAY


def test_count_waits_for_the_sources_of_what_it_counts_by(database: Engine, tmp_path: Path) -> None:
    """How many contacts are inactive is known when the source of their activity is."""
    when = "{count: contact, where: {field: contact.last_touch_at, days_since: {at_least: 3}}, at_least: 1}"
    text = f"playbook: gone\nowner: cs\nsubject: account\nwhen: {when}\n"
    text += "steps: [{id: call, day: 0, task: {to: csm, title: Call}}]\n"
    mine = made(database, tmp_path, text, feeds=["contact.last_touch_at"])
    mine.take(entry(Kind.CONTACT, "kim", START - DAY, recorded=START, last_touch_at=START - DAY))
    mine.tick(START + 9 * DAY)
    assert mine.runs() == []
    assert awaited(mine) == [("acme", "usage", at("2026-03-04 00:00"))]
    mine.take(feed("usage", START + 3 * DAY, START + 9 * DAY + HOUR))
    mine.tick(START + 10 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 9 * DAY + HOUR]


def test_account_younger_than_the_window_waits_for_it(database: Engine, tmp_path: Path) -> None:
    """A source that died as it signed up says nothing about it, though it never logged in."""
    text = "playbook: never\nowner: cs\nsubject: account\nwhen: {none: [{event: login, within: 3d}]}\n"
    mine = made(database, tmp_path, text + "steps: [{id: call, day: 0, task: {to: csm, title: Call}}]\n")
    mine.take(account(START + HOUR, "young"), feed("usage", START + HOUR, START + 2 * HOUR))
    mine.tick(START + 5 * DAY)
    assert mine.runs(subject_id="young") == []
    mine.take(feed("usage", START + 4 * DAY, START + 5 * DAY + HOUR))
    mine.tick(START + 6 * DAY)
    assert [each.started_at for each in mine.runs(subject_id="young")] == [START + 5 * DAY + HOUR]


def test_lag_is_how_far_behind_counts_as_up_to_date(database: Engine, tmp_path: Path) -> None:
    """With a day's lag a nightly source is no reason to wait, until it fails to come."""
    mine = made(database, tmp_path, lag="1d")
    mine.take(feed("usage", START + DAY))
    mine.tick(START + 9 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 2 * DAY]


def test_live_source_and_undeclared_events_never_wait(database: Engine, tmp_path: Path) -> None:
    """They are seen as they happen."""
    mine = made(database, tmp_path, live=True)
    mine.tick(START + 9 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 2 * DAY]


def test_source_that_never_came_keeps_absence_unknown(database: Engine, tmp_path: Path) -> None:
    """A declared source is waited for even before its first sync."""
    mine = company(database, tmp_path, (QUIET,), sources=SOURCES)
    mine.take(account(START - DAY, name="Acme"), happening("login", START - DAY))
    mine.tick(START)
    mine.tick(START + 9 * DAY)
    assert mine.runs() == []
    mine.take(feed("usage", START + 9 * DAY))
    mine.tick(START + 9 * DAY)
    assert len(mine.runs()) == 1


def test_every_source_of_an_event_must_have_come(database: Engine, tmp_path: Path) -> None:
    """Logins by web and by phone are absent when neither has them."""
    sources = {name: {"feeds": ["login"]} for name in ("web", "phone")}
    mine = company(database, tmp_path, (QUIET,), sources=sources)
    mine.take(
        account(START - DAY, name="Acme"), happening("login", START - DAY), feed("web", START + 5 * DAY)
    )
    mine.tick(START)
    mine.tick(START + 5 * DAY)
    assert [each[:2] for each in awaited(mine)] == [("acme", "phone")]
    mine.take(feed("phone", START + 5 * DAY, START + 6 * DAY))
    mine.tick(START + 6 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 6 * DAY]


def test_advance_learned_late_is_judged_by_the_tick_that_finds_it(database: Engine, tmp_path: Path) -> None:
    """An import that began before a tick and noted its watermark after it is not overlooked."""
    mine = made(database, tmp_path)
    mine.tick(START + 5 * DAY)
    mine.take(feed("usage", START + 4 * DAY, START + 5 * DAY - HOUR))
    assert mine.ticker.is_due(START + 5 * DAY + HOUR)
    mine.tick(START + 5 * DAY + HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 5 * DAY + HOUR]
    assert awaited(mine) == []


def test_explain_says_how_far_a_source_was_seen(database: Engine, tmp_path: Path) -> None:
    """Then and now."""
    mine = made(database, tmp_path)
    mine.tick(START + 5 * DAY)
    mine.take(feed("usage", START + 5 * DAY, START + 6 * DAY))
    mine.tick(START + 6 * DAY)
    then = explain(mine.database, mine.library, "quiet", "acme", START + 5 * DAY)
    assert then.verdict is None
    assert then.conclusion.endswith(
        "no login event since 2026-03-01 (3 days or more); "
        "not certain, for the source usage is only seen until 2026-03-02 11:00 UTC."
    )
    assert explain(mine.database, mine.library, "quiet", "acme", START + 6 * DAY).verdict is True


def test_advance_nobody_waits_for_costs_the_same_whatever_the_book(
    sqlite_database: Engine, tmp_path: Path
) -> None:
    """A tick after it looks at the source alone: the statements do not grow with the accounts."""
    mine = made(sqlite_database, tmp_path)
    counts = []
    for size in (1, 400):
        names = [f"a{size}-{index}" for index in range(size)]
        now = START + size * DAY
        mine.take(*(account(now, each, name=each) for each in names))
        mine.take(*(happening("login", now, each) for each in [*names, "acme"]))
        mine.take(feed("usage", now))
        mine.tick(now)
        mine.take(feed("usage", now + HOUR))
        said: list[str] = []
        listen(sqlite_database, "before_cursor_execute", lambda *given, said=said: said.append(given[2]))
        report = mine.tick(now + HOUR)
        counts.append((report.accounts, len(said)))
    assert counts[0][0] == counts[1][0] == 1
    assert counts[0][1] == counts[1][1]
