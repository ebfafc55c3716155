"""The blast radius: a playbook that would start too often at once is held until somebody looks."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.clock.zones import format_instant
from engine.identity import digest
from engine.rulefile.model import Guard


@dataclass(frozen=True, slots=True)
class Opening:
    """An opening that nothing but the guard can stop."""

    playbook: str
    account_id: str
    episode_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Openings of one playbook at one instant that are held together."""

    id: str
    playbook: str
    at: datetime
    size: int
    reason: str
    episodes: frozenset[str]


def guard(
    openings: Iterable[Opening],
    guards: Mapping[str, Guard],
    earlier: Mapping[str, Sequence[datetime]],
    known: Mapping[tuple[str, datetime], bool],
    subjects: Callable[[str, datetime], int] = lambda name, at: 0,
) -> list[Batch]:
    """The batches to hold: those that take a playbook beyond `max_starts` within its stretch of time.

    `earlier` has the instants of the playbook's openings, started or held, before this pass. Openings
    of one instant stand or fall together, so the answer does not depend on how they were gathered.
    `known` has the holds written before, by playbook and instant, and whether each is still held: a pass
    that was cut short wrote them, counted whole, for openings of which some are only here now.
    `subjects` says how many a playbook could be about at an instant; asked where it limits a share of them.
    """
    grouped: dict[tuple[str, datetime], list[Opening]] = defaultdict(list)
    for opening in openings:
        grouped[opening.playbook, opening.at].append(opening)
    counted = {name: list(instants) for name, instants in earlier.items()}
    held = []
    for (name, at), batch in sorted(grouped.items(), key=lambda item: (item[0][1], item[0][0])):
        if known.get((name, at)):
            held.append(_batch(name, at, batch, "an earlier pass held it"))
            continue
        limit = guards[name]
        before = counted.setdefault(name, [])
        recent = sum(at - limit.within < instant <= at for instant in before)
        before.extend(each.at for each in batch)
        allowed = limit.allowed(subjects(name, at - limit.within) if limit.max_share is not None else 0)
        if recent + len(batch) > allowed:
            reason = _excess(len(batch), recent, limit, allowed)
            held.append(_batch(name, at, batch, reason, is_second=(name, at) in known))
    return held


def _excess(size: int, recent: int, limit: Guard, allowed: int) -> str:
    hours = limit.within.total_seconds() / 3600
    share = f", {limit.max_share:f}% of those there were" if allowed < limit.max_starts else ""
    would = f"{size} would start at once after {recent} in the last {hours:g} h"
    return f"{would}; the guard allows {allowed}{share}"


def _batch(
    name: str, at: datetime, batch: Sequence[Opening], reason: str, *, is_second: bool = False
) -> Batch:
    """The hold of these openings; `is_second` where the first hold of that instant is released already."""
    episodes = frozenset(each.episode_id for each in batch)
    mark = sorted(episodes) if is_second else ()
    return Batch(digest("hold", name, format_instant(at), *mark), name, at, len(batch), reason, episodes)
