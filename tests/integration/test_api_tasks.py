"""What programs do with tasks: versions, deeds of all kinds, in bulk, and undoing them."""

from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.settings import Role, Settings
from tests.website import Watcher, make_service, visit
from tests.website_book import NOW, seed


@pytest.fixture
def watcher() -> Watcher:
    """What the service was asked to do."""
    return Watcher()


@pytest.fixture
def client(database: Engine, watcher: Watcher) -> httpx.Client:
    """A caller with a token named `loader`, over a seeded book with one shared queue."""
    seed(database)
    settings = Settings(roles={"cs_pool": Role()})
    app = create_app(make_service(database, watcher, settings=settings))
    return visit(app, create_token(database, "loader", NOW))


def _post(client: httpx.Client, path: str, **body: Any) -> httpx.Response:
    return client.post(f"/api/v1/tasks/{path}", json=body)


def test_a_task_has_a_version_and_an_etag(client: httpx.Client) -> None:
    """Asked for again it is not sent again, until somebody changes it."""
    first = client.get("/api/v1/tasks/t-late")
    assert first.headers["etag"] == f'"{first.json()["version"]}"'
    again = client.get("/api/v1/tasks/t-late", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    _post(client, "t-late/reassign", to="omar")
    changed = client.get("/api/v1/tasks/t-late", headers={"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["assignee"]) == (200, "omar")


def test_what_has_changed_is_not_overwritten(client: httpx.Client) -> None:
    """The second is told what the first did, and which version there is now."""
    seen = client.get("/api/v1/tasks/t-late").headers["etag"]
    _post(client, "t-late/reassign", to="omar", note="Yours now.")
    answer = client.post(
        "/api/v1/tasks/t-late/complete", json={"outcome": "reached"}, headers={"If-Match": seen}
    )
    assert answer.status_code == 412
    assert "loader gave it to omar" in answer.json()["detail"]
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    again = client.post(
        "/api/v1/tasks/t-late/complete",
        json={"outcome": "reached"},
        headers={"If-Match": answer.headers["etag"]},
    )
    assert (again.status_code, again.json()["state"]) == (200, "done")


@pytest.mark.parametrize(
    ("path", "body", "shown", "entry"),
    [
        ("skip", {"reason": "Done."}, {"state": "skipped", "note": "Done."}, ("skipped", "", "Done.")),
        ("reassign", {"to": "omar"}, {"assignee_name": "Omar Haddad"}, ("reassigned", "omar", None)),
        (
            "reassign",
            {"to": "team:cs_pool"},
            {"assignee": "team:cs_pool"},
            ("reassigned", "team:cs_pool", None),
        ),
        ("comment", {"text": "Hm."}, {"state": "open"}, ("commented", "", "Hm.")),
        (
            "snooze",
            {"until": "2026-01-30T08:00:00Z"},
            {"snoozed_until": "2026-01-30T08:00:00Z"},
            ("snoozed", "2026-01-30T08:00:00Z", None),
        ),
        (
            "complete",
            {"outcome": "reached", "undo_seconds": 30},
            {"counts_at": "2026-01-28T10:00:30Z"},
            ("completed", "reached", None),
        ),
    ],
)
def test_a_deed_answers_with_the_task_and_is_in_its_log(
    client: httpx.Client,
    watcher: Watcher,
    path: str,
    body: dict[str, Any],
    shown: dict[str, Any],
    entry: tuple[Any, ...],
) -> None:
    """By the name of the token; the service is woken."""
    answer = _post(client, f"t-late/{path}", **body)
    assert answer.status_code == 200, answer.text
    assert shown.items() <= answer.json().items()
    (logged,) = client.get("/api/v1/tasks/t-late/log").json()["items"]
    assert (logged["by"], logged["did"], logged["words"], logged["note"]) == ("loader", *entry)
    assert (logged["act"], watcher.wakes) == (answer.json()["act"], 1)


def test_what_was_done_can_be_undone(client: httpx.Client) -> None:
    """By its name, once."""
    act = _post(client, "t-late/complete", outcome="reached", undo_seconds=30).json()["act"]
    undone = _post(client, "undo", act=act)
    assert (undone.status_code, undone.json()["done"]) == (200, ["t-late"])
    assert client.get("/api/v1/tasks/t-late").json()["state"] == "open"
    assert _post(client, "undo", act=act).status_code == 404


def test_many_tasks_are_done_at_once(client: httpx.Client) -> None:
    """Each by itself: what one refuses, the others do not suffer."""
    stale = {"id": "t-week", "version": "0" * 16}
    tasks = [{"id": "t-late"}, {"id": "t-done"}, {"id": "nowhere"}, stale]
    answer = _post(client, "bulk", do="skip", tasks=tasks, reason="Duplicate.").json()
    assert answer["done"] == ["t-late"]
    assert [(each["id"], each["status"]) for each in answer["refused"]] == [
        ("t-done", 409),
        ("nowhere", 404),
        ("t-week", 412),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("t-late/skip", {}, 422, "the reason is empty"),
        ("t-late/comment", {"text": " "}, 422, "the comment is empty"),
        ("t-late/reassign", {"to": "nobody"}, 422, "neither a person nor a shared queue"),
        ("t-late/reassign", {}, 422, "neither a person nor a shared queue"),
        ("t-late/complete", {"outcome": "reached", "undo_seconds": 61}, 422, "from 0 to 60"),
        ("t-late/complete", {"outcome": "reached", "undo_seconds": 0.5}, 422, "from 0 to 60"),
        ("t-late/complete", {"outcome": "reached", "undo_seconds": True}, 422, "from 0 to 60"),
        ("t-late/skip", {"reason": "x", "outcome": "reached"}, 422, "Unknown key"),
        ("undo", {"act": "nothing"}, 404, "nothing 'nothing' to undo"),
        ("undo", {}, 404, "to undo"),
        ("bulk", {"do": "skip", "reason": "x"}, 422, "1 to 500 tasks"),
        ("bulk", {"do": "sell", "tasks": [{"id": "t-late"}]}, 422, "give one of complete, skip"),
        ("bulk", {"do": "skip", "tasks": ["t-late"]}, 422, "/tasks/0"),
        ("bulk", {"do": "skip", "tasks": [{"id": "x", "version": 1}]}, 422, "/tasks/0"),
        ("bulk", {"do": "skip", "to": "omar", "tasks": [{"id": "x"}]}, 422, "Leave to out"),
    ],
)
def test_what_does_not_fit_is_refused(
    client: httpx.Client, watcher: Watcher, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    """With what is wrong and the mend; nothing has changed."""
    answer = _post(client, path, **body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
    assert client.get("/api/v1/tasks/t-late").json()["state"] == "open"
    assert watcher.wakes == 0


@pytest.mark.parametrize("path", ["nowhere", "nowhere/log"])
def test_there_is_nothing_to_read_of_an_unknown_task(client: httpx.Client, path: str) -> None:
    """It is told."""
    assert client.get(f"/api/v1/tasks/{path}").status_code == 404
