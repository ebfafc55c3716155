"""Why a calendar trigger started nothing: what it found at its last occurrence, and when the next one is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.clock.periods import DayOfPeriod
from engine.clock.workdays import LocalCalendar
from engine.clock.zones import format_instant
from engine.conditions.evaluate import Trace, because, trace
from engine.episodes.recurrence import Occurrence, Recurrence, every_words, offset_of
from engine.fold.view import BookView
from engine.fold.world import date_of, every_condition
from engine.rulefile.model import Playbook
from engine.runs.run import Run
from engine.state.book import Book

Reader = Callable[[datetime], tuple[Book, LocalCalendar]]
"""The account as it was known at an instant, and its calendar."""


@dataclass(frozen=True)
class Turn:
    """Where a calendar trigger stands for one subject at one instant."""

    latest: Occurrence | None
    following: Occurrence | None
    was_known: bool
    """Whether the subject was there at the latest occurrence."""
    met: Trace | None
    """Audience and `if` as the latest occurrence found them; None without either."""
    words: str


def turn_at(playbook: Playbook, subject_id: str, at: datetime, read: Reader) -> Turn | None:
    """Where the playbook's calendar trigger stands; None when it has none."""
    every = playbook.every
    if every is None:
        return None
    book, calendar = read(at)
    first = None
    if not isinstance(every.day, DayOfPeriod):
        view = BookView(book, playbook.subject, subject_id, at, calendar.zone)
        first = date_of(view.known(every.day), calendar)
    offset = offset_of(every, playbook.name, book.account_id)
    found = Recurrence(every, calendar, offset, first)
    latest, condition, met, was_known = found.latest(at), every_condition(playbook), None, False
    if latest is not None:
        then, calendar = read(latest.at)
        was_known = subject_id in then.subjects[playbook.subject]
        if was_known and condition is not None:
            met = trace(condition, BookView(then, playbook.subject, subject_id, latest.at, calendar.zone))
    return Turn(latest, found.following(at), was_known, met, every_words(every))


def turn_words(turn: Turn) -> str:
    """The trigger with its next day, among what else starts the playbook."""
    return f"{turn.words}; {_next_words(turn)}"


def turn_conclusion(playbook: Playbook, turn: Turn, live_since: datetime, runs: Sequence[Run]) -> str:
    """The one sentence about a playbook that only the calendar starts and that does not run."""
    latest = turn.latest
    if latest is None or latest.at <= live_since or not turn.was_known:
        since = "since it went live" if turn.was_known else f"for this {playbook.subject}"
        return f"It has not come round {since}; {_next_words(turn)}."
    day = f"{latest.day:%-d %B %Y}"
    ended_at = [each.ended_at for each in runs if each.key == latest.key and each.ended_at is not None]
    if ended_at:
        ended = format_instant(ended_at[-1])
        return f"It ran for {latest.key}, until {ended}; {_next_words(turn)}."
    if turn.met is not None and turn.met.verdict is not True:
        how = "did not hold" if turn.met.verdict is False else "was unknown"
        return (
            f"It did not start for {latest.key}: as {day} began, its condition {how}, for "
            f"{because(turn.met)}; {_next_words(turn)}."
        )
    return f"It did not start for {latest.key}, on {day}; the decisions say why; {_next_words(turn)}."


def _next_words(turn: Turn) -> str:
    if turn.following is None:
        return "no next day is known"
    return f"the next is {turn.following.key}, on {turn.following.day:%-d %B %Y}"
