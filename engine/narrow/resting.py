"""Whether anybody asks for what a change of the settings lets rest on another source."""

from collections.abc import Collection, Iterable

from engine.conditions.catalogue import KEPT, METRIC_VALUE, Kind
from engine.fold.world import Reads, conditions_of, reads
from engine.health.model import LiveHealth
from engine.rulefile.model import Playbook


def may_concern(moved: Collection[str], playbooks: Iterable[Playbook], health: LiveHealth | None) -> bool:
    """Whether a playbook, or computed health, reads one of these events and paths of fields."""
    found = Reads() if health is None else Reads(health.model.places())
    for condition in (each for playbook in playbooks for each in conditions_of(playbook)):
        found |= reads(condition)
    return any(_reads(found, each) for each in moved)


def _reads(read: Reads, path: str) -> bool:
    kind, _, name = path.partition(".")
    if not name or kind not in KEPT:
        return path in read.events
    counted = {(Kind.METRIC, METRIC_VALUE.name)} if kind == Kind.METRIC else set()
    return not read.fields.isdisjoint({(Kind(kind), name), *counted})
