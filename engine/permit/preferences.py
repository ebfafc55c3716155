"""What people choose to be written about: kept by person and topic, with every change on record."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import Connection, Engine, Table, delete, insert, select, text, update

from engine.conditions.catalogue import BUILT_IN, Kind
from engine.identity import digest
from engine.permit.objections import EVERYTHING, Objections, objections, person_keys
from engine.state.database import reading, writing
from engine.state.ingest import Entry, EventEntry, ingest
from engine.state.tables import IS_READY_FOR, ConsentChange, Contact, OptOut, Outbox
from engine.state.upsert import upsert

How: TypeAlias = Literal["one_click", "link", "preference_page", "command", "api"]
UNSUBSCRIBED = "email_unsubscribed"
"""The event of an opt-out; its `topic` is the topic, or `everything`."""
SOURCE = "preferences"

_contact: Table = Contact.__table__  # type: ignore[attr-defined]
_opt_out: Table = OptOut.__table__  # type: ignore[attr-defined]
_change: Table = ConsentChange.__table__  # type: ignore[attr-defined]
_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]


class UnknownPersonError(LookupError):
    """A link is genuine, but its person has been erased."""

    def __init__(self) -> None:
        super().__init__("the person this link was made for is no longer known here; nothing will be sent")


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, and the keys under which what they chose is kept."""

    contact_id: str
    account_id: str
    email: str | None
    consent: str | None

    @property
    def keys(self) -> tuple[str, ...]:
        """The address, where there is one, and the contact."""
        return person_keys(self.contact_id, self.email)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person has opted out of."""

    person: Person
    topics: frozenset[str]
    """`EVERYTHING` among them for all email."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is to be sent at all."""
        return EVERYTHING in self.topics or self.person.consent == "withdrawn"

    def wants(self, topic: str) -> bool:
        """Whether emails of the topic are welcome."""
        return not self.is_everything and topic not in self.topics


def chosen(database: Engine, contact_id: str) -> Chosen:
    """What the contact has opted out of. Raises UnknownPersonError."""
    with reading(database) as connection:
        person = _person(connection, contact_id)
        return Chosen(person, _topics(objections(connection, person.keys), person))


def opt_out(
    database: Engine, contact_id: str, topic: str, now: datetime, how: How, by: str | None = None
) -> bool:
    """Write no more about a topic, or of `EVERYTHING`; what waits is cancelled. Says whether that is new.

    It holds for the person and for the address, in every account. Repeating is harmless, and finishes what
    was cut short. Raises UnknownPersonError.
    """
    with writing(database) as connection:
        person = _person(connection, contact_id)
        is_new = topic not in _topics(objections(connection, person.keys), person)
        if is_new:
            rows = [{"key": key, "topic": topic, "since": now} for key in person.keys]
            upsert(connection, _opt_out, rows, keep=True)
            _note(connection, person, "opted_out", topic, now, how, by)
        _cancel_waiting(connection, person, topic, now)
        began = select(_opt_out.c.since).where(_opt_out.c.key.in_(person.keys), _opt_out.c.topic == topic)
        since = min(connection.scalars(began))
    _tell(database, person, topic, since, now)
    return is_new


def opt_in(
    database: Engine, contact_id: str, topic: str, now: datetime, how: How, by: str | None = None
) -> bool:
    """Write about a topic again; with `EVERYTHING`, about all that is not opted out of by itself.

    Raises UnknownPersonError.
    """
    with writing(database) as connection:
        person = _person(connection, contact_id)
        gone = connection.execute(
            delete(_opt_out).where(_opt_out.c.key.in_(person.keys), _opt_out.c.topic == topic)
        )
        gives_consent = topic == EVERYTHING and person.consent == "withdrawn"
        if gone.rowcount or gives_consent:
            _note(connection, person, "opted_in", topic, now, how, by)
    if gives_consent:
        _set_consent(database, person, "granted", now)
    return bool(gone.rowcount) or gives_consent


def choose(
    database: Engine, contact_id: str, wanted: Collection[str], offered: Iterable[str], now: datetime
) -> None:
    """Take over what a person ticked on the preference page. Nothing ticked means no email at all.

    Raises UnknownPersonError.
    """
    offered = list(offered)
    if not any(each in wanted for each in offered):
        opt_out(database, contact_id, EVERYTHING, now, "preference_page")
        return
    opt_in(database, contact_id, EVERYTHING, now, "preference_page")
    for topic in offered:
        if topic in wanted:
            opt_in(database, contact_id, topic, now, "preference_page")
        else:
            opt_out(database, contact_id, topic, now, "preference_page")


def _person(connection: Connection, contact_id: str) -> Person:
    wanted = select(_contact.c.id, _contact.c.account_id, _contact.c.email, _contact.c.consent)
    row = connection.execute(wanted.where(_contact.c.id == contact_id)).one_or_none()
    if row is None:
        raise UnknownPersonError
    return Person(row.id, row.account_id, row.email, row.consent)


def _topics(found: Objections, person: Person) -> frozenset[str]:
    return frozenset(topic for key in person.keys for topic in found.topics.get(key, ()))


def _note(
    connection: Connection, person: Person, change: str, topic: str, now: datetime, how: str, by: str | None
) -> None:
    row = {
        "at": now,
        "address": person.keys[0],
        "contact_id": person.contact_id,
        "account_id": person.account_id,
        "change": change,
        "topic": topic,
        "how": how,
        "by": by,
        "note": "",
    }
    connection.execute(insert(_change), [row])


def _cancel_waiting(connection: Connection, person: Person, topic: str, now: datetime) -> None:
    """What waits for the address with that topic; what waits for all topics is cancelled at its claim."""
    if topic == EVERYTHING:
        return
    waiting = (text(f"outbox.{IS_READY_FOR}"), _outbox.c.address.in_(person.keys), _outbox.c.topic == topic)
    why = f'the contact has opted out of the topic "{topic}"'
    values = {"state": "cancelled", "error": why, "waits_for": None, "finished_at": now}
    connection.execute(update(_outbox).where(*waiting).values(**values))


def _tell(database: Engine, person: Person, topic: str, since: datetime, now: datetime) -> None:
    """Let playbooks see it: as an event, and as withdrawn consent where it is about everything."""
    event = EventEntry(
        digest(UNSUBSCRIBED, person.contact_id, topic, since.isoformat()),
        person.account_id,
        UNSUBSCRIBED,
        occurred_at=since,
        recorded_at=now,
        subject_id=person.contact_id,
        properties={"topic": topic or "everything"},
    )
    ingest(database, BUILT_IN, [], [event], source=SOURCE)
    if topic == EVERYTHING and person.consent != "withdrawn":
        _set_consent(database, person, "withdrawn", now)


def _set_consent(database: Engine, person: Person, consent: str, now: datetime) -> None:
    values = {"consent": consent}
    entry = Entry(
        Kind.CONTACT, person.contact_id, person.account_id, values, effective_at=now, recorded_at=now
    )
    ingest(database, BUILT_IN, [entry], source=SOURCE)
