"""What has to be loaded of an account for a set of playbooks."""

from datetime import timedelta
from decimal import Decimal

from engine.conditions.catalogue import Field, Kind
from engine.conditions.tree import Crossing, Predicate, Stream, deep_predicates
from engine.fold.world import MOMENTS, conditions_of, reads
from engine.health.model import HEALTH, LiveHealth
from engine.rulefile.model import Playbook
from engine.state.book import Needs
from engine.state.flow import Reach


def needs(playbooks: list[Playbook], health: LiveHealth | None = None) -> Needs:
    """What has to be loaded of an account for these playbooks, and for its health."""
    kinds = {Kind.ACCOUNT, Kind.CONTACT}
    moved: frozenset[tuple[Kind, str]] = frozenset()
    if health is not None:
        kinds.update(kind for kind, _ in health.model.places())
        moved = frozenset({_place(HEALTH)})
    events: set[str] = set()
    latched: dict[tuple[Kind, str], tuple[Decimal, Decimal]] = {}
    courses: dict[tuple[Kind, str], timedelta] = {}
    lives: set[tuple[Kind, str]] = set()
    counted: dict[str, timedelta] = {}
    counted_in_runs: set[str] = set()
    flows: dict[Stream, Reach] = {}
    carried: set[str] = set()
    for playbook in playbooks:
        kinds.add(playbook.subject)
        for condition in conditions_of(playbook):
            read = reads(condition)
            kinds.update(kind for kind, _ in read.fields)
            events |= read.events
            for predicate in deep_predicates(condition):
                _add_band(predicate, latched)
                _add_course(predicate, courses, lives)
                stream = predicate.stream
                if stream is None or stream.is_plain:
                    _add_counted(predicate, counted, counted_in_runs)
                    continue
                carried.add(stream.name)
                if predicate.operator not in MOMENTS:
                    flows[stream] = flows.get(stream, Reach()) | _reach(predicate)
    return Needs(
        frozenset(kinds),
        frozenset(events),
        latched,
        courses,
        frozenset(lives),
        counted,
        frozenset(counted_in_runs),
        flows,
        frozenset(carried),
        moved,
    )


def _reach(predicate: Predicate) -> Reach:
    """How far back it asks about its events."""
    window = predicate.window if predicate.derived is None else predicate.derived.window
    if window is None:
        return Reach(in_runs=True)
    return Reach(window.elapsed, is_newest=predicate.operator == "event_absent_for")


def _add_counted(predicate: Predicate, counted: dict[str, timedelta], in_runs: set[str]) -> None:
    """Events of which it counts when each of them happened, and over the last how long."""
    derived = predicate.derived
    if predicate.operator == "event_at_least":
        name, window = predicate.event, predicate.window
    else:
        name, window = (None, None) if derived is None else (derived.event, derived.window)
    if name is not None and window is not None:
        counted[name] = max(counted.get(name, timedelta(0)), window.elapsed)
    elif name is not None:
        in_runs.add(name)


def _add_band(predicate: Predicate, latched: dict[tuple[Kind, str], tuple[Decimal, Decimal]]) -> None:
    field, threshold, recovery = predicate.field, predicate.value, predicate.recovers_at
    if field is None or not isinstance(threshold, Decimal) or not isinstance(recovery, Decimal):
        return
    place = _place(field)
    low, high = sorted((threshold, recovery))
    known = latched.get(place, (low, high))
    latched[place] = (min(low, known[0]), max(high, known[1]))


def _add_course(
    predicate: Predicate, courses: dict[tuple[Kind, str], timedelta], lives: set[tuple[Kind, str]]
) -> None:
    if predicate.field is None:
        return
    place = _place(predicate.field)
    if isinstance(predicate.value, Crossing) and predicate.value.is_once:
        lives.add(place)
    elif predicate.window is not None:
        courses[place] = max(courses.get(place, timedelta(0)), predicate.window.elapsed)


def _place(field: Field) -> tuple[Kind, str]:
    """The kind and column in which a field's values are kept."""
    return field.kind, "value" if field.kind is Kind.METRIC else field.name
