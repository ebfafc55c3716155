"""Posted items turned into entries for the intake; what does not fit is refused item by item."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.api.problems import Problem
from engine.api.values import ValueRefused, read_name, read_time, read_value, unknown_name
from engine.conditions.catalogue import Catalogue, Field, FieldType, Kind, Value
from engine.state.ingest import Entry, EventEntry

MOST_ITEMS = 1000
"""Accounts or events in one post."""
MOST_PARTS = 500
"""Contacts, subscriptions, tickets or metrics of one account in one post."""
MOST_PROPERTIES = 100
"""Properties of one event."""
MOST_FAULTS = 20
"""Unknown or ill-typed fields told of one item."""

_PARTS = {"contacts": Kind.CONTACT, "subscriptions": Kind.SUBSCRIPTION, "tickets": Kind.TICKET}
_METRIC_VALUE = Field(Kind.METRIC, "value", FieldType.NUMBER)
_LARGEST_WHOLE = 2**53


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an item."""

    pointer: str
    detail: str
    mend: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that was not taken, with everything wrong with it."""

    index: int
    id: str | None
    errors: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class AccountItem:
    """One posted account, with its parts, ready for the intake."""

    index: int
    id: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class EventItem:
    """One posted event, ready for the intake."""

    index: int
    id: str
    event: EventEntry


@dataclass
class _Faults:
    """Collects what is wrong with one item, so that everything is told at once."""

    found: list[Fault] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether enough has been found to say what is wrong."""
        return len(self.found) >= MOST_FAULTS

    def add(self, pointer: str, refused: ValueRefused) -> None:
        """Note one thing."""
        self.found.append(Fault(pointer, refused.detail, refused.mend))


def items_under(body: Any, key: str) -> list[Any]:
    """The list under `key` of a posted object. Raises Problem (400, 422) when the frame does not fit."""
    if not isinstance(body, dict) or not isinstance(body.get(key), list):
        raise Problem(400, "Body does not fit", f'Send an object with a list under "{key}".')
    extra = [name for name in body if name != key]
    if extra:
        raise Problem(
            400, "Body does not fit", f'Unknown key "{extra[0][:80]}" beside "{key}"; leave it out.'
        )
    items: list[Any] = body[key]
    if len(items) > MOST_ITEMS:
        detail = f"{len(items):,} items were sent; send at most {MOST_ITEMS:,} at a time."
        raise Problem(422, "Too many items", detail)
    return items


def read_accounts(
    items: Iterable[Any], catalogue: Catalogue, now: datetime
) -> tuple[list[AccountItem], list[Rejected]]:
    """Accounts as entries. An item is taken whole or, with the reasons, not at all."""
    reader = _AccountReader(catalogue, now)
    taken: list[AccountItem] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(items):
        found = reader.read(index, item)
        if isinstance(found, Rejected):
            rejected.append(found)
        else:
            taken.append(found)
    return taken, rejected


class _AccountReader:
    """Reads the accounts of one post, in which nothing may be named twice."""

    def __init__(self, catalogue: Catalogue, now: datetime) -> None:
        self._fields = {kind: catalogue.of_kind(kind) for kind in Kind}
        self._now = now
        self._named: dict[tuple[Kind, str], str] = {}

    def read(self, index: int, item: Any) -> AccountItem | Rejected:
        """The account with all its parts, or everything wrong with it."""
        at = f"/accounts/{index}"
        faults = _Faults()
        if not isinstance(item, dict):
            return Rejected(index, None, (Fault(at, "this is not an object", "send one object an account"),))
        account_id = self._id(Kind.ACCOUNT, item.get("id"), f"{at}/id", faults)
        if account_id is None:
            return Rejected(index, _shown_id(item), tuple(faults.found))
        effective = _time(item.get("effective_at"), self._now, f"{at}/effective_at", faults)
        own = {
            key: value for key, value in item.items() if key not in {*_PARTS, "metrics", "id", "effective_at"}
        }
        values = self._values(Kind.ACCOUNT, own, at, faults)
        entries = [Entry(Kind.ACCOUNT, account_id, account_id, values, effective, self._now)]
        for key, kind in _PARTS.items():
            entries += self._parts(kind, account_id, item.get(key), effective, f"{at}/{key}", faults)
        entries += self._metrics(account_id, item.get("metrics"), effective, f"{at}/metrics", faults)
        if faults.found:
            return Rejected(index, account_id, tuple(faults.found))
        return AccountItem(index, account_id, tuple(entries))

    def _id(self, kind: Kind, given: Any, at: str, faults: _Faults) -> str | None:
        try:
            name = read_name(given, f"the id of the {kind.value}")
            before = self._named.setdefault((kind, name), at)
            if before != at:
                raise ValueRefused(f'{kind.value} "{name}" is named twice, first at {before}', "send it once")
        except ValueRefused as refused:
            faults.add(at, refused)
            return None
        return name

    def _values(self, kind: Kind, given: dict[str, Any], at: str, faults: _Faults) -> dict[str, Value | None]:
        fields = self._fields[kind]
        values: dict[str, Value | None] = {}
        for name, value in given.items():
            if faults.is_full:
                break
            pointer = f"{at}/{_escaped(name)}"
            declared = fields.get(name)
            if declared is None:
                faults.add(pointer, unknown_name(name, (*fields, *_PARTS, "metrics"), f"{kind.value} field"))
                continue
            try:
                values[name] = read_value(declared, value)
            except ValueRefused as refused:
                faults.add(pointer, refused)
        return values

    def _parts(
        self, kind: Kind, account_id: str, given: Any, effective: datetime, at: str, faults: _Faults
    ) -> Iterator[Entry]:
        if given is None:
            return
        if not isinstance(given, list) or len(given) > MOST_PARTS:
            faults.add(
                at, ValueRefused("this is not a list that fits", f"send a list of at most {MOST_PARTS}")
            )
            return
        for place, part in enumerate(given):
            pointer = f"{at}/{place}"
            if not isinstance(part, dict):
                faults.add(pointer, ValueRefused("this is not an object", f"send one object a {kind.value}"))
                continue
            part_id = self._id(kind, part.get("id"), f"{pointer}/id", faults)
            since = effective
            if part.get("effective_at") is not None:
                since = _time(part["effective_at"], self._now, f"{pointer}/effective_at", faults)
            own = {key: value for key, value in part.items() if key not in {"id", "effective_at"}}
            values = self._values(kind, own, pointer, faults)
            if part_id is not None:
                yield Entry(kind, part_id, account_id, values, since, self._now)

    def _metrics(
        self, account_id: str, given: Any, effective: datetime, at: str, faults: _Faults
    ) -> Iterator[Entry]:
        if given is None:
            return
        if not isinstance(given, dict) or len(given) > MOST_PARTS:
            faults.add(at, ValueRefused("this is not an object that fits", 'send {"logins_30d": 12}'))
            return
        for name, number in given.items():
            pointer = f"{at}/{_escaped(name)}"
            try:
                metric = read_name(name, "the name of a metric")
                value = read_value(_METRIC_VALUE, number)
            except ValueRefused as refused:
                faults.add(pointer, refused)
                continue
            yield Entry(
                Kind.METRIC, f"{account_id}:{metric}", account_id, {"value": value}, effective, self._now
            )


