"""Posts one JSON document to one address, signed as Standard Webhooks asks, and only to where it may go."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

from connectors.exchange import exchange_to
from connectors.outcome import Outcome
from connectors.route import Resolve, resolved

SECRET = "whsec_"
"""Begins a signing secret; base64 follows."""
SHORTEST_SECRET, LONGEST_SECRET = 24, 64
"""Bytes."""


class WebhookConnector:
    """One address that takes JSON. The address and the secret stand in no reason."""

    def __init__(
        self,
        url: str,
        secret: str | None = None,
        timeout: float = 10.0,
        *,
        allow_private: bool = False,
        resolve: Resolve = resolved,
    ) -> None:
        """`timeout` is in seconds for the whole exchange. Raises ValueError for what is no address or secret.

        Without `allow_private` nothing is sent to an address that is not public: this machine, its network.
        """
        secrets = (secret,) if secret else ()
        self._exchange = exchange_to(
            url, timeout, allow_private=allow_private, secrets=secrets, resolve=resolve
        )
        self._key = signing_key(secret) if secret is not None else None

    def close(self) -> None:
        """End what is under way in other threads."""
        self._exchange.close()

    def send(self, body: str, key: str, now: datetime) -> Outcome:
        """Post `body` under `key`, its Idempotency-Key. Never raises for what the other side does."""
        content = body.encode()
        return self._exchange.post(content, self._headers(content, key, now), now)

    def _headers(self, body: bytes, key: str, now: datetime) -> dict[str, str]:
        stamp = str(int(now.timestamp()))
        found = {"Idempotency-Key": key, "webhook-id": key, "webhook-timestamp": stamp}
        if self._key is not None:
            found["webhook-signature"] = signature(self._key, key, stamp, body)
        return found


def signature(key: bytes, message_id: str, stamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp and body, joined by dots."""
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")


def signing_key(secret: str) -> bytes:
    """The bytes of a secret. Raises ValueError, which does not repeat it."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET) or not SHORTEST_SECRET <= len(key) <= LONGEST_SECRET:
        raise ValueError(
            f"the secret must be {SECRET} and the base64 of {SHORTEST_SECRET} to {LONGEST_SECRET} bytes"
        )
    return key
