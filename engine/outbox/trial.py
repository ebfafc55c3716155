"""Trying a connector out: one message that belongs to no run, sent at once, with what the other side said."""

from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Engine

from connectors.address import BadAddressError, parse_mailbox
from connectors.outcome import Delivered, Failed, Outcome
from engine.clock.zones import format_instant
from engine.identity import digest
from engine.outbox.entry import Connector, Entry, close_connectors
from engine.outbox.wiring import open_connectors
from engine.settings import Settings

Said: TypeAlias = tuple[bool, str]
"""Whether it was taken, and in whose words."""


def try_connector(
    settings: Settings, database: Engine, name: str, recipient: str, by: str, now: datetime
) -> Said:
    """Send a test message over the connector of that name. Nothing of it is kept.

    Raises KeyError for a connector that is not configured.
    """
    connectors = open_connectors(settings, database)
    try:
        outcome = _sent(settings, connectors[name], _entry(settings, name, recipient, by, now), now)
    finally:
        close_connectors(connectors)
    if isinstance(outcome, Delivered):
        return True, outcome.receipt
    return False, outcome.reason


def _sent(settings: Settings, connector: Connector, entry: Entry, now: datetime) -> Outcome:
    if settings.connectors[entry.connector].kind == "smtp":
        try:
            parse_mailbox(entry.recipient)
        except BadAddressError as error:
            return Failed(str(error))
    return connector.deliver(entry, now)


def _entry(settings: Settings, name: str, recipient: str, by: str, now: datetime) -> Entry:
    """A message that says what it is."""
    text = f"This is a test of the connector {name}, sent by {by} from {settings.console.public_url}."
    if settings.connectors[name].kind == "webhook":
        text = f'{{"type": "test", "timestamp": "{format_instant(now)}", "data": {{}}}}'
    return Entry(
        id=digest("trial", name, by, format_instant(now)),
        run_id="",
        account_id="",
        step="test",
        contact_id=None,
        connector=name,
        recipient=recipient,
        topic=None,
        subject=f"Test of the connector {name}",
        payload={"text": text},
        attempts=1,
        attempt_id=0,
        lease_owner="",
        timezone=None,
        country=None,
    )
