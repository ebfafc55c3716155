"""Secrets that are handed out once and kept only as digests: cookies, links and tokens."""

import secrets
from hashlib import sha256


def new_secret() -> str:
    """256 random bits as text for a cookie or an address."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """The SHA-256 in hexadecimal. Odd text gets a digest too, one that nothing has."""
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()
