"""Every address of the console and the API against everybody who might call it."""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import Engine, select
from starlette.routing import Mount

from engine.api.gate import include
from engine.api.permissions import ROUTES, Open, UnguardedRouteError
from engine.api.tokens import create_token
from engine.state import tables
from engine.state.database import reading, writing
from engine.state.tables import ApiToken
from engine.users.access import ALL, Access, Permission
from tests.website import csrf_of, sign_in, visit
from tests.website_book import NOW, account, put, task

OPEN = {
    *("GET /healthz", "GET /readyz", "GET /openapi.json", "HEAD /openapi.json"),
    *("GET /sign-in", "POST /sign-in", "GET /sign-in/link", "POST /sign-in/link"),
    *("GET /sign-in/openid", "GET /sign-in/openid/callback"),
    *("GET /unsubscribe/{token}", "POST /unsubscribe/{token}"),
    *("GET /preferences/{token}", "POST /preferences/{token}"),
    *("POST /mailbox/slack", "POST /api/v1/mail-events"),
}
OWN = {"POST /sign-out", "GET /you", "POST /you/password", "POST /you/sign-out-elsewhere"}

LEAST = {
    Permission.READ: ("viewer", "csm", "ops", "admin"),
    Permission.TASKS: ("csm", "ops", "admin"),
    Permission.DATA: ("ops", "admin"),
    Permission.OPS: ("ops", "admin"),
    Permission.ADMIN: ("admin",),
}
"""Who has each permission in the console."""

PINNED = {
    "GET /queue": Permission.READ,
    "GET /accounts/{account_id:path}": Permission.READ,
    "GET /settings/people": Permission.ADMIN,
    "GET /settings/tokens": Permission.ADMIN,
    "POST /tasks/{task_id}/{deed}": Permission.TASKS,
    "POST /tasks/bulk": Permission.TASKS,
    "POST /tasks/undo": Permission.TASKS,
    "POST /mail/retry": Permission.OPS,
    "POST /mail/{entry_id}/cancel": Permission.OPS,
    "POST /holds/release": Permission.OPS,
    "POST /silences/end": Permission.OPS,
    "POST /settings/people": Permission.ADMIN,
    "POST /settings/people/{person_id}/access": Permission.ADMIN,
    "POST /settings/tokens": Permission.ADMIN,
    "POST /settings/tokens/{token_id}/revoke": Permission.ADMIN,
    "POST /settings/connectors/{name}/test": Permission.ADMIN,
    "POST /api/v1/accounts": Permission.DATA,
    "POST /api/v1/events": Permission.DATA,
    "POST /api/v1/sources/{name}": Permission.DATA,
    "POST /api/v1/tasks/{task_id}/complete": Permission.TASKS,
    "POST /api/v1/silences": Permission.OPS,
    "DELETE /api/v1/silences/{silence_id}": Permission.OPS,
    "POST /api/v1/outbox/retry": Permission.OPS,
    "POST /api/v1/holds/{hold_id}/release": Permission.OPS,
}
"""What must not become easier unseen."""

REFUSED = "This takes"


def _addresses(app: FastAPI) -> set[str]:
    """Everything the application answers to, but for the files of the pages."""
    found = set()
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Mount):
            assert route.path == "/static"
            continue
        found.update(f"{method} {route.path}" for method in route.methods or ())
    return found


def _calls(app: FastAPI, *, of_api: bool) -> Iterator[tuple[str, str, str]]:
    """Every address that is not open to everybody, with its method and a path of its shape."""
    for address in sorted(_addresses(app) - OPEN):
        method, path = address.split(" ")
        if path.startswith("/api/") is of_api:
            yield address, method, re.sub(r"\{[^}]+\}", "nothing", path)


def _is_let_in(answer: httpx.Response) -> bool:
    return not answer.headers.get("location", "").startswith("/sign-in") and REFUSED not in answer.text


def test_the_table_has_every_address_and_no_other(reading_room: FastAPI) -> None:
    """What nobody serves any more has no place in it."""
    assert _addresses(reading_room) - {"GET /openapi.json", "HEAD /openapi.json"} == set(ROUTES)


