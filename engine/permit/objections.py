"""Who does not want to be written to, or cannot be: opted out of a topic or of all, or suppressed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, bindparam, literal, select, union_all

from engine.permit.suppression import address_key
from engine.state.tables import OptOut, Suppression

EVERYTHING = ""
"""The topic of an opt-out of all email."""

_suppression: Table = Suppression.__table__  # type: ignore[attr-defined]
_opt_out: Table = OptOut.__table__  # type: ignore[attr-defined]

_SUPPRESSED = "suppressed"
_AMONG: Any = union_all(
    select(
        _suppression.c.email.label("key"), literal("").label("topic"), literal(_SUPPRESSED).label("kind")
    ).where(_suppression.c.email.in_(bindparam("keys", expanding=True))),
    select(_opt_out.c.key, _opt_out.c.topic, literal("opted out")).where(
        _opt_out.c.key.in_(bindparam("keys", expanding=True))
    ),
)


@dataclass(frozen=True, slots=True)
class Objections:
    """What was found for some people."""

    suppressed: frozenset[str]
    topics: Mapping[str, frozenset[str]]
    """By key, what the person opted out of."""

    def is_suppressed(self, keys: Iterable[str]) -> bool:
        """Whether one of the addresses is."""
        return any(each in self.suppressed for each in keys)

    def of(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Every topic a person opted out of, `EVERYTHING` among them."""
        return tuple(sorted({each for key in keys for each in self.topics.get(key, ())}))

    def opted_out(self, keys: Iterable[str], topic: str | None) -> str | None:
        """What a person opted out of that covers emails of `topic`: everything, or the topic itself."""
        gone = self.of(keys)
        if EVERYTHING in gone:
            return EVERYTHING
        return topic if topic and topic in gone else None


NOBODY = Objections(frozenset(), {})


def person_keys(contact_id: str | None, *addresses: str | None) -> tuple[str, ...]:
    """The keys under which a person is known: every address, and the contact."""
    keys = dict.fromkeys(address_key(each) for each in addresses if each)
    return (*keys, f"contact:{contact_id}") if contact_id else tuple(keys)


def objections(connection: Connection, keys: Iterable[str]) -> Objections:
    """What is known of the people with these keys."""
    suppressed: set[str] = set()
    topics: dict[str, set[str]] = {}
    for row in connection.execute(_AMONG, {"keys": sorted(keys)}):
        if row.kind == _SUPPRESSED:
            suppressed.add(row.key)
        else:
            topics.setdefault(row.key, set()).add(row.topic)
    return Objections(frozenset(suppressed), {key: frozenset(found) for key, found in topics.items()})
