"""How inputs move an account's book on, and what they touch."""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from engine.conditions.catalogue import Kind, Value
from engine.fold.case import Case
from engine.fold.moments import field_of
from engine.fold.view import Place
from engine.state.book import EXISTS, ChangeInput, DataInput, EventInput, Past

NEVER = datetime.min.replace(tzinfo=UTC)
"""Before any instant."""

_PLACES_OF_TIME = frozenset({(Kind.ACCOUNT, "timezone"), (Kind.ACCOUNT, "country")})


@dataclass(slots=True)
class Touched:
    """What a batch of inputs has touched."""

    before: dict[Place, Value | None] = field(default_factory=dict)
    """Values from just before the batch."""
    fields: set[tuple[Kind, str]] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    created: set[tuple[Kind, str]] = field(default_factory=set)

    @property
    def zone_moved(self) -> bool:
        """Whether the account's days may begin, or its work may rest, at other times than before."""
        return not self.fields.isdisjoint(_PLACES_OF_TIME)


def take_in(case: Case, batch: Sequence[DataInput], touched: Touched) -> list[DataInput]:
    """Move the book on by inputs that are effective together; what of them moves nothing is marked so."""
    taken = [_as_known(case, item) for item in batch]
    for item in taken:
        if isinstance(item, EventInput):
            case.book.happen(item.name, item.effective_at, item.properties)
            touched.events.add(item.name)
            continue
        touched.fields |= {(item.kind, field_of(item)), (item.kind, item.field)}
        if item.field == EXISTS:
            case.book.subjects[item.kind].setdefault(item.subject_id, {})
            touched.created.add((item.kind, item.subject_id))
            if item.kind is Kind.ACCOUNT:
                known = case.book.known_since or item.effective_at
                case.book.known_since = min(known, item.effective_at)
            touched.before[item.kind, item.subject_id, EXISTS] = None
        else:
            _change(case, item, touched.before)
    case.book.moved()
    return taken


def _change(case: Case, item: ChangeInput, before: dict[Place, Value | None]) -> None:
    values = case.book.subjects[item.kind].setdefault(item.subject_id, {})
    _remember(case, item, values)
    if item.superseded:
        return
    before[item.kind, item.subject_id, item.field] = values.get(item.field)
    if item.new is None:
        values.pop(item.field, None)
    else:
        values[item.field] = item.new


def _as_known(case: Case, item: DataInput) -> DataInput:
    """The input as it stands beside what the fold itself has set, which was not known when it was taken in.

    A late value moves nothing where the fold has set the field after it was so; one that repeated what was
    known moves the field where the fold has set another since.
    """
    if isinstance(item, EventInput):
        return item
    set_at = case.set_at.get((item.kind, item.subject_id, item.field))
    if set_at is None:
        return item
    repeats = item.superseded and item.old == item.new
    return replace(item, superseded=item.effective_at < set_at or (item.superseded and not repeats))


def _remember(case: Case, item: ChangeInput, values: Mapping[str, Value]) -> None:
    """Keep what the field was, in effective order, for those who ask about its past."""
    history = case.book.histories.setdefault((item.subject_id, item.field), [])
    known = values.get(item.field)
    if not history and isinstance(known, Decimal):
        history.append((NEVER, known))
    if isinstance(item.new, Decimal):
        history.append((item.effective_at, item.new))
        history.sort(key=lambda each: each[0])
    course = case.book.courses.setdefault((item.kind, item.subject_id, item.field), [])
    insort(course, Past(item.effective_at, item.at, item.order, item.new))
