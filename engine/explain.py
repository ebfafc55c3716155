"""Why a playbook did or did not start for a subject, now or at any past instant.

The condition is judged afresh on the state as it was known then, and so is what stands in the way of a start;
what was recorded (episodes, runs, decisions) is shown as it was then.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Engine, func, or_, select, text

from engine.admit.mute import mute_of
from engine.admit.pause import pause_at
from engine.admit.pauses import read_pauses
from engine.admit.silence import silence_at
from engine.admit.silences import read_silences
from engine.clock.workdays import LocalCalendar
from engine.clock.zones import format_instant
from engine.conditions.catalogue import Kind
from engine.conditions.evaluate import Trace, next_boundary, trace
from engine.conditions.feed import FOREVER
from engine.conditions.operators import OPERATORS
from engine.conditions.staleness import stale_words
from engine.conditions.tree import Condition
from engine.episodes.episode import Episode
from engine.explanation.document import Explanation, Facts
from engine.explanation.judgement import judged
from engine.explanation.reasoning import reasoning, upcoming
from engine.explanation.rounds import turn_at, turn_words
from engine.explanation.situation import Situation
from engine.fold.needs import needs
from engine.fold.openings import run_key
from engine.fold.view import BookView
from engine.fold.world import conditions_of, date_of, reads
from engine.health.composition import Composition, composition
from engine.health.model import BAND, HEALTH
from engine.ledger.as_of import decisions_at, episodes_at, holds_at, noted_as_existing, runs_at
from engine.rulebook import Library, live_set
from engine.rulefile.model import Playbook
from engine.rulefile.problem import nearest, quote
from engine.state import tables
from engine.state.book import Book, Start
from engine.state.book_reader import TABLES, BookReader
from engine.state.database import reading
from engine.state.feeds import read_feeds
from engine.state.healths import live_health, score_at
from engine.worlds import build_world

_VERSION: Any = tables.PlaybookVersion.__table__  # type: ignore[attr-defined]
_OUTBOX: Any = tables.Outbox.__table__  # type: ignore[attr-defined]
_RULEBOOK: Any = tables.Rulebook.__table__  # type: ignore[attr-defined]

SHOWN = 10
"""Episodes, runs or decisions of the past in an explanation."""
_COMPARED = 2_000
"""Names among which a slip of the pen is looked for."""


class NothingToExplainError(LookupError):
    """The playbook or the subject is not known; the message says which, and what was probably meant."""


def explain(database: Engine, library: Library, name: str, subject: str, at: datetime) -> Explanation:
    """Explain playbook `name` for a subject, or for an account with one such subject, as of `at`.

    Raises NothingToExplainError.
    """
    with reading(database) as connection:
        playbook = _playbook(connection, library, name, at)
        account_id, subject_id = find_subject(connection, playbook.subject, subject)
        return _explained(connection, library, playbook, account_id, subject_id, at)


def explanations(
    database: Engine, library: Library, name: str, at: datetime, *, account: str | None, subject: str | None
) -> list[Explanation]:
    """Explain playbook `name` for one subject, or for every subject of an account; one of them must be given.

    Raises NothingToExplainError, also when the subject is not of the account that is given with it.
    """
    if subject is None:
        assert account is not None
        return explain_account(database, library, name, account, at)
    found = explain(database, library, name, subject, at)
    if account not in (None, found.account_id):
        raise NothingToExplainError(
            f"{found.kind} {quote(found.subject_id)} is of account {quote(found.account_id)}, "
            f"not of {quote(account or '')}"
        )
    return [found]


def explain_account(
    database: Engine, library: Library, name: str, account_id: str, at: datetime
) -> list[Explanation]:
    """Explain playbook `name` for every subject that an account had at `at`, by id.

    Raises NothingToExplainError, also when the account had none.
    """
    with reading(database) as connection:
        playbook = _playbook(connection, library, name, at)
        find_subject(connection, Kind.ACCOUNT, account_id)
        book, _ = book_at(connection, library, playbook, account_id, at)
        if not book.subjects[playbook.subject]:
            raise NothingToExplainError(
                f"account {account_id} had no {playbook.subject} at {format_instant(at)}"
            )
        return [
            _explained(connection, library, playbook, account_id, each, at)
            for each in book.ids(playbook.subject)
        ]


def _explained(
    connection: Connection,
    library: Library,
    playbook: Playbook,
    account_id: str,
    subject_id: str,
    at: datetime,
) -> Explanation:
    book, calendar = book_at(connection, library, playbook, account_id, at)
    if subject_id not in book.subjects[playbook.subject]:
        raise NothingToExplainError(f"{playbook.subject} {subject_id} was not known at {format_instant(at)}")
    view = BookView(book, playbook.subject, subject_id, at, calendar.zone)
    episodes = episodes_at(connection, playbook.name, subject_id, at, SHOWN)
    decisions = decisions_at(connection, playbook.name, subject_id, at, SHOWN)
    it = _situation(connection, library, playbook, view, calendar, episodes)
    return Explanation(
        playbook.name,
        playbook.subject,
        subject_id,
        account_id,
        at,
        judged(it),
        it.verdict,
        it.audience,
        it.when,
        [
            *(OPERATORS[each.predicate.operator].words(each.predicate) for each in playbook.on),
            *([turn_words(it.turn)] if it.turn is not None else []),
        ],
        reasoning(it),
        upcoming(it),
        [_facts(each, _EPISODE_SHOWN) for each in episodes[-SHOWN:]],
        [_facts(each, _RUN_SHOWN) for each in it.own_runs[-SHOWN:]],
        decisions,
        _health(connection, library, playbook, book, at),
        _waiting(connection, [each.id for each in it.own_runs], at),
    )


def _waiting(connection: Connection, runs: Sequence[str], at: datetime) -> list[Facts]:
    """What was made by then, waits still, and is put off to later than then."""
    query = select(*(_OUTBOX.c[name] for name in _WAITING_SHOWN)).where(
        _OUTBOX.c.run_id.in_(runs),
        text(f"outbox.{tables.IS_READY}"),
        _OUTBOX.c.created_at <= at,
        _OUTBOX.c.available_at > at,
    )
    rows = connection.execute(query.order_by(_OUTBOX.c.available_at, _OUTBOX.c.id).limit(SHOWN))
    return [_facts(row, _WAITING_SHOWN) for row in rows]


def _health(
    connection: Connection, library: Library, playbook: Playbook, book: Book, at: datetime
) -> Composition | None:
    """The account's health then and what it was made of, where a condition of the playbook reads it."""
    asked = {place for each in conditions_of(playbook) for place in reads(each).fields}
    if asked.isdisjoint({(HEALTH.kind, HEALTH.name), (HEALTH.kind, BAND)}):
        return None
    health = book.account.get(HEALTH.name)
    known = health if isinstance(health, Decimal) else None
    found = composition(known, score_at(connection, book.account_id, at), library.settings.bands())
    return replace(found, stale=_stale_components(connection, library, book, at))


