"""The link under every email: signed, without expiry, and good for one click."""

from dataclasses import dataclass
from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Engine, Table, select

from engine.conditions.catalogue import BUILT_IN, Kind
from engine.permit.secret import installation_secret
from engine.permit.suppression import suppress
from engine.state.database import reading, writing
from engine.state.ingest import Entry, ingest
from engine.state.tables import Contact

_SECRET = "unsubscribe"
_contact: Table = Contact.__table__  # type: ignore[attr-defined]


class BadTokenError(ValueError):
    """An unsubscribe link is cut short, altered, or from another installation."""

    def __init__(self) -> None:
        super().__init__("this link is not complete; please use the whole link from the email")


class UnknownPersonError(LookupError):
    """An unsubscribe link is genuine, but its person has been erased."""

    def __init__(self) -> None:
        super().__init__("the person this link was made for is no longer known here; nothing will be sent")


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """Whose consent a link has withdrawn."""

    contact_id: str
    account_id: str
    email: str | None
    topic: str
    is_new: bool
    """False when it had been withdrawn before."""


@dataclass(frozen=True, slots=True)
class UnsubscribeLinks:
    """Makes the links of one installation."""

    public_url: str
    key: str

    def url(self, contact_id: str, topic: str | None) -> str:
        """The same link every time for the same person and topic."""
        return unsubscribe_url(self.public_url, sign_token(self.key, contact_id, topic))


def unsubscribe_links(database: Engine, public_url: str) -> UnsubscribeLinks:
    """The maker of links under `public_url`, with this installation's key."""
    return UnsubscribeLinks(public_url, unsubscribe_key(database))


def unsubscribe_key(database: Engine) -> str:
    """The key that signs this installation's links; made on first use."""
    return installation_secret(database, _SECRET)


def unsubscribe_url(public_url: str, token: str) -> str:
    """Where one click withdraws consent."""
    return f"{public_url.rstrip('/')}/unsubscribe/{token}"


def sign_token(key: str, contact_id: str, topic: str | None) -> str:
    """A token for a person and a topic; the same every time."""
    token = _serializer(key).dumps([contact_id, topic or ""])
    return token if isinstance(token, str) else token.decode()


def read_token(key: str, token: str) -> tuple[str, str]:
    """The person and the topic of a token. Raises BadTokenError."""
    try:
        contact_id, topic = _serializer(key).loads(token)
    except (BadSignature, ValueError, TypeError) as error:
        raise BadTokenError from error
    return str(contact_id), str(topic)


def unsubscribe(database: Engine, token: str, now: datetime) -> Unsubscribed:
    """Withdraw the consent of the token's person as of `now`, and suppress their address.

    Repeating is harmless. Raises BadTokenError, UnknownPersonError.
    """
    contact_id, topic = read_token(unsubscribe_key(database), token)
    wanted = select(_contact.c.account_id, _contact.c.email, _contact.c.consent)
    with reading(database) as connection:
        contact = connection.execute(wanted.where(_contact.c.id == contact_id)).one_or_none()
    if contact is None:
        raise UnknownPersonError
    if contact.email:
        with writing(database) as connection:
            suppress(connection, contact.email, "unsubscribed", now)
    is_new = contact.consent != "withdrawn"
    if is_new:
        withdrawn = Entry(
            Kind.CONTACT,
            contact_id,
            contact.account_id,
            {"consent": "withdrawn"},
            effective_at=now,
            recorded_at=now,
        )
        ingest(database, BUILT_IN, [withdrawn], source="unsubscribe")
    return Unsubscribed(contact_id, contact.account_id, contact.email, topic, is_new)


def _serializer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="unsubscribe")