def test_an_address_without_an_entry_is_not_served() -> None:
    """The start fails and says where to write it."""
    router = APIRouter()
    router.add_api_route("/forgotten", lambda: None, methods=["GET", "POST"])
    with pytest.raises(
        UnguardedRouteError, match=r"permissions\.py does not say who may call GET /forgotten, POST"
    ):
        include(FastAPI(), router)


def test_nothing_that_changes_something_is_left_to_viewers(reading_room: FastAPI) -> None:
    """But what concerns themselves alone, and what is open to everybody."""
    changing = {each for each in _addresses(reading_room) if not each.startswith(("GET ", "HEAD "))}
    assert {each for each in changing - OPEN - OWN if ROUTES[each] is Permission.READ} == set()
    assert {each for each, need in ROUTES.items() if need is Open.ANYBODY} == {
        each for each in OPEN if "openapi.json" not in each
    }
    assert {each for each, need in ROUTES.items() if need is Open.SIGNED_IN} == OWN


def test_what_changes_most_takes_most() -> None:
    """Each of these by hand."""
    assert {each: ROUTES.get(each) for each in PINNED} == PINNED


@pytest.mark.parametrize("access", list(Access))
def test_the_console_lets_each_access_do_what_it_may(
    reading_room: FastAPI, shelf: Engine, access: Access
) -> None:
    """Forms come without their token here, so that what is let in does nothing all the same."""
    browser = sign_in(reading_room, shelf, access)
    for address, method, path in _calls(reading_room, of_api=False):
        answer = browser.request(method, path)
        need = ROUTES[address]
        may = not isinstance(need, Permission) or access in LEAST[need]
        assert _is_let_in(answer) is may, address
        assert method == "GET" or answer.status_code in (403, 422), address


def test_the_console_sends_strangers_to_sign_in(reading_room: FastAPI) -> None:
    """From every page and every form; a token of the API opens none."""
    for stranger in (visit(reading_room), visit(reading_room, "made-up")):
        for address, method, path in _calls(reading_room, of_api=False):
            answer = stranger.request(method, path)
            assert answer.status_code == 303, address
            assert answer.headers["location"].startswith("/sign-in?next="), address


@pytest.mark.parametrize("scope", list(Permission))
def test_the_api_lets_each_scope_do_what_it_may(
    reading_room: FastAPI, shelf: Engine, scope: Permission
) -> None:
    """And nothing else, whatever else there is."""
    program = visit(reading_room, create_token(shelf, scope, NOW, scopes=[scope]))
    every = visit(reading_room, create_token(shelf, f"all but {scope}", NOW, scopes=ALL - {scope}))
    for address, method, path in _calls(reading_room, of_api=True):
        needed = ROUTES[address]
        refused = (program if needed != scope else every).request(method, path, content=b"[")
        assert refused.status_code == 403, address
        assert refused.json()["title"] == "Scope missing"
        if needed == scope:
            assert _is_let_in(program.request(method, path, content=b"[")), address


def test_the_api_refuses_strangers(reading_room: FastAPI, shelf: Engine) -> None:
    """Nobody's token, no token, and one who is merely signed in to the console."""
    browser = sign_in(reading_room, shelf, Access.ADMIN)
    for stranger in (visit(reading_room), visit(reading_room, "made-up"), browser):
        for address, method, path in _calls(reading_room, of_api=True):
            assert stranger.request(method, path).status_code == 401, address


def test_a_token_signs_in_for_what_its_scopes_say(reading_room: FastAPI, shelf: Engine) -> None:
    """One that may not even read sees no page but its own."""
    feed = visit(reading_room)
    feed.post("/sign-in", data={"token": create_token(shelf, "feed", NOW, scopes=[Permission.DATA])})
    assert feed.get("/queue").status_code == 403
    assert feed.get("/you").status_code == 200
    reader = visit(reading_room)
    reader.post("/sign-in", data={"token": create_token(shelf, "eyes", NOW, scopes=[Permission.READ])})
    assert reader.get("/queue").status_code == 200
    answer = reader.post("/holds/release", data={"csrf": csrf_of(reader), "hold_id": "h1"})
    assert (answer.status_code, "“viewer”" in answer.text) == (403, True)