def _stale_components(connection: Connection, library: Library, book: Book, at: datetime) -> tuple[str, ...]:
    """What health is made of and counted as missing then, because its source had been silent."""
    live = live_health(connection, library.catalogue)
    fields = [] if live is None else [each for one in live.model.components for each in (one.field, one.of)]
    kept = {each: book.feeds.keeping(each.kind, each.name) for each in fields if each is not None}
    return tuple(
        stale_words(each, feeds, at)
        for each, feeds in kept.items()
        if any(not feed.covers(FOREVER, at) for feed in feeds)
    )


def _situation(
    connection: Connection,
    library: Library,
    playbook: Playbook,
    view: BookView,
    calendar: LocalCalendar,
    episodes: Sequence[Episode],
) -> Situation:
    """Everything that the answer rests on, as it was at the view's instant."""
    at, account_id, subject_id = view.now, view.book.account_id, view.subject_id
    runs = runs_at(connection, account_id, at)
    anchor = playbook.anchor
    asked = [each for each in (playbook.audience, playbook.when) if each is not None and playbook.when]
    boundaries = [each for condition in asked if (each := next_boundary(condition, view)) is not None]
    open_episodes = [each for each in episodes if each.resolved_at is None]
    return Situation(
        playbook,
        subject_id,
        at,
        connection.scalar(select(_RULEBOOK.c.live_since).where(_RULEBOOK.c.playbook == playbook.name)),
        _traced(playbook.audience, view),
        _traced(playbook.when, view),
        run_key(playbook, view),
        date_of(view.known(anchor), calendar) if anchor is not None else None,
        turn_at(
            playbook, subject_id, at, lambda then: book_at(connection, library, playbook, account_id, then)
        ),
        min(boundaries, default=None),
        open_episodes,
        [run for run in runs if run.playbook == playbook.name],
        noted_as_existing(connection, playbook.name, subject_id, open_episodes),
        silence_at(read_silences(connection, [account_id]), playbook.name, at),
        mute_of(
            (run for run in runs if run.is_open),
            library.playbook,
            playbook.name,
            former=playbook.renamed_from,
        ),
        holds_at(connection, open_episodes, at),
        pause_at(read_pauses(connection), playbook.name, at),
    )


