"""What people do with the outbox, and how they see it, by command line, over the API and in the console."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from sqlalchemy import Engine, insert
from typer.testing import CliRunner

from connectors.outcome import Delivered, Failed
from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.cli.outbox_command import outbox as outbox_commands
from engine.cli.shell import Shell
from engine.outbox import browse
from engine.outbox.browse import EntryFilter
from engine.outbox.by_hand import CannotCancelError, cancel, requeue, requeue_some
from engine.outbox.deliver import deliver_batch
from engine.state.cursor import BadCursorError
from engine.state.database import reading, writing
from engine.state.tables import Attempt, Outbox
from tests.integration.outbox_book import NOW, change, outbox, seed, settings
from tests.integration.test_delivery import Playing
from tests.website import make_service, visit
from tests.website_book import NOW as WEBSITE_NOW

DEAD = {"state": "discarded", "finished_at": NOW, "error": "550 no such user", "attempts": 8}


def test_page_shows_all_without_gap_or_repeat(database: Engine) -> None:
    """Pages put together are the whole, newest first; what was made at once is ordered by id."""
    ids = seed(database, 7)
    change(database, Outbox, ids[3], created_at=NOW)
    found: list[str] = []
    cursor = None
    with reading(database) as connection:
        for _ in range(3):
            page = browse.page(connection, EntryFilter(), limit=3, cursor=cursor)
            found += [each.id for each in page.entries]
            cursor = page.cursor
    assert cursor is None
    assert found == [ids[3], *sorted({*ids} - {ids[3]})]


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "WzEsMl0", "A" * 900, "bnVsbA", "W1tbW1tb"])
def test_page_refuses_cursors_it_never_gave(database: Engine, cursor: str) -> None:
    """A made-up cursor is told, not obeyed."""
    with reading(database) as connection, pytest.raises(BadCursorError):
        browse.page(connection, EntryFilter(), limit=5, cursor=cursor)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EntryFilter("discarded"), [0, 1]),
        (EntryFilter("discarded", "email"), [0]),
        (EntryFilter(account_id="other"), []),
        (EntryFilter(playbook="p", connector="chat"), [1]),
        (EntryFilter(since=NOW), [1]),
        (EntryFilter(since=NOW - timedelta(hours=1)), [0, 1, 2]),
    ],
)
def test_filter_narrows(database: Engine, wanted: EntryFilter, expected: list[int]) -> None:
    """Each part of a filter, alone and with others."""
    ids = seed(database, 3)
    change(database, Outbox, ids[0], **DEAD | {"finished_at": NOW - timedelta(minutes=1)})
    change(database, Outbox, ids[1], **DEAD | {"connector": "chat"})
    with reading(database) as connection:
        found = {each.id for each in browse.page(connection, wanted, limit=10).entries}
    assert found == {ids[each] for each in expected}


def test_requeue_some_goes_in_bounded_transactions(database: Engine) -> None:
    """So many at a time, the oldest first; what fails again meanwhile is not taken up again."""
    ids = seed(database, 7, **DEAD)
    wanted = EntryFilter("discarded")
    assert requeue_some(database, wanted, NOW, most=4, by="dana") == 4
    report = deliver_batch(
        database,
        {"email": Playing([Failed("still no")])},
        settings(),
        now=NOW + timedelta(seconds=1),
        owner="t",
    )
    assert report.failed == 4
    assert [requeue_some(database, wanted, NOW, most=4, by="dana") for _ in range(2)] == [3, 0]
    states = {each: row.state for each, row in outbox(database).items()}
    assert sorted(states.values()) == ["available"] * 3 + ["discarded"] * 4
    assert set(states) == set(ids)


@pytest.mark.parametrize("state", [None, "available", "executing", "completed"])
def test_requeue_some_asks_for_a_state_that_was_given_up(database: Engine, state: Any) -> None:
    """Without one, unknown entries would be repeated by accident."""
    seed(database)
    with pytest.raises(ValueError, match="name one of the two"):
        requeue_some(database, EntryFilter(state), NOW, by="dana")
    assert {row.state for row in outbox(database).values()} == {"available"}


@pytest.mark.parametrize("state", ["executing", "completed", "unknown", "cancelled", "discarded"])
def test_cancel_refuses_what_does_not_wait(database: Engine, state: str) -> None:
    """What is under way, and what has ended."""
    (key,) = seed(database, state=state)
    with pytest.raises(CannotCancelError, match=f"is {state}"):
        cancel(database, key, NOW, by="dana")
    assert outbox(database)[key].state == state


@pytest.mark.parametrize("state", ["scheduled", "available", "retryable"])
def test_cancelled_entry_is_not_sent(database: Engine, state: str) -> None:
    """With its reason."""
    (key,) = seed(database, state=state)
    cancel(database, key, NOW, by="dana")
    connector = Playing([Delivered("ok")])
    deliver_batch(database, {"email": connector}, settings(), now=NOW, owner="t")
    assert not connector.asked
    assert (outbox(database)[key].state, outbox(database)[key].error) == ("cancelled", "cancelled by dana")


def test_who_retried_and_cancelled_stays_on_record(database: Engine) -> None:
    """One by one and in bulk, with the state and the error that were."""
    first, second = seed(database, 2, **DEAD)
    requeue(database, first, NOW, by="dana")
    cancel(database, first, NOW, by="max")
    requeue_some(database, EntryFilter("discarded"), NOW, by="ops")
    with reading(database) as connection:
        told = {key: browse.acts(connection, key) for key in (first, second)}
    assert [tuple(each)[1:] for each in told[first]] == [
        ("retried", "dana", "discarded", "550 no such user"),
        ("cancelled", "max", "available", ""),
    ]
    assert [tuple(each)[1:] for each in told[second]] == [("retried", "ops", "discarded", "550 no such user")]


@pytest.fixture
def run(sqlite_database: Engine, tmp_path: Path) -> Any:
    """Runs `tminus outbox` over the database."""
    app = typer.Typer()

    @app.callback()
    def shell(context: typer.Context) -> None:
        context.obj = Shell(tmp_path / "none.yaml", lambda _url: sqlite_database)

    app.add_typer(outbox_commands, name="outbox")
    (tmp_path / "none.yaml").write_text("{}\n")
    return lambda *arguments: CliRunner().invoke(app, ["outbox", *arguments], env={"COLUMNS": "250"})


def test_outbox_command_shows_tries(sqlite_database: Engine, run: Any) -> None:
    """When, for how long, what came of it; nothing in it commands the terminal."""
    (key,) = seed(sqlite_database, **DEAD | {"subject": "Hello \x1b[31m[bold]"})
    with writing(sqlite_database) as connection:
        one = {"outbox_id": key, "number": 1, "started_at": NOW, "ended_at": NOW + timedelta(seconds=1.5)}
        connection.execute(insert(Attempt), [one | {"answer": "421 busy", "result": "retry"}])
    shown = run("show", key).stdout
    assert "try 1 at 2026-03-02T09:00:00Z, 1.5 s, retry: 421 busy" in shown
    assert "error: 550 no such user" in shown
    assert "\x1b" not in shown + run("list").stdout
    assert "[bold]" in run("list").stdout
    whole = json.loads(run("show", key, "--json").stdout)
    assert (whole["tries"][0]["seconds"], whole["text"]) == (1.5, "Hello")
    assert run("show", "nothing").exit_code == 2


def test_outbox_command_retries_and_cancels(sqlite_database: Engine, run: Any) -> None:
    """Named ones, and all that fit; what cannot be done is told, and the rest done."""
    ids = seed(sqlite_database, 4, **DEAD)
    change(sqlite_database, Outbox, ids[3], state="unknown")
    some = run("retry", ids[0], "nothing")
    assert (some.exit_code, some.stdout) == (1, "retried 1 entry\n")
    assert 'no outbox entry "nothing"' in some.stderr
    assert json.loads(run("retry", "--all", "--state", "discarded", "--json").stdout)["retried"] == 2
    assert outbox(sqlite_database)[ids[3]].state == "unknown"
    assert run("cancel", ids[0], "--by", "dana").stdout == "cancelled 1 entry\n"
    assert "retried by operator at" in run("show", ids[0]).stdout
    assert "cancelled by dana at" in run("show", ids[0]).stdout
    assert outbox(sqlite_database)[ids[0]].error == "cancelled by dana"
    listed = json.loads(run("list", "--state", "available", "--limit", "1", "--json").stdout)
    more = run("list", "--state", "available", "--cursor", listed["next_cursor"], "--json").stdout
    assert {listed["items"][0]["id"], json.loads(more)["items"][0]["id"]} == set(ids[1:3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--state", "lost"], '"lost" is not a state'),
        (["list", "--since", "yesterday"], "--since"),
        (["list", "--cursor", "x"], "the cursor is not one"),
        (["retry"], "name the entries, or give --all"),
        (["retry", "x", "--all"], "name the entries, or give --all"),
        (["retry", "x", "--connector", "email"], "go with --all"),
        (["retry", "--all"], "name one of the two states"),
    ],
)
def test_outbox_command_refuses_wrong_use(run: Any, arguments: list[str], message: str) -> None:
    """A sentence and exit code 2."""
    answer = run(*arguments)
    assert answer.exit_code == 2
    assert message in answer.stderr


@pytest.fixture
def api(sqlite_database: Engine) -> httpx.Client:
    """The API over the database."""
    token = create_token(sqlite_database, "ops", NOW)
    return visit(create_app(make_service(sqlite_database)), token)


def test_outbox_api_lists_shows_and_acts(sqlite_database: Engine, api: httpx.Client) -> None:
    """By page, one by one, and in bulk."""
    ids = seed(sqlite_database, 5, **DEAD)
    first = api.get("/api/v1/outbox", params={"state": "discarded", "limit": 3}).json()
    rest = api.get("/api/v1/outbox", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == sorted(ids)
    assert rest["next_cursor"] is None
    assert api.get(f"/api/v1/outbox/{ids[0]}").json()["html"] == "<p>Hello</p>"
    assert api.post(f"/api/v1/outbox/{ids[0]}/retry").json()["state"] == "available"
    assert api.post(f"/api/v1/outbox/{ids[0]}/retry").status_code == 409
    assert api.post(f"/api/v1/outbox/{ids[0]}/cancel").json()["error"] == "cancelled by ops"
    assert api.post(f"/api/v1/outbox/{ids[0]}/cancel").status_code == 409
    acts = api.get(f"/api/v1/outbox/{ids[0]}").json()["acts"]
    assert [(each["act"], each["by"], each["was"]) for each in acts] == [
        ("retried", "ops", "discarded"),
        ("cancelled", "ops", "available"),
    ]
    many = {"state": "discarded", "connector": "email", "since": "2026-03-02T09:00:00Z"}
    assert WEBSITE_NOW < NOW, "the service's clock stands before the end of these entries"
    assert api.post("/api/v1/outbox/retry", json=many).json() == {"retried": 0, "more": False}
    for each in ids:
        change(sqlite_database, Outbox, each, finished_at=WEBSITE_NOW)
    assert api.post("/api/v1/outbox/retry", json={"state": "discarded"}).json() == {
        "retried": 4,
        "more": False,
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/outbox?state=lost", None, 422),
        ("GET", "/api/v1/outbox?since=soon", None, 422),
        ("GET", "/api/v1/outbox?cursor=x", None, 422),
        ("GET", "/api/v1/outbox?limit=501", None, 422),
        ("GET", "/api/v1/outbox/none", None, 404),
        ("POST", "/api/v1/outbox/none/retry", None, 404),
        ("POST", "/api/v1/outbox/none/cancel", None, 404),
        ("POST", "/api/v1/outbox/retry", {}, 422),
        ("POST", "/api/v1/outbox/retry", {"state": "completed"}, 422),
        ("POST", "/api/v1/outbox/retry", {"state": "discarded", "connecter": "email"}, 422),
        ("POST", "/api/v1/outbox/retry", {"state": "discarded", "since": "soon"}, 422),
    ],
)
def test_outbox_api_refuses(api: httpx.Client, method: str, path: str, body: Any, status: int) -> None:
    """With problem details."""
    answer = api.request(method, path, json=body)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_outbox_api_needs_a_token(sqlite_database: Engine) -> None:
    """Nobody reads or sends without one."""
    client = visit(create_app(make_service(sqlite_database)))
    calls = [("GET", ""), ("GET", "/x"), ("POST", "/x/retry"), ("POST", "/retry"), ("POST", "/x/cancel")]
    assert {client.request(each, f"/api/v1/outbox{path}").status_code for each, path in calls} == {401}


@pytest.fixture
def console(sqlite_database: Engine) -> httpx.Client:
    """A browser signed in."""
    client = visit(create_app(make_service(sqlite_database)))
    token = create_token(sqlite_database, "dana", NOW)
    assert client.post("/sign-in", data={"token": token}).status_code == 303
    return client


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


def test_console_retries_one_and_all_that_are_shown(sqlite_database: Engine, console: httpx.Client) -> None:
    """The button of a message, and that of the list as it is filtered."""
    ids = seed(sqlite_database, 4, **DEAD | {"finished_at": WEBSITE_NOW})
    change(sqlite_database, Outbox, ids[3], connector="chat")
    csrf = _csrf(console.get(f"/mail/{ids[0]}").text)
    assert console.post(f"/mail/{ids[0]}/retry", data={"csrf": csrf}).status_code == 303
    assert console.post(f"/mail/{ids[0]}/retry", data={"csrf": csrf}).status_code == 409
    listed = console.get("/mail", params={"state": "discarded", "connector": "email"}).text
    assert "Retry all of these" in listed
    assert ids[3] not in listed
    form = {"csrf": csrf, "state": "discarded", "connector": "email"}
    assert console.post("/mail/retry", data=form).status_code == 303
    states = [outbox(sqlite_database)[each].state for each in ids]
    assert states == ["available", "available", "available", "discarded"]
    assert console.post(f"/mail/{ids[0]}/cancel", data={"csrf": csrf}).status_code == 303
    assert outbox(sqlite_database)[ids[0]].error == "cancelled by dana"
    shown = console.get(f"/mail/{ids[0]}").text
    assert re.search(r'Retried by <span class="strong">dana</span>', shown)
    assert "when it was discarded: 550 no such user" in shown


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/mail/retry", {"state": "completed"}, 422),
        ("/mail/retry", {"state": "nonsense"}, 422),
        ("/mail/none/retry", {}, 404),
        ("/mail/none/cancel", {}, 404),
    ],
)
def test_console_refuses_what_cannot_be_retried(
    sqlite_database: Engine, console: httpx.Client, path: str, form: dict[str, str], status: int
) -> None:
    """And nothing at all without the page's own token."""
    (key,) = seed(sqlite_database, **DEAD)
    csrf = _csrf(console.get(f"/mail/{key}").text)
    assert console.post(path, data={"csrf": csrf, **form}).status_code == status
    assert console.post(path, data=form).status_code == 403
