"""The API as its callers meet it, on both databases."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, create_engine, select
from sqlmodel import Session

from engine.api.app import create_app
from engine.api.guards import LARGEST_API_BODY
from engine.api.permissions import ROUTES
from engine.api.tokens import create_token, revoke_tokens
from engine.clock.zones import format_instant
from engine.state.database import reading
from engine.state.tables import Account, Contact, Event, Tick
from tests.website import Watcher, make_service, visit
from tests.website_book import NOW, seed


@pytest.fixture
def watcher() -> Watcher:
    """What the service was asked to do."""
    return Watcher()


@pytest.fixture
def app(database: Engine, watcher: Watcher) -> FastAPI:
    """The application over a seeded book."""
    seed(database)
    return create_app(make_service(database, watcher))


@pytest.fixture
def client(app: FastAPI, database: Engine) -> httpx.Client:
    """A caller with a token named `loader`."""
    return visit(app, create_token(database, "loader", NOW))


@pytest.fixture
def bare_client(sqlite_database: Engine, watcher: Watcher) -> httpx.Client:
    """A caller of a service that knows no account, for what never reaches the database."""
    return visit(
        create_app(make_service(sqlite_database, watcher)), create_token(sqlite_database, "loader", NOW)
    )


CALLS = (
    ("POST", "/api/v1/accounts"),
    ("POST", "/api/v1/events"),
    ("GET", "/api/v1/tasks"),
    ("POST", "/api/v1/tasks/t-late/complete"),
    ("POST", "/api/v1/tasks/t-late/snooze"),
    ("GET", "/api/v1/playbooks/at-risk/explanations"),
    ("GET", "/api/v1/silences"),
    ("POST", "/api/v1/silences"),
    ("DELETE", "/api/v1/silences/s1"),
)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_every_call_needs_a_token(app: FastAPI, header: dict[str, str]) -> None:
    """Without one the answer says how to send it."""
    caller = visit(app)
    for method, path in CALLS:
        answer = caller.request(method, path, headers=header)
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json", path
        assert answer.headers["www-authenticate"] == "Bearer", path


def test_a_revoked_token_is_refused_at_once(client: httpx.Client, database: Engine) -> None:
    """Nothing is remembered."""
    assert client.get("/api/v1/tasks").status_code == 200
    revoke_tokens(database, "loader", NOW)
    assert client.get("/api/v1/tasks").status_code == 401


def test_post_accounts_creates_updates_and_wakes(
    client: httpx.Client, database: Engine, watcher: Watcher
) -> None:
    """Fields left out stay; parts come along."""
    item = {"id": "acme", "health": 61.5, "contacts": [{"id": "c9", "role": "champion", "name": "Li"}]}
    answer = client.post("/api/v1/accounts", json={"accounts": [item, {"id": "new", "name": "Neu"}]})
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "rejected": []})
    assert watcher.wakes == 1
    with reading(database) as connection:
        names = {row.id: row.name for row in connection.execute(select(Account.id, Account.name))}
        health = connection.scalar(select(Account.health).where(Account.id == "acme"))
        role = connection.scalar(select(Contact.role).where(Contact.id == "c9"))
    assert (names["acme"], names["new"]) == ("Acme Manufacturing", "Neu")
    assert (str(health), role) == ("61.5", "champion")


def test_post_accounts_takes_the_good_and_names_the_bad(client: httpx.Client, database: Engine) -> None:
    """One bad item costs no other, and none of it is taken."""
    items = [
        {"id": "good", "name": "Good"},
        {"id": "bad", "name": "Bad", "contacts": [{"id": "c5", "role": "boss"}]},
        {"id": "thief", "contacts": [{"id": "c1"}]},
    ]
    answer = client.post("/api/v1/accounts", json={"accounts": items})
    assert answer.status_code == 207
    assert answer.json()["accepted"] == 1
    assert [
        (each["index"], each["id"], each["errors"][0]["pointer"]) for each in answer.json()["rejected"]
    ] == [
        (1, "bad", "/accounts/1/contacts/0/role"),
        (2, "thief", "/accounts/2/contacts"),
    ]
    assert 'belongs to account "acme"' in answer.json()["rejected"][1]["errors"][0]["detail"]
    with reading(database) as connection:
        found = connection.scalars(select(Account.id).where(Account.id.in_(["good", "bad", "thief"]))).all()  # type: ignore[attr-defined]
    assert found == ["good"]


def test_post_events_counts_the_same_event_once(
    client: httpx.Client, database: Engine, watcher: Watcher
) -> None:
    """A repeated id is the same event, in one post and in the next."""
    item = {"id": "ev-1", "account_id": "acme", "name": "login", "properties": {"seats": 3}}
    for _ in range(2):
        answer = client.post("/api/v1/events", json={"events": [item, item]})
        assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "rejected": []})
    with reading(database) as connection:
        rows = connection.execute(select(Event.properties).where(Event.id == "ev-1")).all()  # type: ignore[call-overload]
    assert [row.properties for row in rows] == [{"seats": 3}]
    assert watcher.wakes == 2


def test_post_events_refuses_unknown_accounts(client: httpx.Client, watcher: Watcher) -> None:
    """An event belongs to somebody, or is a mistake."""
    answer = client.post("/api/v1/events", json={"events": [{"id": "e", "account_id": "acmee", "name": "x"}]})
    assert answer.status_code == 207
    assert answer.json()["rejected"][0]["errors"][0]["detail"] == 'there is no account "acmee"'
    assert watcher.wakes == 0


_DEEP = "[" * 3000 + "]" * 3000
_HAZARDS = {
    "empty": b"",
    "not json": b"accounts=1",
    "nan": b'{"accounts": [{"id": "a", "arr": NaN}]}',
    "infinity": b'{"accounts": [{"id": "a", "arr": -Infinity}]}',
    "digits": b'{"accounts": [{"id": "a", "arr": ' + b"1" * 10_000 + b"}]}",
    "exponent": b'{"accounts": [{"id": "a", "arr": 1e9999999999999999999999}]}',
    "repeated key": b'{"accounts": [{"id": "a", "id": "b"}]}',
    "nul": b'{"accounts": [{"id": "a\\u0000"}]}',
    "nul in a key": b'{"accounts": [{"id": "a", "b\\u0000": 1}]}',
    "lone surrogate": b'{"accounts": [{"id": "a", "name": "\\ud83d"}]}',
    "latin-1": '{"accounts": [{"id": "é"}]}'.encode("latin-1"),
    "utf-16": '{"accounts": []}'.encode("utf-16"),
    "deep": f'{{"accounts": {_DEEP}}}'.encode(),
    "list": b"[]",
    "null": b"null",
    "wrong key": b'{"account": []}',
    "two keys": b'{"accounts": [], "events": []}',
}


@pytest.mark.parametrize("path", ["/api/v1/accounts", "/api/v1/events"])
@pytest.mark.parametrize("body", _HAZARDS.values(), ids=_HAZARDS)
def test_hazardous_bodies_are_refused_whole(
    bare_client: httpx.Client, watcher: Watcher, path: str, body: bytes
) -> None:
    """Never a crash, never a part taken."""
    answer = bare_client.post(path, content=body.replace(b"accounts", path[8:].encode()))
    assert answer.status_code == 400, answer.text
    assert answer.json()["title"] in ("Body is not usable JSON", "Body does not fit")
    assert watcher.wakes == 0


_ITEMS: dict[str, Any] = {
    "no id": {},
    "number id": {"id": 1},
    "control id": {"id": "a\nb"},
    "long id": {"id": "x" * 500},
    "huge number": {"id": "a", "arr": 10**13},
    "huge exponent": {"id": "a", "arr": 1e300},
    "flag as number": {"id": "a", "arr": True},
    "object as text": {"id": "a", "name": {"$ne": 1}},
    "list as flag": {"id": "a", "strategic": [True]},
    "date out of the calendar": {"id": "a", "renews_on": "2026-02-31"},
    "zone of nowhere": {"id": "a", "timezone": "/etc/passwd"},
    "future": {"id": "a", "effective_at": "2031-01-01T00:00:00Z"},
    "overflowing instant": {"id": "a", "first_value_at": "0001-01-01T00:00:00+23:59"},
    "metric of text": {"id": "a", "metrics": {"m": "many"}},
}


@pytest.mark.parametrize("item", _ITEMS.values(), ids=_ITEMS)
def test_hostile_items_are_rejected_one_by_one(bare_client: httpx.Client, item: dict[str, Any]) -> None:
    """The frame is fine, so the answer names the item."""
    answer = bare_client.post("/api/v1/accounts", content=json.dumps({"accounts": [item]}))
    assert answer.status_code == 207
    assert answer.json()["accepted"] == 0
    assert all(fault["mend"] for fault in answer.json()["rejected"][0]["errors"])


def test_odd_but_honest_text_is_kept(client: httpx.Client, database: Engine) -> None:
    """Right-to-left marks, emoji and tags are text like any other."""
    name = "\u202eevil 🚀 <b>x</b> '; DROP TABLE account; --"
    assert (
        client.post("/api/v1/accounts", json={"accounts": [{"id": "odd", "name": name}]}).status_code == 200
    )
    with reading(database) as connection:
        assert connection.scalar(select(Account.name).where(Account.id == "odd")) == name


def test_bodies_beyond_the_bound_are_refused(client: httpx.Client) -> None:
    """Whether or not the length was announced."""
    chunks = (b" " * 1024 * 1024 for _ in range(LARGEST_API_BODY // 1024 // 1024 + 1))
    for content in (b" " * (LARGEST_API_BODY + 1), chunks):
        answer = client.post("/api/v1/accounts", content=content)
        assert (answer.status_code, answer.json()["title"]) == (413, "Body too large")


def test_too_many_items_are_refused(client: httpx.Client) -> None:
    """The bound is told."""
    answer = client.post("/api/v1/accounts", json={"accounts": [{"id": str(n)} for n in range(1001)]})
    assert answer.status_code == 422
    assert "at most 1,000" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("assignee=omar", ["t-hostile"]),
        ("assignee=team:cs_pool", ["t-team"]),
        ("account_id=globex", ["t-team", "t-later"]),
        ("playbook=renewal-high-touch", ["t-later"]),
        ("state=done", ["t-done"]),
        ("assignee=dana&limit=2", ["t-late", "t-today"]),
        ("assignee=nobody", []),
    ],
)
def test_list_tasks_narrows(client: httpx.Client, query: str, ids: list[str]) -> None:
    """Filters join; the order is priority, then due."""
    assert [each["id"] for each in client.get(f"/api/v1/tasks?{query}").json()["items"]] == ids


def test_list_tasks_pages_to_the_end(client: httpx.Client) -> None:
    """The cursor leads through every task once."""
    whole = [each["id"] for each in client.get("/api/v1/tasks").json()["items"]]
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(
            "/api/v1/tasks", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        ).json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert found == whole
    assert len(whole) == 7


def test_list_tasks_says_all_a_reader_needs(client: httpx.Client) -> None:
    """Names beside ids, times in UTC, and the reason."""
    item = client.get("/api/v1/tasks?limit=1").json()["items"][0]
    wanted = {
        "id": "t-late",
        "playbook": "at-risk",
        "step": "outreach",
        "account_id": "acme",
        "account": "Acme Manufacturing",
        "assignee": "dana",
        "assignee_name": "Dana Whitfield",
        "due": "2026-01-27",
        "due_at": "2026-01-27T17:00:00Z",
        "priority": 90,
        "state": "open",
        "outcomes": ["reached", "no_response"],
        "reason": "health is 35 (dropped below 40)",
    }
    assert {key: item[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=1e9",
        "limit=" + "9" * 50,
        "state=closed",
        "cursor=xyz",
        "assignee=" + "x" * 201,
    ],
)
def test_list_tasks_refuses_parameters_that_do_not_fit(client: httpx.Client, query: str) -> None:
    """With problem details."""
    answer = client.get(f"/api/v1/tasks?{query}")
    assert (answer.status_code, answer.json()["title"]) == (422, "Parameters do not fit")


def test_complete_and_snooze_answer_with_the_task(client: httpx.Client, watcher: Watcher) -> None:
    """The caller sees what became of it."""
    done = client.post("/api/v1/tasks/t-late/complete", json={"outcome": "reached", "note": "Friday"})
    assert done.status_code == 200
    assert {key: done.json()[key] for key in ("state", "outcome", "note", "closed_by", "closed_at")} == {
        "state": "done",
        "outcome": "reached",
        "note": "Friday",
        "closed_by": "loader",
        "closed_at": "2026-01-28T10:00:00Z",
    }
    rest = client.post("/api/v1/tasks/t-today/snooze", json={"until": "2026-01-30T08:00:00+01:00"})
    assert (rest.status_code, rest.json()["snoozed_until"]) == (200, "2026-01-30T07:00:00Z")
    assert watcher.wakes == 2


@pytest.mark.parametrize(
    ("path", "body", "status", "title"),
    [
        ("nowhere/complete", {}, 404, "No such task"),
        ("nowhere/snooze", {"until": "2026-02-01T00:00:00Z"}, 404, "No such task"),
        ("t-done/complete", {}, 409, "Task is closed"),
        ("t-late/complete", {}, 422, "Outcome does not fit"),
        ("t-late/complete", {"outcome": "maybe"}, 422, "Outcome does not fit"),
        ("t-late/complete", {"outcome": 3}, 422, "Request does not fit"),
        ("t-late/complete", {"result": "reached"}, 422, "Request does not fit"),
        ("t-late/complete", [], 400, "Body does not fit"),
        ("t-today/complete", {"note": "x" * 5000}, 422, "Request does not fit"),
        ("t-late/snooze", {}, 422, "Time does not fit"),
        ("t-late/snooze", {"until": "tomorrow"}, 422, "Time does not fit"),
        ("t-late/snooze", {"until": "2026-01-28T10:00:00Z"}, 422, "Request does not fit"),
        ("t-late/snooze", {"until": "9999-12-31T23:59:59-12:00"}, 422, "Time does not fit"),
    ],
)
def test_task_calls_refuse_with_problem_details(
    client: httpx.Client, watcher: Watcher, path: str, body: Any, status: int, title: str
) -> None:
    """Each refusal has its status; nothing is woken."""
    answer = client.post(f"/api/v1/tasks/{path}", json=body)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert answer.headers["content-type"] == "application/problem+json"
    assert watcher.wakes == 0


def test_an_unknown_outcome_is_answered_with_the_choices(client: httpx.Client) -> None:
    """So that a program can offer them."""
    answer = client.post("/api/v1/tasks/t-late/complete", json={"outcome": "maybe"})
    assert answer.json()["choices"] == ["reached", "no_response"]


@pytest.mark.parametrize("path", ["/api/v1/tasks/a%00b/complete", "/api/%00", "/api/v2"])
def test_odd_addresses_are_not_found(client: httpx.Client, path: str) -> None:
    """A NUL leads nowhere, and programs are told so in JSON."""
    answer = client.request("POST" if "complete" in path else "GET", path)
    assert (answer.status_code, answer.json()["title"]) == (404, "Not found")


def test_nothing_is_found_by_a_nul(client: httpx.Client) -> None:
    """No database keeps one."""
    answer = client.get("/api/v1/tasks?assignee=a%00b")
    assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_wrong_methods_are_refused(client: httpx.Client) -> None:
    """As problem details too."""
    answer = client.delete("/api/v1/tasks")
    assert (answer.status_code, answer.json()["title"]) == (405, "Method not allowed")


def test_a_fault_of_ours_is_told_without_detail(database: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """The cause goes to the log, not to the caller."""

    def broken() -> dict[str, Any]:
        raise RuntimeError("the secret cause")

    answer = visit(create_app(make_service(database, status=broken))).get("/readyz")
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal error")
    assert "secret" not in answer.text
    assert "the secret cause" in caplog.text


def test_healthz_and_readyz_tell_of_a_working_service(app: FastAPI) -> None:
    """Without a token, for a load balancer."""
    assert visit(app).get("/healthz").json() == {"status": "ok"}
    answer = visit(app).get("/readyz")
    assert (answer.status_code, answer.json()["last_tick_at"]) == (200, "2026-01-28T10:00:00Z")


def _no_scheduler(database: Engine) -> dict[str, Any]:
    return {"status": lambda: {"scheduler_alive": False, "last_tick_at": None}}


def _no_database(database: Engine) -> dict[str, Any]:
    return {"database": create_engine("sqlite:////nowhere/at/all.db")}


@pytest.mark.parametrize(("broken", "words"), [(_no_scheduler, "scheduler"), (_no_database, "database")])
def test_readyz_says_what_is_down(
    sqlite_database: Engine, broken: Callable[[Engine], dict[str, Any]], words: str
) -> None:
    """503, and the reason."""
    service = make_service(sqlite_database, **broken(sqlite_database))
    answer = visit(create_app(service)).get("/readyz")
    assert answer.status_code == 503
    assert words in answer.json()["reason"]


def test_readyz_says_that_a_tick_ran_ahead(sqlite_database: Engine) -> None:
    """Until that instant no tick can be made, however well everything runs."""
    service = make_service(sqlite_database)
    ahead = service.now() + timedelta(days=90)
    with Session(sqlite_database) as session:
        session.add(Tick(at=ahead, finished_at=service.now()))
        session.commit()
    answer = visit(create_app(service)).get("/readyz")
    assert answer.status_code == 503
    assert format_instant(ahead) in answer.json()["reason"]


SIGNED = {"/api/v1/mail-events"}
"""What a mail provider calls: it proves itself by a signature over the body, and has no token."""


def test_the_openapi_document_is_complete(app: FastAPI) -> None:
    """Every call of the API with its body, an example, its refusals and the need for a token."""
    document = visit(app).get("/openapi.json").json()
    served = {address.partition(" ")[2].replace(":path}", "}") for address in ROUTES}
    assert set(document["paths"]) == {
        each for each in served if each.startswith("/api/") or each in ("/healthz", "/readyz")
    }
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path.startswith("/api/") and path not in SIGNED:
                assert operation["security"] == [{"HTTPBearer": []}], path
                assert "401" in operation["responses"], path
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]["application/json"]
                assert "example" in content or "example" in content["schema"], path
    account = document["paths"]["/api/v1/accounts"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert "health" in account["properties"]["accounts"]["items"]["properties"]