def _playbook(connection: Connection, library: Library, name: str, at: datetime) -> Playbook:
    """The version that was live at `at`, else the present one."""
    version = connection.scalar(
        select(_VERSION.c.version)
        .where(_VERSION.c.playbook == name, _VERSION.c.first_seen_at <= at)
        .order_by(_VERSION.c.first_seen_at.desc())
        .limit(1)
    )
    if version is not None:
        return library.playbook(version)
    loaded = {each.name: each for each in library.rules.playbooks}
    if name not in loaded:
        near = nearest(name, loaded)
        known = f"known are: {', '.join(sorted(loaded)) or 'none'}"
        hint = f" (did you mean {quote(near)}?)" if near else f"; {known}"
        raise NothingToExplainError(f"there is no playbook {quote(name)}{hint}")
    return loaded[name]


def find_subject(connection: Connection, kind: Kind, subject: str) -> tuple[str, str]:
    """The account and the subject that `subject` names, which may be an account with one such subject.

    Raises NothingToExplainError.
    """
    account: Any = TABLES[Kind.ACCOUNT].__table__  # type: ignore[attr-defined]
    is_account = connection.scalar(select(account.c.id).where(account.c.id == subject)) is not None
    if kind is Kind.ACCOUNT:
        if not is_account:
            raise NothingToExplainError(
                f"there is no account {quote(subject)}{_hint(connection, kind, subject)}"
            )
        return subject, subject
    table: Any = TABLES[kind].__table__  # type: ignore[attr-defined]
    owner = connection.scalar(select(table.c.account_id).where(table.c.id == subject))
    if owner is not None:
        return owner, subject
    ids = list(
        connection.scalars(select(table.c.id).where(table.c.account_id == subject).order_by(table.c.id))
    )
    if is_account and len(ids) == 1:
        return subject, ids[0]
    if is_account and ids:
        raise NothingToExplainError(f'account "{subject}" has several; name one of: {", ".join(ids)}')
    if is_account:
        raise NothingToExplainError(f"account {quote(subject)} has no {kind}")
    raise NothingToExplainError(f"there is no {kind} {quote(subject)}{_hint(connection, kind, subject)}")


def _hint(connection: Connection, kind: Kind, given: str) -> str:
    """The subject that was probably meant, by its id or by its name."""
    table: Any = TABLES[kind].__table__  # type: ignore[attr-defined]
    name = table.c.get("name", table.c.id)
    start = given[:2].lower()
    query = select(table.c.id, name.label("name")).where(
        or_(
            func.lower(table.c.id).startswith(start, autoescape=True),
            func.lower(name).contains(given.lower(), autoescape=True),
            func.lower(name).startswith(start, autoescape=True),
        )
    )
    known = {
        row.id: row.name or row.id for row in connection.execute(query.order_by(table.c.id).limit(_COMPARED))
    }
    by_words = {words.lower(): each for each, name in known.items() for words in (each, name)}
    close = get_close_matches(given.lower()[:80], by_words, n=1, cutoff=0.6)
    close += [words for words in by_words if given and given.lower() in words]
    if not close:
        return ""
    found = by_words[close[0]]
    called = f", {known[found]}" if known[found] != found else ""
    return f" (did you mean {quote(found)}{called}?)"


def book_at(
    connection: Connection, library: Library, playbook: Playbook, account_id: str, at: datetime
) -> tuple[Book, LocalCalendar]:
    """The account as it was known at `at`, with all that the playbook reads, and its calendar."""
    feeds = read_feeds(connection, at)
    reader = BookReader(library.catalogue, needs([playbook]), feeds)
    book = reader.read(connection, {account_id: Start(at)}, late_at=at)[account_id].book
    world = build_world(connection, library, live_set(connection, library))
    return book, world.calendar(book.account)


def _traced(condition: Condition | None, view: BookView) -> Trace | None:
    return None if condition is None else trace(condition, view)


_EPISODE_SHOWN = ("key", "since", "opened_at", "resolved_at", "lapsed_at", "run_id", "reason")
_WAITING_SHOWN = ("id", "step", "connector", "recipient", "available_at", "waits_for")
_RUN_SHOWN = ("id", "key", "started_at", "ended_at", "outcome", "reason")


def _facts(row: Any, names: Sequence[str]) -> Facts:
    return {name: getattr(row, name) for name in names}
