"""The company's own sign-in over OpenID Connect: the code flow with PKCE, and what the answer must prove."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from engine.sign_in_settings import OpenId

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""What an identity may be signed with: never `none`, never a shared secret."""
KEPT_FOR = timedelta(hours=1)
"""How long what the provider says of itself is good."""
CLOCKS_DIFFER_SECONDS = 60
TIMEOUT_SECONDS = 10.0


class OpenIdError(Exception):
    """Signing in with the provider failed; the message says why, for the log and for the person."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is by the word of the provider."""

    subject: str
    """Issuer and subject together: nobody else ever has it."""
    email: str | None
    is_email_verified: bool
    name: str | None
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was sent to the provider with a person, and must come back with them."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class _Known:
    document: Mapping[str, Any]
    keys: KeySet
    until: datetime


class OpenIdProvider:
    """One provider. What it publishes about itself is fetched when it is first needed."""

    def __init__(self, settings: OpenId, secret: str | None, redirect_uri: str) -> None:
        self._settings = settings
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._known: _Known | None = None

    def address(self, asked: Asked, now: datetime) -> str:
        """Where to send the browser. Raises OpenIdError."""
        challenge = urlsafe_b64encode(sha256(asked.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = _https_text(self._now_known(now).document, "authorization_endpoint", self._settings.issuer)
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def identity(self, code: str, asked: Asked, now: datetime) -> Identity:
        """Who came back with the code. Raises OpenIdError."""
        known = self._now_known(now)
        answer = self._exchange(known.document, code, asked.verifier)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OpenIdError("the provider gave no identity (id_token)")
        claims = self._verified(token, asked.nonce, now)
        subject = claims["sub"]
        email, name = claims.get("email"), claims.get("name")
        return Identity(
            f"{self._settings.issuer} {subject}",
            email if isinstance(email, str) else None,
            claims.get("email_verified") in (True, "true"),
            name if isinstance(name, str) else None,
            claims,
        )

    def refuse_other_issuer(self, issuer: str | None) -> None:
        """Raises OpenIdError when the answer names another provider (RFC 9207)."""
        if issuer is not None and issuer != self._settings.issuer:
            raise OpenIdError("another provider has answered than the one that was asked")

    def _exchange(self, document: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        """Give the code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = None
        if self._secret is None or "client_secret_basic" not in methods:
            form["client_id"] = self._settings.client_id
            if self._secret is not None:
                form["client_secret"] = self._secret
        else:
            basic = httpx.BasicAuth(_quoted(self._settings.client_id), _quoted(self._secret))
        endpoint = _https_text(document, "token_endpoint", self._settings.issuer)
        return _fetched("POST", endpoint, data=form, auth=basic)

    def _verified(self, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        """The claims of an identity that the provider signed, for us, now, in answer to our question."""
        client_id = self._settings.client_id
        registry = JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=CLOCKS_DIFFER_SECONDS,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._decoded(token, now)
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise OpenIdError(f"the provider's identity does not hold ({error})") from error
        audience = claims["aud"]
        is_shared = isinstance(audience, list) and len(audience) > 1
        if (is_shared or "azp" in claims) and claims.get("azp") != client_id:
            raise OpenIdError("the provider's identity was made for another application (azp)")
        return claims

    def _decoded(self, token: str, now: datetime) -> dict[str, Any]:
        """The signed claims; the keys are fetched anew when they lack the one that signed."""
        try:
            return dict(jwt.decode(token, self._now_known(now).keys, ALGORITHMS).claims)
        except (InvalidKeyIdError, ValueError):
            self._known = None
            return dict(jwt.decode(token, self._now_known(now).keys, ALGORITHMS).claims)

    def _now_known(self, now: datetime) -> _Known:
        known = self._known
        if known is None or now >= known.until:
            document = _fetched(
                "GET", f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            )
            if document.get("issuer") != self._settings.issuer:
                raise OpenIdError("the provider calls itself by another name than sign_in.openid.issuer")
            keys = _fetched("GET", _https_text(document, "jwks_uri", self._settings.issuer))
            known = self._known = _Known(document, _key_set(keys), now + KEPT_FOR)
        return known


def _key_set(document: Mapping[str, Any]) -> KeySet:
    try:
        return KeySet.import_key_set({"keys": list(document["keys"])})
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise OpenIdError(f"the provider's keys cannot be read ({error})") from error


def _fetched(method: str, url: str, **parts: Any) -> Mapping[str, Any]:
    """A JSON object from the provider. Raises OpenIdError without what was sent."""
    try:
        answer = httpx.request(
            method, url, timeout=TIMEOUT_SECONDS, headers={"Accept": "application/json"}, **parts
        )
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise OpenIdError(f"the provider does not answer at {url} ({type(error).__name__})") from error
    if answer.status_code != 200 or not isinstance(found, dict):
        reason = found.get("error") if isinstance(found, dict) else None
        raise OpenIdError(f"the provider answered {answer.status_code} ({str(reason or 'no reason')[:100]})")
    return found


def _https_text(document: Mapping[str, Any], name: str, issuer: str) -> str:
    """An address that the provider publishes; over TLS where the issuer is."""
    found = document.get(name)
    if not isinstance(found, str) or (issuer.startswith("https:") and not found.startswith("https:")):
        raise OpenIdError(f"the provider names no {name} that can be used")
    return found


def _quoted(text: str) -> str:
    """As RFC 6749 2.3.1 asks of a client's id and secret in Basic authentication."""
    return urlencode({"": text})[1:]