def test_unknown_scopes_in_the_database_are_an_error_not_a_leave(
    app: FastAPI, sqlite_database: Engine
) -> None:
    """A row that was tampered with opens nothing."""
    token = create_token(sqlite_database, "odd", NOW)
    with writing(sqlite_database) as connection:
        connection.execute(ApiToken.__table__.update().values(scopes="everything"))  # type: ignore[attr-defined]
    answer = visit(app, token).get("/api/v1/tasks")
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def _far(database: Engine) -> None:
    """An account of Omar's in which Dana has nothing to do."""
    put(
        database,
        *account("far", "Far & Sons", csm="omar", segment="high_touch"),
        task("t-far", account_id="far", subject_id="far", assignee="omar", title="Call Far"),
        tables.Run(
            id="run-far",
            account_id="far",
            playbook="at-risk",
            version="v1",
            kind="account",
            subject_id="far",
            started_at=NOW,
        ),
        tables.Outbox(
            id="o-far",
            run_id="run-far",
            account_id="far",
            playbook="at-risk",
            step="note",
            connector="email",
            recipient="it@far.example",
            subject="To Far",
            payload={"html": "", "text": "x"},
            available_at=NOW,
            created_at=NOW,
        ),
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/accounts/far", 403),
        ("/mail/o-far", 403),
        ("/mail/o-far/html", 403),
        ("/why?playbook=at-risk&account=far", 403),
        ("/why?playbook=at-risk&account=%20far", 403),
        ("/why?playbook=at-risk&subject=far", 404),
        ("/accounts/acme", 200),
        ("/accounts/hostile", 200),
        ("/accounts/globex", 200),
        ("/mail/o1", 200),
        ("/why?playbook=at-risk&account=acme", 200),
        ("/why?playbook=at-risk&subject=acme", 200),
    ],
)
def test_a_csm_sees_only_accounts_of_the_team(
    app: FastAPI, sqlite_database: Engine, path: str, status: int
) -> None:
    """Dana's own, those nobody has, and that in which she has a task; a viewer sees them all."""
    _far(sqlite_database)
    assert sign_in(app, sqlite_database, Access.CSM, "dana").get(path).status_code == status
    assert sign_in(app, sqlite_database, Access.VIEWER).get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/accounts", "/accounts?q=far", "/queue?view=all", "/mail", "/playbooks/at-risk"]
)
def test_lists_leave_out_accounts_of_other_teams(app: FastAPI, sqlite_database: Engine, path: str) -> None:
    """Whatever they list, and however it is searched."""
    _far(sqlite_database)
    assert "Far" in sign_in(app, sqlite_database, Access.VIEWER).get(path).text
    assert "Far &amp;" not in sign_in(app, sqlite_database, Access.CSM, "dana").get(path).text


def test_counts_leave_out_accounts_of_other_teams(app: FastAPI, sqlite_database: Engine) -> None:
    """Omar has a task of his own account, which Dana does not count."""
    _far(sqlite_database)
    assert ">8 open" in sign_in(app, sqlite_database, Access.VIEWER).get("/queue?view=all").text
    assert ">7 open" in sign_in(app, sqlite_database, Access.CSM, "dana").get("/queue?view=all").text


def test_a_csm_cannot_act_on_tasks_of_other_teams(app: FastAPI, sqlite_database: Engine) -> None:
    """Not even knowing their ids. What they do is recorded under the id of the person."""
    _far(sqlite_database)
    dana = sign_in(app, sqlite_database, Access.CSM, "dana")
    form = {"csrf": csrf_of(dana)}
    answer = dana.post("/tasks/t-far/complete", data=form)
    assert (answer.status_code, "another team" in answer.text) == (403, True)
    several = dana.post("/tasks/bulk", data={**form, "deed": "complete", "task": ["t-today", "t-far"]})
    assert (several.status_code, "another team" in several.text) == (403, True)
    assert dana.post("/tasks/t-today/complete", data=form).status_code == 303
    done = select(tables.Task.__table__.c.closed_by).where(tables.Task.__table__.c.id == "t-today")  # type: ignore[attr-defined]
    with reading(sqlite_database) as connection:
        assert connection.scalar(done) == "dana"
