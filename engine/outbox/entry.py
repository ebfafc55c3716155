"""One claimed outbox row as a value, and what delivers it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Entry:
    """A rendered message this deliverer has a lease on, with a try on record as begun."""

    id: str
    run_id: str
    account_id: str
    step: str
    contact_id: str | None
    connector: str
    recipient: str
    topic: str | None
    subject: str
    payload: Mapping[str, Any]
    attempts: int
    """Tries, this one included."""
    attempt_id: int
    lease_owner: str
    timezone: str | None
    """The account's zone, where it has one."""
    country: str | None


class Connector(Protocol):
    """Something that delivers entries of one kind. Used by several threads at once."""

    def deliver(self, entry: Entry, now: datetime) -> Outcome:
        """Try once."""

    def close(self) -> None:
        """Let go of connections; a try under way ends as if the other side had hung up."""


def close_connectors(connectors: Mapping[str, Connector]) -> None:
    """Let go of every connection."""
    for each in connectors.values():
        each.close()
