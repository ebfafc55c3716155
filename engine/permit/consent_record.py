"""What is on record about a person's leave to be written to: what holds now, and every change of it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, or_, select

from engine.clock.zones import format_instant
from engine.permit.objections import objections, person_keys
from engine.permit.suppression import address_key, one
from engine.state.tables import Change, ConsentChange, Contact

SHOWN = 200
"""Changes of each kind in a record, the newest."""

_contact: Table = Contact.__table__  # type: ignore[attr-defined]
_consent: Table = ConsentChange.__table__  # type: ignore[attr-defined]
_change: Table = Change.__table__  # type: ignore[attr-defined]
_OWN = "preferences"
"""The source of consent that follows from an opt-out, which is on record itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: who wanted what, when, and by which way."""

    at: datetime
    change: str
    """opted_out, opted_in, suppressed, released; or the consent that a source gave: granted, withdrawn …"""
    topic: str
    """Empty for everything."""
    how: str
    """one_click, link, preference_page, command, api, console, bounce, complaint; or `source`."""
    by: str | None
    """Who of ours, or which source; None where it was the person."""
    address: str | None
    contact_id: str | None
    account_id: str | None
    note: str


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about one address, in whichever accounts it is known."""

    address: str
    contacts: tuple[Row[Any], ...]
    """id, account_id, name, email, status and consent of each."""
    suppression: Row[Any] | None
    topics: tuple[str, ...]
    """What the person opted out of; an empty one is everything."""
    entries: tuple[Entry, ...]
    """The oldest first."""

    @property
    def is_known(self) -> bool:
        """Whether there is anything at all."""
        return bool(self.contacts or self.suppression or self.topics or self.entries)


def record_of(connection: Connection, email: str) -> Record:
    """What is on record about an address, however it is written."""
    key = address_key(email)
    contacts = _contacts_of(connection, key, email.strip())
    keys = {key, *(each for row in contacts for each in person_keys(row.id, row.email))}
    found = objections(connection, keys)
    return Record(
        key,
        contacts,
        one(connection, key),
        found.of(keys),
        entries(connection, keys, [row.id for row in contacts], SHOWN),
    )


def entries(
    connection: Connection, addresses: Iterable[str], contacts: Collection[str], limit: int
) -> tuple[Entry, ...]:
    """The newest changes about these addresses and contacts, the oldest of them first."""
    who = or_(_consent.c.address.in_(sorted(addresses)), _consent.c.contact_id.in_(sorted(contacts)))
    query = select(_consent).where(who).order_by(_consent.c.at.desc(), _consent.c.id.desc())
    rows = connection.execute(query.limit(limit)).all()
    found = [
        Entry(
            row.at,
            row.change,
            row.topic,
            row.how,
            row.by,
            row.address,
            row.contact_id,
            row.account_id,
            row.note,
        )
        for row in reversed(rows)
    ]
    found += _from_sources(connection, contacts, limit)
    return tuple(sorted(found, key=lambda each: each.at)[-limit:])


def _from_sources(connection: Connection, contacts: Collection[str], limit: int) -> list[Entry]:
    """Consent as sources gave it, which is kept as every change of a field is."""
    asked = and_(
        _change.c.kind == "contact",
        _change.c.field == "consent",
        _change.c.subject_id.in_(sorted(contacts)),
        _change.c.source != _OWN,
    )
    query = select(_change).where(asked).order_by(_change.c.applies_at.desc(), _change.c.id.desc())
    return [
        Entry(
            row.effective_at,
            row.new or "no longer given",
            "",
            "source",
            row.source or None,
            None,
            row.subject_id,
            row.account_id,
            "",
        )
        for row in reversed(connection.execute(query.limit(limit)).all())
    ]


def _contacts_of(connection: Connection, key: str, written: str) -> tuple[Row[Any], ...]:
    """The contacts with the address as it is written or in lower case, and who was known by it."""
    columns = [_contact.c[name] for name in ("id", "account_id", "name", "email", "status", "consent")]
    known = select(_consent.c.contact_id).where(_consent.c.address == key)
    is_meant = or_(_contact.c.email.in_(sorted({key, written})), _contact.c.id.in_(known))
    return tuple(connection.execute(select(*columns).where(is_meant).order_by(_contact.c.id).limit(SHOWN)))


_WAYS = {
    "one_click": "by the one-click link of a mail program",
    "link": "on the page behind the link of an email",
    "preference_page": "on the preference page",
    "command": "on the command line",
    "api": "over the API",
    "console": "in the console",
    "bounce": "by a bounce",
    "complaint": "by a complaint",
    "source": "as a source said it",
}


def in_words(each: Entry) -> str:
    """A change as a person reads it: what, by which way, who and why."""
    what = {
        "opted_out": f"opted out of {each.topic or 'everything'}",
        "opted_in": f"opted in to {each.topic or 'everything'}",
    }.get(each.change, each.change if each.how != "source" else f"consent {each.change}")
    by = f", {each.by}" if each.by else ""
    why = f": {each.note}" if each.note else ""
    return f"{what} {_WAYS.get(each.how, each.how)}{by}{why}"


def plain(record: Record) -> dict[str, Any]:
    """The record as JSON has it."""
    suppression = record.suppression
    return {
        "address": record.address,
        "suppressed": None
        if suppression is None
        else {
            "reason": suppression.reason,
            "since": format_instant(suppression.since),
            "by": suppression.by,
            "why": suppression.note,
        },
        "opted_out": [topic or "everything" for topic in record.topics],
        "contacts": [
            {name: getattr(each, name) for name in ("id", "account_id", "name", "status", "consent")}
            for each in record.contacts
        ],
        "changes": [plain_entry(each) for each in record.entries],
    }


def plain_entry(each: Entry) -> dict[str, Any]:
    """A change as JSON has it."""
    is_about_topics = each.change in ("opted_out", "opted_in")
    return {
        "at": format_instant(each.at),
        "change": each.change,
        "topic": (each.topic or "everything") if is_about_topics else None,
        "how": each.how,
        "by": each.by,
        "address": each.address,
        "contact_id": each.contact_id,
        "account_id": each.account_id,
        "why": each.note,
    }
