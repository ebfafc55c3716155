"""Reads the mailbox to which bounces, complaints and replies come: each message once."""

from collections import Counter
from datetime import datetime

from sqlalchemy import Engine, Table, select

from connectors.inbox import Arrived, Inbox, OpenInbox
from connectors.webhook import signing_key
from engine.clock.durations import parse_duration
from engine.email_settings import Email, InboxSettings
from engine.identity import digest
from engine.returns.notice import Ignored, read_notice
from engine.returns.take import SoftLimit, take_all
from engine.settings import ConfigError
from engine.state.database import reading, writing
from engine.state.tables import InboxPosition
from engine.state.upsert import upsert

AT_ONCE = 50
"""Messages after which the position is written down."""

_position: Table = InboxPosition.__table__  # type: ignore[attr-defined]


def inbox_of(email: Email) -> Inbox | None:
    """The mailbox of the settings, where there is one. Raises ConfigError."""
    spec = email.inbox
    if spec is None:
        return None
    try:
        return Inbox(
            spec.host,
            spec.username,
            spec.password.get_secret_value(),
            spec.port,
            spec.security,
            spec.folder,
            spec.timeout_seconds,
        )
    except ValueError as error:
        raise ConfigError(f"email.inbox: {error}") from error


def check_secret(email: Email) -> None:
    """Raises ConfigError for a secret that cannot sign."""
    if email.events_secret is None:
        return
    try:
        signing_key(email.events_secret.get_secret_value())
    except ValueError as error:
        raise ConfigError(f"email.events_secret: {error}") from error


def seconds_between(spec: InboxSettings) -> float:
    """How often the mailbox is read."""
    return parse_duration(spec.every).elapsed.total_seconds()


def soft_limit(email: Email) -> SoftLimit:
    """How many soft bounces count as a hard one."""
    return SoftLimit(email.soft_bounces.max, parse_duration(email.soft_bounces.within).elapsed)


def read_inbox(
    database: Engine, inbox: Inbox, soft: SoftLimit, now: datetime, most: int = AT_ONCE
) -> Counter[str]:
    """Take up to `most` new messages; counts by what became of them, none when nothing was new.

    Cut short, the next reading takes up what has not been written down as read; taking a message twice
    changes nothing. Raises InboxError.
    """
    counts: Counter[str] = Counter()
    name = digest("inbox", inbox.host, str(inbox.port), inbox.username, inbox.folder)
    with inbox.opened() as opened:
        last = _last_read(database, name, opened)
        try:
            for arrived in opened.after(last, most):
                counts += _take(database, arrived, soft, now)
                last = arrived.uid
        finally:  # a mailbox that breaks off again and again is read all the same
            if counts:
                row = {"id": name, "validity": opened.validity, "uid": last, "read_at": now}
                with writing(database) as connection:
                    upsert(connection, _position, [row])
    return counts


def _take(database: Engine, arrived: Arrived, soft: SoftLimit, now: datetime) -> Counter[str]:
    found = read_notice(arrived.content)
    if isinstance(found, Ignored):
        return Counter(ignored=1)
    return take_all(database, found, soft, arrived.at or now, now)


def _last_read(database: Engine, name: str, opened: OpenInbox) -> int:
    """The newest UID that has been read; 0 where the server has numbered its messages anew."""
    wanted = select(_position.c.validity, _position.c.uid).where(_position.c.id == name)
    with reading(database) as connection:
        row = connection.execute(wanted).one_or_none()
    return row.uid if row is not None and row.validity == opened.validity else 0
