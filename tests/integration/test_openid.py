"""Signing in with the company's provider: a real one on loopback, honest and not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import Engine

from engine.api.app import create_app
from engine.console.openid_pages import provider_of
from engine.settings import ConfigError, Settings
from engine.sign_in_settings import OpenId, SignIn
from engine.state import tables
from engine.state.database import reading
from engine.users.access import Access
from engine.users.users import add_user, disable_user, find_user, list_users
from tests.openid_provider import CLIENT_ID, SECRET, Provider, new_key, running_provider, signed
from tests.website import make_service, visit
from tests.website_book import NOW, put

DANA = {"sub": "248289761001", "email": "Dana@ours.example", "email_verified": True, "name": "Dana Whitfield"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider at which Dana signs in."""
    with running_provider() as running:
        running.person = dict(DANA)
        yield running


@dataclass
class House:
    """An installation that trusts a provider."""

    app: FastAPI
    database: Engine
    provider: Provider

    def sign_in(self, browser: httpx.Client | None = None, path: str = "/sign-in/openid") -> httpx.Response:
        """Go to the provider and back."""
        browser = browser or visit(self.app)
        return browser.get(self.callback(browser, path))

    def callback(self, browser: httpx.Client, path: str = "/sign-in/openid") -> str:
        """Where the provider sends the browser."""
        out = browser.get(path)
        assert out.status_code == 303, out.text
        back = urlsplit(httpx.get(out.headers["location"]).headers["location"])
        return f"{back.path}?{back.query}"


def house(database: Engine, provider: Provider, monkeypatch: pytest.MonkeyPatch, **spec: Any) -> House:
    """An installation with these settings beside the usual ones."""
    monkeypatch.setenv("OPENID_SECRET", SECRET)
    usual = {"issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret_env": "OPENID_SECRET"}
    settings = Settings(sign_in=SignIn(openid=OpenId(**{**usual, **spec})))
    service = make_service(database, settings=settings, openid=provider_of(settings))
    return House(create_app(service), database, provider)


