"""What programs read over the API, on both databases: accounts, playbooks, runs, decisions and holds."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.clock.zones import format_instant
from engine.state.cursor import write_cursor
from engine.state.tables import Decision, Run
from tests.website import Watcher, make_service, visit
from tests.website_book import HOSTILE, NOW, put, seed


@pytest.fixture
def watcher() -> Watcher:
    """What the service was asked to do."""
    return Watcher()


@pytest.fixture
def client(database: Engine, watcher: Watcher) -> httpx.Client:
    """A caller with a token, over a seeded book."""
    seed(database)
    token = create_token(database, "reader", NOW)
    return visit(create_app(make_service(database, watcher)), token)


def _all(client: httpx.Client, path: str, **parameters: Any) -> list[Any]:
    """Every item of a list, read two at a time."""
    found: list[Any] = []
    cursor = None
    while True:
        answer = client.get(
            path, params={**parameters, "limit": 2, **({"cursor": cursor} if cursor else {})}
        ).json()
        assert len(answer["items"]) <= 2
        found += answer["items"]
        cursor = answer["next_cursor"]
        if cursor is None:
            return found


def test_an_account_is_read_as_it_is_posted(client: httpx.Client) -> None:
    """Whoever read it can send it back, and nothing has changed."""
    read = client.get("/api/v1/accounts/acme").json()
    assert (read["name"], read["health"], read["strategic"]) == ("Acme Manufacturing", "35", None)
    assert (read["renews_on"], read["metrics"]) == ("2026-04-28", {"logins_30d": "12"})
    assert [each["id"] for each in read["contacts"] + read["subscriptions"] + read["tickets"]] == [
        "c1",
        "s1",
        "k1",
    ]
    posted = {name: value for name, value in read.items() if name != "revision"}
    answer = client.post("/api/v1/accounts", json={"accounts": [posted]})
    assert (answer.status_code, answer.json()["rejected"]) == (200, [])
    again = client.get("/api/v1/accounts/acme").json()
    assert {**again, "revision": 0} == {**read, "revision": 0}


def test_an_account_is_told_once_to_who_has_it_already(client: httpx.Client) -> None:
    """The tag changes as soon as something is taken in."""
    tag = client.get("/api/v1/accounts/acme").headers["etag"]
    same = client.get("/api/v1/accounts/acme", headers={"If-None-Match": f'"other", {tag}'})
    assert (same.status_code, same.content) == (304, b"")
    client.post("/api/v1/accounts", json={"accounts": [{"id": "acme", "health": 12}]})
    changed = client.get("/api/v1/accounts/acme", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["health"]) == (200, "12")


def test_an_account_is_found_whatever_its_id_and_name(client: httpx.Client) -> None:
    """Slashes and questions in an id are part of it."""
    assert client.get("/api/v1/accounts/a%2Fb%20c%3Fd").json()["name"] == "Slash & Query"
    assert client.get("/api/v1/accounts/hostile").json()["name"] == HOSTILE


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({}, ["a/b c?d", "acme", "globex", "hostile"]),
        ({"csm": "dana"}, ["acme"]),
        ({"segment": "low_touch"}, ["globex"]),
        ({"stage": "active"}, ["acme", "globex"]),
        ({"stage": "active", "csm": "omar"}, ["globex"]),
        ({"stage": "trial"}, []),
    ],
)
def test_accounts_are_listed_by_id(client: httpx.Client, wanted: dict[str, str], ids: list[str]) -> None:
    """Page by page, narrowed by what is asked."""
    assert [each["id"] for each in _all(client, "/api/v1/accounts", **wanted)] == ids


def test_a_playbook_is_told_in_words_with_its_runs_counted(client: httpx.Client) -> None:
    """The list and the single one say the same."""
    one = client.get("/api/v1/playbooks/at-risk").json()
    assert client.get("/api/v1/playbooks").json() == {"items": [one]}
    assert one["runs"] == {"started": 2, "open": 1, "outcomes": {"recovered": 1}}
    assert (one["paused"], one["live_since"]) == (False, format_instant(NOW - timedelta(days=7)))
    assert one["steps"][0]["timing"] == "day 1"
    assert one["triggers"][1] == "when event cancel requested happens"


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({}, ["run-1", "run-0"]),
        ({"account_id": "acme", "state": "ended"}, ["run-0"]),
        ({"outcome": "recovered"}, ["run-0"]),
        ({"playbook": "at-risk", "subject_id": "acme"}, ["run-1", "run-0"]),
        ({"account_id": "globex"}, []),
    ],
)
def test_runs_are_listed_newest_first(client: httpx.Client, wanted: dict[str, str], ids: list[str]) -> None:
    """Narrowed by what is asked."""
    assert [each["id"] for each in _all(client, "/api/v1/runs", **wanted)] == ids


def test_runs_of_one_instant_are_told_apart_across_pages(client: httpx.Client, database: Engine) -> None:
    """None is left out and none told twice where a page ends among equals."""
    same = {"account_id": "globex", "playbook": "p", "version": "v", "kind": "account", "started_at": NOW}
    put(database, *(Run(id=f"r{number}", subject_id=f"s{number}", **same) for number in range(5)))
    ids = [each["id"] for each in _all(client, "/api/v1/runs", account_id="globex")]
    assert ids == ["r0", "r1", "r2", "r3", "r4"]


def test_a_run_has_its_steps(client: httpx.Client) -> None:
    """In the order in which they fall due."""
    run = client.get("/api/v1/runs/run-1").json()
    assert (run["account"], run["state"]) == ("Acme Manufacturing", "open")
    assert [(each["step"], each["state"]) for each in run["steps"]] == [
        ("outreach", "open"),
        ("executive", "waiting"),
    ]


def test_decisions_are_searched_by_time_and_answer(client: httpx.Client, database: Engine) -> None:
    """`since` is included, `before` is not."""
    for hours in (1, 2, 3):
        put(
            database,
            Decision(
                account_id="globex",
                playbook="welcome",
                kind="account",
                subject_id="globex",
                at=NOW - timedelta(hours=hours),
                answer="fired" if hours == 2 else "skipped",
                reason=f"{hours} hours ago",
            ),
        )
    found = _all(client, "/api/v1/decisions")
    assert [each["reason"] for each in found[:3]] == ["1 hours ago", "2 hours ago", "3 hours ago"]
    window = {
        "since": format_instant(NOW - timedelta(hours=3)),
        "before": format_instant(NOW - timedelta(hours=1)),
    }
    assert [each["reason"] for each in _all(client, "/api/v1/decisions", **window)] == [
        "2 hours ago",
        "3 hours ago",
    ]
    fired = _all(client, "/api/v1/decisions", playbook="welcome", answer="fired")
    assert [each["reason"] for each in fired] == ["2 hours ago"]


def test_a_hold_is_released_in_the_name_of_the_token(client: httpx.Client, watcher: Watcher) -> None:
    """The service is asked, and woken."""
    held = client.get("/api/v1/holds", params={"state": "held"}).json()["items"]
    assert [(each["id"], each["size"]) for each in held] == [("h1", 41)]
    assert client.post("/api/v1/holds/h1/release").json()["id"] == "h1"
    assert (watcher.released, watcher.wakes) == ([(["h1"], "reader")], 1)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/accounts/nobody", 404),
        ("/api/v1/playbooks/nothing", 404),
        ("/api/v1/runs/none", 404),
        ("/api/v1/runs?state=running", 422),
        ("/api/v1/runs?limit=0", 422),
        ("/api/v1/runs?cursor=nonsense", 422),
        (f"/api/v1/runs?cursor={write_cursor(['2026-01-01T00:00:00Z'])}", 422),
        (f"/api/v1/runs?cursor={write_cursor([7, 'run-1'])}", 422),
        (f"/api/v1/runs?cursor={write_cursor(['soon', 'run-1'])}", 422),
        (f"/api/v1/decisions?cursor={write_cursor(['2026-01-01T00:00:00Z', 2**70])}", 422),
        (f"/api/v1/decisions?cursor={write_cursor(['2026-01-01T00:00:00Z', True])}", 422),
        ("/api/v1/decisions?since=soon", 422),
        ("/api/v1/holds?state=lost", 422),
    ],
)
def test_what_is_not_there_or_does_not_fit_is_a_problem(client: httpx.Client, path: str, status: int) -> None:
    """With its status and what to do."""
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_hold_that_is_not_there_is_a_problem(client: httpx.Client, watcher: Watcher) -> None:
    """And nobody is woken."""
    assert client.post("/api/v1/holds/h9/release").status_code == 404
    assert watcher.wakes == 0
