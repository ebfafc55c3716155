"""Who calls, and whether they may: bearers of a token on the API, people who are signed in on the console."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from engine.api.problems import Problem
from engine.api.service import Service
from engine.api.tokens import token_digest, used_token
from engine.users.access import Permission

_BEARER = HTTPBearer(auto_error=False, description="A token; the first start prints one.")


def service_of(request: Request) -> Service:
    """The service the application was made for."""
    service: Service = request.app.state.service
    return service


ServiceHere = Annotated[Service, Depends(service_of)]


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that calls the API."""

    name: str
    """The name of its token; what it does is recorded under it."""
    scopes: frozenset[Permission]


def caller_of(request: Request, service: Service) -> Caller:
    """Whoever sent the token that came with the request. Raises Problem (401)."""
    kept: Caller | None = getattr(request.state, "caller", None)
    if kept is not None:
        return kept
    challenge = {"WWW-Authenticate": "Bearer"}
    scheme, token = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme.lower() != "bearer" or not token:
        detail = 'Send the header "Authorization: Bearer TOKEN"; the first start prints a token.'
        raise Problem(401, "Token missing", detail, headers=challenge)
    found = used_token(service.database, token_digest(token), service.now())
    if found is None:
        detail = "The token is unknown, revoked or expired; make a new one."
        raise Problem(401, "Token not accepted", detail, headers=challenge)
    request.state.caller = Caller(found.name, found.scopes)
    return caller_of(request, service)


def bearer_name(
    request: Request,
    service: ServiceHere,
    documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> str:
    """The name of the token that came with the request. Raises Problem (401)."""
    return caller_of(request, service).name


Bearer = Annotated[str, Depends(bearer_name)]


async def raw_body(request: Request) -> bytes:
    """The body as it came, bounded before it gets here."""
    return await request.body()


Body = Annotated[bytes, Depends(raw_body)]