@pytest.fixture
def home(database: Engine, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> House:
    """One that lets in whom somebody has added: Dana."""
    put(database, tables.Person(id="dana", name="Dana Whitfield", email="dana@ours.example"))
    add_user(database, "dana@ours.example", Access.CSM, NOW)
    return house(database, provider, monkeypatch)


def test_the_provider_signs_a_user_in(home: House) -> None:
    """To the page one came from; from then on known by subject, whatever the address."""
    browser = visit(home.app)
    assert "Sign in with your company account" in browser.get("/sign-in").text
    answer = home.sign_in(browser, "/sign-in/openid?next=/accounts")
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts")
    assert "Dana Whitfield" in browser.get("/you").text
    home.provider.person["email"] = "married@ours.example"
    assert home.sign_in().status_code == 303
    with reading(home.database) as connection:
        assert [each.person_id for each in list_users(connection)] == ["dana"]


def test_what_is_asked_of_the_provider(home: House) -> None:
    """The code flow with PKCE, a state and a nonce, and our own address, whatever the Host header says."""
    out = visit(home.app).get("/sign-in/openid", headers={"Host": "evil.example"})
    asked = {name: values[0] for name, values in parse_qs(urlsplit(out.headers["location"]).query).items()}
    assert asked["redirect_uri"] == "http://127.0.0.1:8025/sign-in/openid/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert all(len(asked[name]) == 43 for name in ("state", "nonce", "code_challenge"))
    assert "HttpOnly" in out.headers["set-cookie"]


def test_an_answer_counts_once_and_in_the_browser_that_asked(home: House) -> None:
    """A stolen or planted answer signs nobody in."""
    mine = visit(home.app)
    path = home.callback(mine)
    assert visit(home.app).get(path).status_code == 403
    path = home.callback(mine)
    assert mine.get(path).status_code == 303
    assert mine.get(path).status_code == 403
    assert mine.get("/sign-in/openid/callback?code=x&state=y").status_code == 403


def test_an_answer_that_comes_too_late_is_refused(
    database: Engine, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ten minutes."""
    made = house(database, provider, monkeypatch, default_access="viewer")
    browser = visit(made.app)
    path = made.callback(browser)
    made.app.state.service = make_service(
        database,
        settings=made.app.state.service.settings,
        now=lambda: NOW + timedelta(minutes=10),
        openid=made.app.state.service.openid,
    )
    assert "too old" in browser.get(path).text


def _with(**claims: Any) -> Any:
    """An identity with other claims, of which None leaves one out."""

    def forge(claims_given: dict[str, Any]) -> None:
        for name, value in claims.items():
            claims_given.pop(name, None)
            if value is not None:
                claims_given[name] = value

    return forge


def _unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "none"}, claims, OctKey.import_key("x"), algorithms=["none"])


_SECONDS = int(NOW.timestamp())
FORGED = {
    "another issuer": _with(iss="https://evil.example"),
    "another audience": _with(aud="somebody-else"),
    "another audience beside ours": _with(aud=[CLIENT_ID, "somebody-else"]),
    "made for another application": _with(azp="somebody-else"),
    "expired": _with(iat=_SECONDS - 600, exp=_SECONDS - 61),
    "not yet made": _with(iat=_SECONDS + 600, exp=_SECONDS + 900),
    "another nonce": _with(nonce="x"),
    "no nonce": _with(nonce=None),
    "no subject": _with(sub=None),
    "no end": _with(exp=None),
    "a subject that is none": _with(sub=["a"]),
    "signed with a key of nobody": lambda claims: signed(claims, new_key("one")),
    "signed with an unknown key": lambda claims: signed(claims, new_key("two")),
    "signed with the client's secret": lambda claims: jwt.encode(
        {"alg": "HS256"}, claims, OctKey.import_key(SECRET * 3)
    ),
    "not signed": _unsigned,
    "no token at all": lambda claims: "x.y",
}


@pytest.mark.parametrize("forgery", FORGED)
def test_forged_identities_are_refused(
    sqlite_database: Engine, provider: Provider, monkeypatch: pytest.MonkeyPatch, forgery: str
) -> None:
    """Nobody is signed in and nobody is added."""
    made = house(sqlite_database, provider, monkeypatch, default_access="viewer")
    provider.forge = FORGED[forgery]
    answer = made.sign_in()
    assert answer.status_code == 403
    assert "That did not work" in answer.text
    with reading(sqlite_database) as connection:
        assert list_users(connection) == []


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"issuer": "https://evil.example"}, "calls itself by another name"),
        ({"authorization_endpoint": None}, "names no authorization_endpoint"),
        ({"jwks_uri": "http://127.0.0.1:9/keys"}, "does not answer"),
    ],
)
def test_a_provider_that_is_not_what_it_should_be(
    sqlite_database: Engine,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    about: dict[str, Any],
    words: str,
) -> None:
    """The sign-in page says so."""
    provider.about = about
    answer = visit(house(sqlite_database, provider, monkeypatch).app).get("/sign-in/openid")
    assert (answer.status_code, words in answer.text) == (403, True)


def test_a_refusal_of_the_provider_is_told(home: House) -> None:
    """Without its words being obeyed."""
    home.provider.refuses = "access_denied<script>"
    answer = home.sign_in()
    assert "the provider refused (access_denied&lt;script&gt;)" in answer.text


def test_another_provider_cannot_answer(home: House) -> None:
    """One that names itself (RFC 9207)."""
    browser = visit(home.app)
    path = home.callback(browser).partition("&iss=")[0]
    assert "another provider" in browser.get(f"{path}&iss=https://evil.example").text


def test_a_wrong_secret_is_told_without_it(
    sqlite_database: Engine,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither on the page nor in the log."""
    made = house(sqlite_database, provider, monkeypatch)
    monkeypatch.setenv("OPENID_SECRET", "not the secret")
    made.app.state.service = make_service(
        sqlite_database,
        settings=made.app.state.service.settings,
        openid=provider_of(made.app.state.service.settings),
    )
    answer = made.sign_in()
    assert "answered 401 (invalid_client)" in answer.text
    assert "not the secret" not in answer.text + caplog.text


def test_a_secret_that_is_not_there_stops_the_start(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the name of the variable."""
    monkeypatch.delenv("OPENID_SECRET", raising=False)
    spec = OpenId(issuer=provider.issuer, client_id=CLIENT_ID, client_secret_env="OPENID_SECRET")
    with pytest.raises(ConfigError, match="the environment has no OPENID_SECRET"):
        provider_of(Settings(sign_in=SignIn(openid=spec)))


def test_a_client_may_send_its_secret_in_the_form(home: House) -> None:
    """Where the provider takes no Basic authentication."""
    home.provider.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert home.sign_in().status_code == 303


def test_new_keys_are_fetched_and_the_document_is_kept(home: House) -> None:
    """A provider may change its keys at any time."""
    assert home.sign_in().status_code == 303
    assert home.sign_in().status_code == 303
    assert home.provider.documents == 1
    home.provider.keys = [new_key("two")]
    assert home.sign_in().status_code == 303


ADMITTED: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({}, {}, None),
    ({"default_access": "viewer"}, {}, "viewer"),
    ({"default_access": "viewer"}, {"email_verified": False}, None),
    ({"default_access": "viewer"}, {"email_verified": None}, None),
    ({"default_access": "viewer", "trust_emails": True}, {"email_verified": None}, "viewer"),
    ({"default_access": "viewer"}, {"email": None}, None),
    ({"default_access": "viewer"}, {"email": "no address"}, None),
    ({"default_access": "viewer", "allowed_domains": ["OURS.example"]}, {}, "viewer"),
    ({"default_access": "viewer", "allowed_domains": ["other.example"]}, {}, None),
    ({"default_access": "viewer", "allowed_domains": ["example"]}, {}, None),
    ({"roles": {"cs": "csm", "it": "admin"}}, {"groups": ["cs", "it", 7]}, "admin"),
    ({"roles": {"cs": "csm", "it": "admin"}}, {"groups": "cs"}, "csm"),
    ({"roles": {"cs": "csm"}}, {"groups": ["sales"]}, None),
    ({"roles": {"cs": "csm"}}, {}, None),
    ({"roles": {"cs": "csm"}, "default_access": "viewer"}, {"groups": ["sales"]}, "viewer"),
    ({"roles": {"cs": "csm"}, "roles_claim": "team"}, {"team": ["cs"]}, "csm"),
]


@pytest.mark.parametrize(("spec", "claims", "access"), ADMITTED)
def test_who_is_let_in_and_as_what(
    sqlite_database: Engine,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    spec: dict[str, Any],
    claims: dict[str, Any],
    access: str | None,
) -> None:
    """A stranger, by the settings and the claims."""
    made = house(sqlite_database, provider, monkeypatch, **spec)
    provider.person = {name: value for name, value in {**DANA, **claims}.items() if value is not None}
    assert made.sign_in().status_code == (303 if access else 403)
    with reading(sqlite_database) as connection:
        assert [each.access for each in list_users(connection)] == ([Access(access)] if access else [])


def test_an_unverified_address_takes_over_nobody(home: House) -> None:
    """Nor does another subject with the address of one who is known by subject."""
    home.provider.person["email_verified"] = False
    assert home.sign_in().status_code == 403
    home.provider.person["email_verified"] = True
    assert home.sign_in().status_code == 303
    home.provider.person["sub"] = "another"
    assert home.sign_in().status_code == 403


def test_access_follows_the_provider_but_for_the_last_admin(
    database: Engine, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever has no role there any more is refused."""
    made = house(database, provider, monkeypatch, roles={"cs": "csm", "it": "admin"})
    for groups, access in (("cs", Access.CSM), ("it", Access.ADMIN), ("cs", Access.ADMIN)):
        provider.person["groups"] = [groups]
        assert made.sign_in().status_code == 303
        assert find_user(database, "dana@ours.example").access is access
    provider.person["groups"] = []
    assert made.sign_in().status_code == 403


def test_somebody_shut_out_stays_out(home: House) -> None:
    """Whatever the provider says."""
    disable_user(home.database, "dana", NOW)
    assert "can sign in here no more" in home.sign_in().text


def test_passwords_can_be_left_to_the_provider(
    sqlite_database: Engine, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has no field for one, and none is taken."""
    made = house(sqlite_database, provider, monkeypatch)
    settings = made.app.state.service.settings
    only = settings.model_copy(update={"sign_in": settings.sign_in.model_copy(update={"passwords": False})})
    browser = visit(create_app(make_service(sqlite_database, settings=only)))
    assert 'name="password"' not in browser.get("/sign-in").text
    answer = browser.post("/sign-in", data={"email": "dana@ours.example", "password": "x" * 20})
    assert (answer.status_code, "Nobody signs in with a password here" in answer.text) == (403, True)


def test_an_installation_without_a_provider_has_no_such_page(sqlite_database: Engine) -> None:
    """Neither there nor back."""
    browser = visit(create_app(make_service(sqlite_database)))
    for path in ("/sign-in/openid", "/sign-in/openid/callback?code=x&state=y"):
        assert browser.get(path).status_code == 404
