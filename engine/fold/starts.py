"""From verdicts to runs: episodes open, resolve, stay owed, and start."""

from datetime import datetime
from decimal import Decimal

from engine.admit.admission import Admitted, Joined, Postponed, admission
from engine.admit.guard import Opening
from engine.admit.silence import silence_at
from engine.clock.zones import format_instant
from engine.conditions.catalogue import Kind, Value, encode
from engine.conditions.evaluate import Trace, because, evaluate, evidence, trace
from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Condition, Predicate
from engine.conditions.wording import label, show
from engine.episodes.episode import Episode, EpisodeState, Owed, Transition, transition
from engine.fold import course
from engine.fold.case import Case
from engine.fold.view import BookView, Place
from engine.fold.world import LivePlaybook, date_of, moment_condition
from engine.identity import digest
from engine.match.question import question
from engine.rulefile.model import Missing, Playbook
from engine.runs.run import Decision, Run
from engine.state.book import ChangeInput, DataInput


def judge(case: Case, live: LivePlaybook, subject_id: str) -> None:
    """Let the present verdict of a `when` act on its subject's episode."""
    playbook = live.playbook
    view = case.view(playbook.subject, subject_id)
    verdict = verdict_of(live, view)
    episode = case.states.get((playbook.name, subject_id))
    if episode is not None and playbook.run_per is not None and verdict:
        key = _run_key(playbook, view)
        if key not in ("", episode.key):
            _resolve(case, playbook, episode, f"{label(playbook.run_per)} is {key} now")
            episode = None
    step = transition(episode, verdict, case.now, playbook.held_for, playbook.keep_active_for)
    if step is Transition.STAY:
        return
    _ask(case, live, subject_id)
    if step is Transition.RESOLVE:
        assert episode is not None
        _resolve(case, playbook, episode)
    elif step in (Transition.LAPSE, Transition.RENEW):
        assert episode is not None
        episode.lapsed_at = case.now if step is Transition.LAPSE else None
        case.touch(episode)
    elif step is Transition.PEND:
        _begin(case, live, subject_id, EpisodeState.PENDING)
    elif episode is None:
        _opened(case, playbook, _begin(case, live, subject_id, EpisodeState.ACTIVE))
    else:
        _note_grounds(live, case.view(playbook.subject, subject_id), episode)
        _opened(case, playbook, episode)


def verdict_of(live: LivePlaybook, view: BookView) -> bool | None:
    """Audience and `when`, with `on_missing` in place of an unknown `when`."""
    playbook = live.playbook
    assert playbook.when is not None
    when = evaluate(playbook.when, view)
    if when is None and playbook.on_missing is not Missing.FREEZE:
        when = playbook.on_missing is Missing.TRUE
    if playbook.audience is None:
        return when
    audience = evaluate(playbook.audience, view)
    if audience is False or when is False:
        return False
    return None if audience is None or when is None else True


def _ask(case: Case, live: LivePlaybook, subject_id: str) -> None:
    """Have the matcher confirm the verdict that is about to change an episode."""
    assert live.condition is not None
    view = case.view(live.playbook.subject, subject_id)
    expected = evaluate(live.condition, view)
    rule = f"{live.playbook.name}/when"
    case.questions.append(question(rule, subject_id, live.condition, view, expected))


def _begin(case: Case, live: LivePlaybook, subject_id: str, state: EpisodeState) -> Episode:
    playbook = live.playbook
    view = case.view(playbook.subject, subject_id)
    key = _run_key(playbook, view)
    times = sorted({case.learned or case.now, case.now})
    identity = digest(
        "episode", playbook.name, playbook.subject, subject_id, key, *map(format_instant, times)
    )
    episode = Episode(
        identity, case.book.account_id, playbook.name, playbook.subject, subject_id, key, state, case.now
    )
    _note_grounds(live, view, episode)
    case.states[playbook.name, subject_id] = episode
    case.touch(episode)
    return episode


def _run_key(playbook: Playbook, view: BookView) -> str:
    return "" if playbook.run_per is None else encode(view.value(playbook.run_per)) or ""


