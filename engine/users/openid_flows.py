"""Sign-ins that are under way at the provider: each is taken up once, by the browser that began it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, Table, delete, insert

from engine.state.database import writing
from engine.state.tables import OpenIdFlow
from engine.users.digests import digest_of, new_secret
from engine.users.openid import Asked

_FLOW: Table = OpenIdFlow.__table__  # type: ignore[attr-defined]

GOOD_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in to send to the provider, and the cookie by which the browser is known again."""

    asked: Asked
    cookie: str


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A sign-in that came back."""

    asked: Asked
    leads_to: str


def begin_flow(database: Engine, leads_to: str, now: datetime) -> Begun:
    """Note a sign-in that leads to a page here; those that never came back are forgotten."""
    begun = Begun(Asked(new_secret(), new_secret(), new_secret()), new_secret())
    row = {
        "digest": digest_of(begun.asked.state),
        "browser": digest_of(begun.cookie),
        "nonce": begun.asked.nonce,
        "verifier": begun.asked.verifier,
        "leads_to": leads_to,
        "begun_at": now,
    }
    with writing(database) as connection:
        connection.execute(delete(_FLOW).where(_FLOW.c.begun_at <= now - GOOD_FOR))
        connection.execute(insert(_FLOW).values(row))
    return begun


def take_up_flow(database: Engine, state: str, cookie: str, now: datetime) -> TakenUp | None:
    """The sign-in of that state, this once; None when it is unknown, over, or another browser's."""
    mine = (_FLOW.c.digest == digest_of(state)) & (_FLOW.c.browser == digest_of(cookie))
    taken = delete(_FLOW).where(mine, _FLOW.c.begun_at > now - GOOD_FOR).returning(_FLOW)
    with writing(database) as connection:
        row = connection.execute(taken).one_or_none()
    return None if row is None else TakenUp(Asked(state, row.nonce, row.verifier), row.leads_to)
