"""An OpenID provider on loopback, written from OpenID Connect Core 1.0, RFC 6749 and RFC 7636.

It lets in whoever comes as the person that the test has put there, and can be told to misbehave.
"""

import json
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.website_book import NOW

CLIENT_ID = "tminus console"
SECRET = "s:cret/of+tminus"


def new_key(kid: str) -> RSAKey:
    """A key to sign with."""
    return RSAKey.generate_key(2048, parameters={"kid": kid, "use": "sig", "alg": "RS256"})


@dataclass
class Provider:
    """What the provider knows, and how it behaves."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    """Claims of whoever signs in."""
    keys: list[RSAKey] = field(default_factory=lambda: [new_key("one")])
    """Published; the last one signs."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each code that is not yet used was asked with."""
    about: dict[str, Any] = field(default_factory=dict)
    """What its document says otherwise."""
    forge: Callable[[dict[str, Any]], str | None] | None = None
    """Makes another identity of the claims."""
    refuses: str = ""
    """The error with which it sends people back."""
    documents: int = 0
    """How often its document was fetched."""

    def document(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 3."""
        self.documents += 1
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            **self.about,
        }

    def back(self, asked: dict[str, str]) -> str:
        """Where the browser goes after the person has agreed (Core 3.1.2.5), or has not (3.1.2.6)."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        if self.refuses:
            query = {"error": self.refuses, "state": asked["state"]}
        else:
            code = token_urlsafe(16)
            self.codes[code] = asked
            query = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(query)}"

    def tokens(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Core 3.1.3: the code once, from the client it was given to, with the verifier of its challenge."""
        if not self._is_client(form, authorization):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = asked is not None and (challenge, form.get("redirect_uri"), form.get("grant_type")) == (
            asked["code_challenge"],
            asked["redirect_uri"],
            "authorization_code",
        )
        if asked is None or not fits:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self._identity(asked)}

    def _is_client(self, form: dict[str, str], authorization: str) -> bool:
        if authorization.startswith("Basic "):
            name, _, secret = b64decode(authorization[6:]).decode().partition(":")
            return (unquote(name.replace("+", " ")), unquote(secret)) == (CLIENT_ID, SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, SECRET)

    def _identity(self, asked: dict[str, str]) -> str:
        issued = int(NOW.timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "248289761001",
            "aud": CLIENT_ID,
            "iat": issued,
            "exp": issued + 300,
            "nonce": asked["nonce"],
            **self.person,
        }
        forged = self.forge(claims) if self.forge else None
        return forged if forged is not None else signed(claims, self.keys[-1])


def signed(claims: dict[str, Any], key: RSAKey) -> str:
    """An identity signed with a key."""
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)


@contextmanager
def running_provider() -> Iterator[Provider]:
    """The provider, served on a free port."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """The document, the keys, and the page at which people agree."""
            parts = urlsplit(self.path)
            if parts.path == "/.well-known/openid-configuration":
                self._answer(200, provider.document())
            elif parts.path == "/keys":
                self._answer(200, {"keys": [each.as_dict(private=False) for each in provider.keys]})
            elif parts.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.back(asked))
                self.end_headers()
            else:
                self._answer(404, {})

        def do_POST(self) -> None:
            """The token endpoint."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.tokens(form, self.headers.get("Authorization", "")))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield provider
        server.shutdown()
        thread.join()
