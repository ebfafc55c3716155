"""The link under every email: signed, without expiry, and good for one click."""

from dataclasses import dataclass
from functools import lru_cache

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Engine

from engine.permit.secret import installation_secret

_SECRET = "unsubscribe"


class BadTokenError(ValueError):
    """An unsubscribe link is cut short, altered, or from another installation."""

    def __init__(self) -> None:
        super().__init__("this link is not complete; please use the whole link from the email")


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
    """Where one click ends a topic."""
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


@lru_cache(maxsize=8)
def _serializer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="unsubscribe")
