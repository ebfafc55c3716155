"""The blast radius: a playbook that would start too often at once is held until somebody looks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

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
    openings: Iterable[Opening], guards: Mapping[str, Guard], earlier: Mapping[str, Sequence[datetime]]
) -> list[Batch]:
    """The batches to hold: those that take a playbook beyond `max_starts` within its stretch of time.

    `earlier` has the instants of the playbook's openings, started or held, before this pass. Openings
    of one instant stand or fall together, so the answer does not depend on how they were gathered.
    """
    grouped: dict[tuple[str, datetime], list[Opening]] = defaultdict(list)
    for opening in openings:
        grouped[opening.playbook, opening.at].append(opening)
    counted = {name: list(instants) for name, instants in earlier.items()}
    held = []
    for (name, at), batch in sorted(grouped.items(), key=lambda item: (item[0][1], item[0][0])):
        limit = guards[name]
        before = counted.setdefault(name, [])
        recent = sum(at - limit.within < instant <= at for instant in before)
        before.extend(each.at for each in batch)
        if recent + len(batch) > limit.max_starts:
            held.append(_batch(name, at, batch, recent, limit))
    return held


def _batch(name: str, at: datetime, batch: Sequence[Opening], recent: int, limit: Guard) -> Batch:
    hours = limit.within.total_seconds() / 3600
    reason = (
        f"{len(batch)} would start at once after {recent} in the last {hours:g} h; "
        f"the guard allows {limit.max_starts}"
    )
    episodes = frozenset(each.episode_id for each in batch)
    identity = digest("hold", name, at.isoformat(), *sorted(episodes))
    return Batch(identity, name, at, len(batch), reason, episodes)
