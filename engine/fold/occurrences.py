"""Moments that start runs: each one an episode of its own."""

from decimal import Decimal

from engine.clock.zones import format_instant
from engine.conditions.catalogue import Kind, Value
from engine.conditions.evaluate import evaluate, evidence, trace
from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Condition, Predicate
from engine.conditions.wording import label, show
from engine.episodes.episode import Episode, EpisodeState
from engine.fold.case import Case
from engine.fold.openings import admit
from engine.fold.view import BookView, Place
from engine.fold.world import LivePlaybook, moment_condition
from engine.identity import digest
from engine.match.question import question
from engine.rulefile.model import Playbook
from engine.state.book import ChangeInput, DataInput


def occur(
    case: Case,
    live: LivePlaybook,
    index: int,
    subject_id: str,
    cause: DataInput,
    before: dict[Place, Value | None],
    mark: str = "",
) -> None:
    """One moment of a playbook has happened to a subject: start a run if its condition holds.

    `mark` tells apart the moments that one change is at once.
    """
    playbook = live.playbook
    seen = before if isinstance(cause, ChangeInput) else {}
    view = case.view(playbook.subject, subject_id, before=seen, ahead_of=cause.effective_at if seen else None)
    condition = moment_condition(playbook, index)
    if condition is not None:
        verdict = evaluate(condition, view)
        if not verdict:
            return
        rule = f"{playbook.name}/on[{index}]"
        case.questions.append(question(rule, subject_id, condition, view, verdict))
    episode = _moment_episode(case, playbook, index, subject_id, cause, condition, view, mark)
    admit(case, playbook, episode)
    if episode.owed is not None:
        case.moments[episode.id] = episode
    else:
        episode.state, episode.resolved_at, episode.owed = EpisodeState.RESOLVED, case.now, None


def _moment_episode(
    case: Case,
    playbook: Playbook,
    index: int,
    subject_id: str,
    cause: DataInput,
    condition: Condition | None,
    view: BookView,
    crossed: str,
) -> Episode:
    predicate = playbook.on[index].predicate
    instant = cause.id if not isinstance(cause, ChangeInput) else format_instant(cause.effective_at)
    key = f"{predicate.path}@{instant}" + (f"@{crossed}" if crossed else "")
    episode = Episode(
        digest("episode", playbook.name, playbook.subject, subject_id, key),
        case.book.account_id,
        playbook.name,
        playbook.subject,
        subject_id,
        key,
        EpisodeState.ACTIVE,
        case.now,
        opened_at=case.now,
    )
    words = OPERATORS[predicate.operator].words(predicate)
    episode.reason = _happened(case, subject_id, predicate, cause, view)
    if crossed:
        episode.reason += f" (crossed {show(Decimal(crossed), predicate.field)})"
    happened = {"path": predicate.path, "words": words, "actual": episode.reason, "verdict": True}
    episode.evidence = [happened, *(evidence(trace(condition, view)) if condition is not None else [])]
    case.touch(episode)
    return episode


def _happened(case: Case, subject_id: str, predicate: Predicate, cause: DataInput, view: BookView) -> str:
    """The moment in words: "Kim Lee: status changed from active to departed"."""
    if not isinstance(cause, ChangeInput):
        return f"{cause.name.replace('_', ' ')} on {case.calendar.day_of(cause.effective_at):%-d %B %Y}"
    assert predicate.field is not None
    field = predicate.field
    words = f"changed from {show(view.known(field), field)} to {show(cause.new, field)}"
    if field.kind is Kind.ACCOUNT:
        return f"{label(field)} {words}"
    name = case.book.subjects[field.kind].get(subject_id, {}).get("name", subject_id)
    return f"{name}: {field.name.replace('_', ' ')} {words}"