def read_events(items: Iterable[Any], now: datetime) -> tuple[list[EventItem], list[Rejected]]:
    """Events as entries. What is wrong with an item is told all at once."""
    taken: list[EventItem] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(items):
        found = _read_event(index, item, now)
        if isinstance(found, Rejected):
            rejected.append(found)
        else:
            taken.append(found)
    return taken, rejected


_EVENT_KEYS = ("id", "account_id", "name", "occurred_at", "subject_id", "properties")


def _read_event(index: int, item: Any, now: datetime) -> EventItem | Rejected:
    at = f"/events/{index}"
    faults = _Faults()
    if not isinstance(item, dict):
        return Rejected(index, None, (Fault(at, "this is not an object", "send one object an event"),))
    for name in item:
        if name not in _EVENT_KEYS and not faults.is_full:
            faults.add(f"{at}/{_escaped(name)}", unknown_name(name, _EVENT_KEYS, "key"))
    names = {key: _name(item.get(key), f"the {key}", f"{at}/{key}", faults) for key in _EVENT_KEYS[:3]}
    subject = item.get("subject_id")
    if subject is not None:
        subject = _name(subject, "the subject_id", f"{at}/subject_id", faults)
    occurred = _time(item.get("occurred_at"), now, f"{at}/occurred_at", faults)
    properties = _properties(item.get("properties"), f"{at}/properties", faults)
    if faults.found:
        return Rejected(index, _shown_id(item), tuple(faults.found))
    event = EventEntry(
        names["id"],
        names["account_id"],
        names["name"],
        occurred,
        now,
        subject_id=subject,
        properties=properties,
    )
    return EventItem(index, names["id"], event)


def _name(given: Any, what: str, at: str, faults: _Faults) -> str:
    try:
        return read_name(given, what)
    except ValueRefused as refused:
        faults.add(at, refused)
        return ""


def _time(given: Any, now: datetime, at: str, faults: _Faults) -> datetime:
    """When it was so; now, where nothing is said."""
    if given is None:
        return now
    try:
        return read_time(given, now)
    except ValueRefused as refused:
        faults.add(at, refused)
        return now


def _properties(given: Any, at: str, faults: _Faults) -> dict[str, Any] | None:
    if given is None:
        return None
    if not isinstance(given, dict) or len(given) > MOST_PROPERTIES:
        mend = f"send an object of at most {MOST_PROPERTIES} properties"
        faults.add(at, ValueRefused("this is not an object that fits", mend))
        return None
    kept: dict[str, Any] = _plain(given)
    return kept


def _plain(value: Any) -> Any:
    """Decimals as the numbers that JSON columns keep."""
    if isinstance(value, Decimal):
        is_whole = abs(value) <= _LARGEST_WHOLE and value == value.to_integral_value()
        return int(value) if is_whole else _finite(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


def _finite(value: Decimal) -> float | str:
    """A float, or the digits as text where no float can hold the number."""
    return float(value) if value.adjusted() < 300 else str(value)


def _shown_id(item: dict[str, Any]) -> str | None:
    given = item.get("id")
    return given[:200] if isinstance(given, str) else None


def _escaped(name: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901)."""
    return name[:80].replace("~", "~0").replace("/", "~1")
