"""Signing in with the company's own sign-in: to the provider and back."""

import logging
import os
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.api.service import Service
from engine.console import session
from engine.console.pages import local_path, see_other
from engine.console.sign_in import HOME, asked
from engine.settings import ConfigError, Settings
from engine.users.openid import OpenIdError, OpenIdProvider
from engine.users.openid_flows import GOOD_FOR, begin_flow, take_up_flow
from engine.users.openid_users import admit

log = logging.getLogger(__name__)

CALLBACK = "/sign-in/openid/callback"
COOKIE = "tminus_openid"

routes = APIRouter(include_in_schema=False)

Text = Annotated[str, Query(max_length=4000)]


def provider_of(settings: Settings) -> OpenIdProvider | None:
    """The provider of the settings. Raises ConfigError when its secret is not there."""
    openid = settings.sign_in.openid
    if openid is None:
        return None
    name = openid.client_secret_env
    secret = os.environ.get(name) if name else None
    if name and not secret:
        raise ConfigError(f"sign_in.openid.client_secret_env: the environment has no {name}")
    return OpenIdProvider(openid, secret, settings.console.public_url.rstrip("/") + CALLBACK)


@routes.get("/sign-in/openid")
def to_provider(
    request: Request, service: ServiceHere, to: Annotated[str, Query(max_length=2000, alias="next")] = HOME
) -> Response:
    """Send the browser to the provider."""
    provider = _provider(service)
    begun = begin_flow(service.database, local_path(to, HOME), service.now())
    try:
        target = provider.address(begun.asked, service.now())
    except OpenIdError as error:
        return _refused(request, error)
    response = RedirectResponse(target, 303)
    response.set_cookie(
        _cookie_name(service),
        begun.cookie,
        max_age=int(GOOD_FOR.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=service.is_https,
    )
    return response


@routes.get(CALLBACK)
def from_provider(
    request: Request,
    service: ServiceHere,
    code: Text = "",
    state: Text = "",
    error: Text = "",
    iss: Annotated[str | None, Query(max_length=4000)] = None,
) -> Response:
    """Take up a sign-in that this browser began, once."""
    provider, settings = _provider(service), service.settings.sign_in.openid
    cookie = request.cookies.get(_cookie_name(service), "")
    found = take_up_flow(service.database, state, cookie, service.now())
    try:
        if found is None or settings is None:
            raise OpenIdError("this sign-in is too old or was begun elsewhere; begin again")
        provider.refuse_other_issuer(iss)
        if error or not code:
            raise OpenIdError(f"the provider refused ({error[:100] or 'no code'})")
        identity = provider.identity(code, found.asked, service.now())
        person_id = admit(service.database, settings, identity, service.now())
    except OpenIdError as refusal:
        return _refused(request, refusal)
    response = see_other(found.leads_to)
    session.begin(request, response, "openid", person_id=person_id)
    response.delete_cookie(_cookie_name(service), httponly=True, samesite="lax", secure=service.is_https)
    return response


def _provider(service: Service) -> OpenIdProvider:
    """Raises Problem (404)."""
    if service.openid is None:
        raise Problem(404, "No company sign-in", "This installation has none; sign in with a password.")
    return service.openid


def _cookie_name(service: Service) -> str:
    return f"__Host-{COOKIE}" if service.is_https else COOKIE


def _refused(request: Request, error: OpenIdError) -> Response:
    log.warning("A sign-in with the provider failed: %s.", error)
    return asked(request, HOME, error=f"That did not work: {error}.")
