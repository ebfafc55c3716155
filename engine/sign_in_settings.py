"""The settings of signing in."""

from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, field_validator

from engine.clock.durations import parse_duration

AccessName: TypeAlias = Literal["viewer", "csm", "ops", "admin"]


class OpenId(BaseModel):
    """The company's own sign-in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    client_id: str
    client_secret_env: str | None = None
    """The environment variable that has the secret; None for a client without one."""
    title: str = "your company account"
    """What the button says: Sign in with …"""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    allowed_domains: tuple[str, ...] = ()
    """Domains of addresses that may sign in; any when empty."""
    trust_emails: bool = False
    """Whether an address counts that the provider does not call verified."""
    roles_claim: str = "groups"
    roles: dict[str, AccessName] = {}
    """What each value of the claim may do."""
    default_access: AccessName | None = None
    """What anybody else may do; None lets in only whom somebody has added."""

    @field_validator("issuer")
    @classmethod
    def _is_over_tls(cls, text: str) -> str:
        parts = urlsplit(text)
        is_here = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
            raise ValueError("must be an https address")
        return text

    @field_validator("scopes")
    @classmethod
    def _asks_who_it_is(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("must have openid among them")
        return scopes


class SignIn(BaseModel):
    """How people sign in, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    idle: str = "24h"
    """A session ends when it was not used for so long."""
    lasts: str = "14d"
    """And after so long in any case."""
    passwords: bool = True
    """Whether people may sign in with a password."""
    openid: OpenId | None = None

    @field_validator("idle", "lasts")
    @classmethod
    def _is_a_stretch(cls, text: str) -> str:
        span = parse_duration(text)
        if span.is_business or not span.elapsed:
            raise ValueError("must be a stretch of time such as 12h or 14d")
        return text