def _note_grounds(live: LivePlaybook, view: BookView, episode: Episode) -> None:
    """Keep with the episode why its condition holds, in words and as values."""
    assert live.condition is not None
    found = trace(live.condition, view)
    episode.reason, episode.evidence = because(_trigger_part(live, found)), evidence(found)


def _trigger_part(live: LivePlaybook, found: Trace) -> Trace:
    """The `when` without the audience: that is what a person wants to read."""
    return found.children[1] if live.playbook.audience is not None else found


def _resolve(case: Case, playbook: Playbook, episode: Episode, reason: str = "it no longer holds") -> None:
    was = episode.state
    episode.state, episode.resolved_at = EpisodeState.RESOLVED, case.now
    if episode.owed is not None:
        _decide(case, episode, "withdrawn", f"{reason} and had not started")
    elif was == EpisodeState.ACTIVE:
        _decide(case, episode, "resolved", reason)
    episode.owed = None
    case.retries.pop(episode.id, None)
    case.states.pop((playbook.name, episode.subject_id), None)
    case.touch(episode)


def _opened(case: Case, playbook: Playbook, episode: Episode) -> None:
    episode.state, episode.opened_at = EpisodeState.ACTIVE, case.now
    case.touch(episode)
    admit(case, playbook, episode)


def take_as_existing(case: Case, live: LivePlaybook, young: dict[str, datetime] | None) -> None:
    """Judge every subject of a playbook that goes live now, by its `existing`.

    `young` has the subjects whose state began within `existing: {since: …}`, with the instant.
    """
    playbook = live.playbook
    for subject_id in case.book.ids(playbook.subject):
        if (playbook.name, subject_id) in case.states or not verdict_of(
            live, case.view(playbook.subject, subject_id)
        ):
            continue
        fires = playbook.existing.mode == "fire" or subject_id in (young or {})
        if fires:
            judge(case, live, subject_id)
        else:
            episode = _begin(case, live, subject_id, EpisodeState.ACTIVE)
            _decide(case, episode, "existing", "it already held when the playbook went live")


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
    words = f"changed from {show(view.value(field), field)} to {show(cause.new, field)}"
    if field.kind is Kind.ACCOUNT:
        return f"{label(field)} {words}"
    name = case.book.subjects[field.kind].get(subject_id, {}).get("name", subject_id)
    return f"{name}: {field.name.replace('_', ' ')} {words}"


def admit(case: Case, playbook: Playbook, episode: Episode) -> None:
    """Start the run an open episode asks for, or record what stands in its way."""
    view = case.view(Kind(episode.kind), episode.subject_id)
    anchor = date_of(view.value(playbook.anchor), case.calendar) if playbook.anchor else None
    key = _run_key(playbook, view) if episode.is_moment else episode.key
    answer = admission(
        playbook,
        episode.subject_id,
        key,
        anchor,
        case.runs.get(playbook.name, []),
        case.now,
        silence_at(case.silences, playbook.name, case.now),
        case.muted_by(playbook.name),
    )
    match answer:
        case Joined(run_id, reason):
            _clear(case, episode)
            episode.run_id = run_id
            _decide(case, episode, "already", reason)
        case Postponed(owed, reason, _) if episode.is_moment and not owed.keeps_moments:
            _clear(case, episode)
            _decide(case, episode, "passed over", f"{reason}, and a moment does not last")
        case Postponed(owed, reason, until):
            _owe(case, episode, owed, reason)
            if until is not None:
                case.retries[episode.id] = until
        case Admitted():
            _start_unless_held(case, playbook, episode, key)


def _start_unless_held(case: Case, playbook: Playbook, episode: Episode, key: str) -> None:
    if episode.hold_id is not None:
        released_at = case.releases.get(episode.hold_id)
        if released_at is None or released_at > case.now:
            _owe(case, episode, Owed.HELD, "the guard holds it")
            return
    else:
        opening = _opening_id(case, episode)
        case.openings.append(Opening(playbook.name, case.book.account_id, opening, case.now))
        if opening in case.stopped:
            episode.hold_id = case.stopped[opening]
            _owe(case, episode, Owed.HELD, "the guard holds it: too many would start at once")
            return
    _clear(case, episode)
    _start(case, playbook, episode, key)


