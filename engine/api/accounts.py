"""Reading accounts over the API."""

from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from starlette.responses import Response

from engine.api.access import Bearer, ServiceHere
from engine.api.answers import answers
from engine.api.ledger_schemas import AccountItem, AccountList
from engine.api.lists import Cursor, Limit, Name, listed
from engine.api.problems import Problem
from engine.conditions.catalogue import Kind
from engine.people import accounts
from engine.people.accounts import AccountFilter
from engine.state.database import reading

routes = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])


@routes.get("", response_model=AccountList, responses=answers(401, 422))
def list_accounts(
    service: ServiceHere,
    bearer: Bearer,
    csm: Name = None,
    segment: Name = None,
    stage: Name = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Accounts by id, with every field and without their parts."""
    wanted = AccountFilter(csm, segment, stage)
    return listed(
        service,
        lambda connection: accounts.page(connection, wanted, limit=limit, cursor=cursor),
        lambda row: accounts.subject_json(row, Kind.ACCOUNT, service.catalogue),
    )


@routes.get(
    "/{account_id:path}",
    response_model=AccountItem,
    responses={
        304: {"description": "It is as it was when `If-None-Match` was the `ETag`."},
        **answers(401, 404, 422, said={404: "There is no such account."}),
    },
)
def show_account(
    service: ServiceHere,
    bearer: Bearer,
    account_id: str,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """One account with its contacts, subscriptions, tickets and metrics.

    Without `revision` it can be posted as it stands. The `ETag` changes whenever something is taken in of it.
    """
    with reading(service.database) as connection:
        found = accounts.one(connection, account_id, service.catalogue)
    if found is None:
        raise Problem(404, "No such account", f'There is no account "{account_id[:200]}".')
    tag = f'W/"{found["revision"]}"'
    if is_named(tag, if_none_match):
        return Response(status_code=304, headers={"ETag": tag})
    return JSONResponse(found, headers={"ETag": tag})


def is_named(tag: str, header: str | None) -> bool:
    """Whether an `If-None-Match` or `If-Match` header names the tag; `*` names any."""
    named = {each.strip().removeprefix("W/") for each in (header or "").split(",")}
    return "*" in named or tag.removeprefix("W/") in named
