"""Who may use the API: bearers of a token made here."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from engine.api.problems import Problem
from engine.api.service import Service
from engine.api.tokens import token_digest, token_owner

_BEARER = HTTPBearer(auto_error=False, description="A token; the first start prints one.")


def service_of(request: Request) -> Service:
    """The service the application was made for."""
    service: Service = request.app.state.service
    return service


ServiceHere = Annotated[Service, Depends(service_of)]


def bearer_name(
    service: ServiceHere, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> str:
    """The name of the token that came with the request. Raises Problem (401)."""
    challenge = {"WWW-Authenticate": "Bearer"}
    if credentials is None:
        detail = 'Send the header "Authorization: Bearer TOKEN"; the first start prints a token.'
        raise Problem(401, "Token missing", detail, headers=challenge)
    name = token_owner(service.database, token_digest(credentials.credentials))
    if name is None:
        detail = "The token is unknown or revoked; make a new one."
        raise Problem(401, "Token not accepted", detail, headers=challenge)
    return name


Bearer = Annotated[str, Depends(bearer_name)]


async def raw_body(request: Request) -> bytes:
    """The body as it came, bounded before it gets here."""
    return await request.body()


Body = Annotated[bytes, Depends(raw_body)]