def _opening_id(case: Case, episode: Episode) -> str:
    """An episode that has started before opens anew each time; the guard must tell these apart."""
    if episode.run_id is None:
        return episode.id
    return digest("opening", episode.id, format_instant(case.now))


def _start(case: Case, playbook: Playbook, episode: Episode, key: str) -> None:
    runs = case.runs.setdefault(playbook.name, [])
    for under_way in list(case.open.values()):
        if (under_way.run.playbook, under_way.run.subject_id) == (playbook.name, episode.subject_id):
            course.stop(case, under_way, "restarted", "it starts anew")
    same = [run for run in runs if run.subject_id == episode.subject_id and run.key == key]
    generation = 1 + len(same)
    run = Run(
        digest("run", playbook.name, episode.subject_id, key, str(generation)),
        case.book.account_id,
        playbook.name,
        playbook.version,
        episode.kind,
        episode.subject_id,
        key,
        generation,
        "open",
        case.now,
        hold_id=episode.hold_id,
        reason=episode.reason,
        evidence=episode.evidence,
    )
    runs.append(run)
    episode.run_id = run.id
    case.touch(run)
    case.touch(episode)
    _decide(case, episode, "started", run.reason)
    course.enrol(case, playbook, run)
    course.mute_others(case, playbook)


def _owe(case: Case, episode: Episode, owed: Owed, reason: str) -> None:
    if episode.owed != owed:
        episode.owed = owed
        case.touch(episode)
        _decide(case, episode, f"owed: {owed}", reason)


def _clear(case: Case, episode: Episode) -> None:
    if episode.owed is not None:
        episode.owed = None
        case.touch(episode)
    case.retries.pop(episode.id, None)


def retry_owed(case: Case, level: int | None = None) -> bool:
    """Start what was owed and is no longer stopped, if it still holds. True when a run started.

    What mutes comes before what it mutes; `level` asks for the playbooks of one level alone.
    """
    started = _runs(case)
    owed = [each for each in case.states.values() if each.owed is not None or _is_again_due(case, each)]
    waiting = [each for each in [*owed, *case.moments.values()] if each.playbook in case.world.by_name]
    for episode in sorted(waiting, key=lambda each: _turn(case, each)):
        if level is None or case.world.level_of(episode.playbook) == level:
            _retry(case, case.world.by_name[episode.playbook], episode)
    return _runs(case) != started


def _runs(case: Case) -> tuple[int, int]:
    return len(case.openings), sum(len(each) for each in case.runs.values())


def repeats_at(case: Case, episode: Episode) -> datetime | None:
    """When an episode that has started opens again, if its state still holds then."""
    live = case.world.by_name.get(episode.playbook)
    if live is None or live.playbook.repeat_every is None:
        return None
    if episode.state != EpisodeState.ACTIVE or episode.owed is not None or episode.run_id is None:
        return None
    runs = case.runs.get(episode.playbook, [])
    started = [run.started_at for run in runs if run.subject_id == episode.subject_id]
    return max(started) + live.playbook.repeat_every if started else None


def _is_again_due(case: Case, episode: Episode) -> bool:
    at = repeats_at(case, episode)
    return at is not None and at <= case.now


def _turn(case: Case, episode: Episode) -> tuple[int, bool, datetime, str]:
    return case.world.level_of(episode.playbook), episode.is_moment, episode.since, episode.id


def _retry(case: Case, live: LivePlaybook, episode: Episode) -> None:
    if not episode.is_moment:
        view = case.view(live.playbook.subject, episode.subject_id)
        if verdict_of(live, view):
            if episode.owed is None:
                _note_grounds(live, view, episode)
                episode.hold_id = None
            admit(case, live.playbook, episode)
        return
    admit(case, live.playbook, episode)
    if episode.owed is None:
        episode.state, episode.resolved_at = EpisodeState.RESOLVED, case.now
        case.retries.pop(episode.id, None)
        del case.moments[episode.id]
        case.touch(episode)


def _decide(case: Case, episode: Episode, answer: str, reason: str) -> None:
    case.decide(
        Decision(
            episode.account_id,
            episode.playbook,
            episode.kind,
            episode.subject_id,
            case.now,
            answer,
            reason,
            episode.evidence,
            episode.run_id,
        )
    )
