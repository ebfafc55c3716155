"""Why a playbook did or did not start for a subject, now or at any past instant.

The condition is judged afresh on the state as it was known then, so nothing need have been recorded;
what was recorded (episode, runs, decisions) is added to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from engine.clock.workdays import LocalCalendar
from engine.clock.zones import format_instant
from engine.conditions.catalogue import Kind
from engine.conditions.evaluate import Trace, because, trace
from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Condition
from engine.explain_rounds import Turn, turn_at, turn_conclusion, turn_words
from engine.fold.view import BookView
from engine.fold.world import needs
from engine.rulebook import Library, live_set
from engine.rulefile.model import Missing, Playbook
from engine.state import tables
from engine.state.book import Book, Start
from engine.state.book_reader import TABLES, BookReader
from engine.state.database import reading
from engine.worlds import build_world

_EPISODE: Any = tables.Episode.__table__  # type: ignore[attr-defined]
_RUN: Any = tables.Run.__table__  # type: ignore[attr-defined]
_DECISION: Any = tables.Decision.__table__  # type: ignore[attr-defined]
_VERSION: Any = tables.PlaybookVersion.__table__  # type: ignore[attr-defined]
_RULEBOOK: Any = tables.Rulebook.__table__  # type: ignore[attr-defined]

Facts = Mapping[str, Any]


class NothingToExplainError(LookupError):
    """The playbook or the subject is not known; the message says which and what is."""


@dataclass(frozen=True)
class Explanation:
    """One playbook and one subject at one instant."""

    playbook: str
    kind: str
    subject_id: str
    account_id: str
    at: datetime
    conclusion: str
    """One sentence: it runs, waits, or why it does not."""
    verdict: bool | None
    """Of audience and `when` together; None also where only moments start it."""
    audience: Trace | None
    when: Trace | None
    moments: Sequence[str]
    """What else starts it, in words."""
    episodes: Sequence[Facts]
    runs: Sequence[Facts]
    decisions: Sequence[Facts]
    """The newest ten up to then, oldest first."""


def explain(database: Engine, library: Library, name: str, subject: str, at: datetime) -> Explanation:
    """Explain playbook `name` for a subject, or for an account with one such subject, as of `at`.

    Raises NothingToExplainError.
    """
    with reading(database) as connection:
        playbook, live_since = _playbook(connection, library, name, at)
        account_id, subject_id = find_subject(connection, playbook.subject, subject)
        book, calendar = book_at(connection, library, playbook, account_id, at)
        if subject_id not in book.subjects[playbook.subject]:
            raise NothingToExplainError(
                f"{playbook.subject} {subject_id} was not known at {format_instant(at)}"
            )
        view = BookView(book, playbook.subject, subject_id, at, calendar.zone)
        audience, when = _traced(playbook.audience, view), _traced(playbook.when, view)
        runs = _runs(connection, playbook, subject_id, at)
        episodes = _episodes(connection, playbook, subject_id, at)
        decisions = _decisions(connection, playbook, subject_id, at)
        turn = turn_at(
            playbook, subject_id, at, lambda then: book_at(connection, library, playbook, account_id, then)
        )
    verdict = _together(playbook, audience, when)
    return Explanation(
        playbook.name,
        playbook.subject,
        subject_id,
        account_id,
        at,
        _conclusion(playbook, live_since, at, audience, when, episodes, runs, decisions, turn),
        verdict,
        audience,
        when,
        [
            *(OPERATORS[each.predicate.operator].words(each.predicate) for each in playbook.on),
            *([turn_words(turn)] if turn is not None else []),
        ],
        episodes,
        runs,
        decisions,
    )


def _playbook(
    connection: Connection, library: Library, name: str, at: datetime
) -> tuple[Playbook, datetime | None]:
    """The version that was live at `at`, else the present one, and since when the playbook is live."""
    live_since = connection.scalar(select(_RULEBOOK.c.live_since).where(_RULEBOOK.c.playbook == name))
    version = connection.scalar(
        select(_VERSION.c.version)
        .where(_VERSION.c.playbook == name, _VERSION.c.first_seen_at <= at)
        .order_by(_VERSION.c.first_seen_at.desc())
        .limit(1)
    )
    if version is not None:
        return library.playbook(version), live_since
    loaded = {each.name: each for each in library.rules.playbooks}
    if name not in loaded:
        known = ", ".join(sorted(loaded)) or "none"
        raise NothingToExplainError(f'there is no playbook "{name}"; known are: {known}')
    return loaded[name], live_since


def find_subject(connection: Connection, kind: Kind, subject: str) -> tuple[str, str]:
    """The account and the subject that `subject` names, which may be an account with one such subject.

    Raises NothingToExplainError.
    """
    account: Any = TABLES[Kind.ACCOUNT].__table__  # type: ignore[attr-defined]
    is_account = connection.scalar(select(account.c.id).where(account.c.id == subject)) is not None
    if kind is Kind.ACCOUNT:
        if not is_account:
            raise NothingToExplainError(f'there is no account "{subject}"')
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
    raise NothingToExplainError(f'there is no {kind} "{subject}"')


def book_at(
    connection: Connection, library: Library, playbook: Playbook, account_id: str, at: datetime
) -> tuple[Book, LocalCalendar]:
    """The account as it was known at `at`, with all that the playbook reads, and its calendar."""
    reader = BookReader(library.catalogue, needs([playbook]))
    book = reader.read(connection, {account_id: Start(at)}, late_at=at)[account_id].book
    world = build_world(connection, library, live_set(connection, library))
    return book, world.calendar(book.account)


def _traced(condition: Condition | None, view: BookView) -> Trace | None:
    return None if condition is None else trace(condition, view)


def _together(playbook: Playbook, audience: Trace | None, when: Trace | None) -> bool | None:
    """Audience and `when`, with `on_missing` in place of an unknown `when`, as an episode takes them."""
    if when is None:
        return None
    verdicts = [_counted(playbook, when), *([audience.verdict] if audience is not None else [])]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _counted(playbook: Playbook, when: Trace) -> bool | None:
    if when.verdict is None and playbook.on_missing is not Missing.FREEZE:
        return playbook.on_missing is Missing.TRUE
    return when.verdict


def _episodes(connection: Connection, playbook: Playbook, subject_id: str, at: datetime) -> list[Facts]:
    query = (
        select(
            _EPISODE.c.key,
            _EPISODE.c.since,
            _EPISODE.c.opened_at,
            _EPISODE.c.resolved_at,
            _EPISODE.c.lapsed_at,
            _EPISODE.c.owed,
            _EPISODE.c.run_id,
            _EPISODE.c.reason,
        )
        .where(
            _EPISODE.c.playbook == playbook.name, _EPISODE.c.subject_id == subject_id, _EPISODE.c.since <= at
        )
        .order_by(_EPISODE.c.since.desc(), _EPISODE.c.id)
        .limit(10)
    )
    return [_as_of(row._asdict(), at) for row in connection.execute(query)][::-1]


def _runs(connection: Connection, playbook: Playbook, subject_id: str, at: datetime) -> list[Facts]:
    query = (
        select(_RUN.c.id, _RUN.c.key, _RUN.c.started_at, _RUN.c.ended_at, _RUN.c.outcome, _RUN.c.reason)
        .where(_RUN.c.playbook == playbook.name, _RUN.c.subject_id == subject_id, _RUN.c.started_at <= at)
        .order_by(_RUN.c.started_at.desc(), _RUN.c.id)
        .limit(10)
    )
    return [_as_of(row._asdict(), at) for row in connection.execute(query)][::-1]


def _as_of(row: dict[str, Any], at: datetime) -> Facts:
    """The row without what happened to it after `at`."""
    for name in ("opened_at", "resolved_at", "lapsed_at", "ended_at"):
        if row.get(name) is not None and row[name] > at:
            row[name] = None
            if name == "ended_at":
                row["outcome"] = None
    return row


def _decisions(connection: Connection, playbook: Playbook, subject_id: str, at: datetime) -> Sequence[Facts]:
    query = (
        select(_DECISION.c.at, _DECISION.c.answer, _DECISION.c.reason, _DECISION.c.step)
        .where(
            _DECISION.c.playbook == playbook.name, _DECISION.c.subject_id == subject_id, _DECISION.c.at <= at
        )
        .order_by(_DECISION.c.at.desc(), _DECISION.c.id.desc())
        .limit(10)
    )
    return [row._asdict() for row in connection.execute(query)][::-1]


def _conclusion(
    playbook: Playbook,
    live_since: datetime | None,
    at: datetime,
    audience: Trace | None,
    when: Trace | None,
    episodes: Sequence[Facts],
    runs: Sequence[Facts],
    decisions: Sequence[Facts],
    turn: Turn | None,
) -> str:
    """The one sentence that answers the question."""
    under_way = [each for each in runs if each["ended_at"] is None]
    if under_way:
        newest = under_way[-1]
        return f"It runs, since {format_instant(newest['started_at'])}: {newest['reason']}."
    if live_since is None or live_since > at:
        return "The playbook was not live then; what follows is how its condition would have been judged."
    if turn is not None and when is None and not _open(episodes):
        return turn_conclusion(playbook, turn, live_since, runs)
    if audience is not None and audience.verdict is not True:
        how = "is not in" if audience.verdict is False else "may or may not be in"
        return f"It does not run: the {playbook.subject} {how} the audience, for {because(audience)}."
    standing = _open(episodes)
    if standing:
        return _standing(standing[-1], decisions, _again(playbook, runs))
    if when is None:
        return "It does not run: none of its moments has happened and met its condition."
    if when.verdict is None:
        counted = _counted(playbook, when)
        counts = "" if counted is None else f", which counts as {str(counted).lower()} here"
        runs_not = "Its condition holds" if counted else "It does not run"
        return f"{runs_not}: the answer is unknown{counts}, for {because(when)}."
    if when.verdict is False:
        return f"It does not run: {because(when)}."
    return "Its condition holds; the next tick decides."


def _open(episodes: Sequence[Facts]) -> list[Facts]:
    return [each for each in episodes if each["resolved_at"] is None]


def _again(playbook: Playbook, runs: Sequence[Facts]) -> str:
    """When a state that lasts starts the playbook again."""
    if playbook.repeat_every is None or not runs:
        return "it must resolve first"
    return f"it starts again at {format_instant(runs[-1]['started_at'] + playbook.repeat_every)}"


def _standing(episode: Facts, decisions: Sequence[Facts], again: str) -> str:
    since = format_instant(episode["since"])
    if episode["owed"] is not None:
        answer = f"owed: {episode['owed']}"
        why = [f" ({each['reason']})" for each in decisions if each["answer"] == answer and each["reason"]]
        reason = why[-1] if why else ""
        return f"It holds since {since}; the start is owed: {episode['owed'].replace('_', ' ')}{reason}."
    if episode["lapsed_at"] is not None:
        lapsed = format_instant(episode["lapsed_at"])
        return f"It has not held since {lapsed}, and still counts as the stretch that began at {since}."
    if episode["opened_at"] is None and episode["run_id"] is None:
        return f"It holds since {since} and is waiting, or held already when the playbook went live."
    return f"It does not run now: it holds since {since} and has run for this stretch; {again}."


def as_plain(found: Explanation) -> dict[str, Any]:
    """The explanation as plain JSON values."""
    return {
        "playbook": found.playbook,
        "kind": found.kind,
        "subject": found.subject_id,
        "account_id": found.account_id,
        "at": format_instant(found.at),
        "conclusion": found.conclusion,
        "verdict": found.verdict,
        "audience": _tree(found.audience),
        "when": _tree(found.when),
        "moments": list(found.moments),
        "episodes": [_json(each) for each in found.episodes],
        "runs": [_json(each) for each in found.runs],
        "decisions": [_json(each) for each in found.decisions],
    }


def _tree(node: Trace | None) -> dict[str, Any] | None:
    if node is None:
        return None
    found: dict[str, Any] = {"path": node.path, "words": node.words, "verdict": node.verdict}
    if node.children:
        found["children"] = [_tree(each) for each in node.children]
    else:
        found.update(actual=node.actual, wanted=node.wanted)
    return found


def _json(row: Facts) -> dict[str, Any]:
    return {name: format_instant(each) if isinstance(each, datetime) else each for name, each in row.items()}
