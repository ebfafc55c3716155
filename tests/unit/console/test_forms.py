"""The console's forms: what they do, what they refuse, and whom."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select

from engine.api.app import create_app
from engine.api.tokens import revoke_tokens
from engine.permit.preferences import chosen
from engine.permit.unsubscribe import sign_token, unsubscribe_key
from engine.state.database import reading
from engine.state.tables import Contact, Task
from tests.website import Watcher, make_service, visit
from tests.website_book import NOW


def _csrf(browser: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', browser.get("/queue").text)
    assert found
    return found[1]


def _task(database: Engine, task_id: str) -> Any:
    with reading(database) as connection:
        return connection.execute(select(Task.__table__).where(Task.id == task_id)).one()  # type: ignore[attr-defined,arg-type]


def test_a_revoked_token_ends_its_sessions(browser: httpx.Client, sqlite_database: Engine) -> None:
    """At once."""
    assert browser.get("/queue").status_code == 200
    revoke_tokens(sqlite_database, "first start", NOW)
    assert browser.get("/queue").status_code == 303


def test_sign_out_ends_the_session(browser: httpx.Client) -> None:
    """On this browser."""
    assert browser.post("/sign-out", data={"csrf": _csrf(browser)}).status_code == 303
    assert browser.get("/queue").status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/tasks/t-late/complete",
        "/tasks/t-late/snooze",
        "/tasks/bulk",
        "/tasks/undo",
        "/holds/release",
        "/silences/end",
        "/sign-out",
    ],
)
@pytest.mark.parametrize(
    ("csrf", "headers"),
    [
        ("", {}),
        ("0" * 64, {}),
        ("é", {}),
        (None, {"Origin": "https://evil.example"}),
        (None, {"Origin": "null"}),
        (None, {"Sec-Fetch-Site": "cross-site"}),
    ],
)
def test_forms_of_other_sites_are_refused(
    browser: httpx.Client,
    sqlite_database: Engine,
    watcher: Watcher,
    path: str,
    csrf: str | None,
    headers: dict[str, str],
) -> None:
    """Without our token, or with a foreign origin, nothing happens."""
    form = {"csrf": _csrf(browser) if csrf is None else csrf, "outcome": "reached", "until": "tomorrow"}
    answer = browser.post(path, data=form, headers=headers)
    assert answer.status_code == 403
    assert _task(sqlite_database, "t-late").state == "open"
    assert watcher.wakes == 0


def test_completing_without_scripts_goes_back_to_the_page(
    browser: httpx.Client, sqlite_database: Engine, watcher: Watcher
) -> None:
    """A plain form works."""
    form = {"csrf": _csrf(browser), "outcome": "reached", "note": "ok", "back": "/queue?assignee=dana"}
    answer = browser.post("/tasks/t-late/complete", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?assignee=dana")
    row = _task(sqlite_database, "t-late")
    assert (row.state, row.outcome, row.note, row.closed_by) == ("done", "reached", "ok", "first start")
    assert watcher.wakes == 1


def test_completing_with_scripts_answers_with_the_list(browser: httpx.Client) -> None:
    """As it is now, with what was done and how to undo it."""
    form = {"csrf": _csrf(browser), "outcome": "no_response", "back": "/queue?assignee=dana"}
    answer = browser.post("/tasks/t-late/complete", data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Completed “Call Priya about the health drop at Acme” · no response." in answer.text
    assert 'id="t-t-late"' not in answer.text
    assert 'id="t-t-today"' in answer.text


def test_what_was_done_is_undone_from_the_page(browser: httpx.Client, sqlite_database: Engine) -> None:
    """For a few seconds; then it has counted, which is told."""
    csrf = _csrf(browser)
    form = {"csrf": csrf, "deed": "skip", "note": "Duplicate.", "task": ["t-late", "t-today"]}
    done = browser.post("/tasks/bulk", data=form, headers={"HX-Request": "true"}).text
    assert "Skipped 2 tasks." in done
    assert (_task(sqlite_database, "t-late").state, _task(sqlite_database, "t-today").note) == (
        "skipped",
        "Duplicate.",
    )
    found = re.search(r'name="act" value="(\w+)"', done)
    assert found
    undone = browser.post(
        "/tasks/undo", data={"csrf": csrf, "act": found[1]}, headers={"HX-Request": "true"}
    ).text
    assert "Undone." in undone
    assert _task(sqlite_database, "t-late").state == "open"
    again = browser.post("/tasks/undo", data={"csrf": csrf, "act": found[1]}, headers={"HX-Request": "true"})
    assert "it was undone already" in again.text


def test_the_second_of_two_people_is_told_in_the_pane(browser: httpx.Client, sqlite_database: Engine) -> None:
    """What the first did; nothing is overwritten."""
    csrf = _csrf(browser)
    sheet = browser.get("/tasks/t-late", headers={"HX-Request": "true"}).text
    found = re.search(r'name="version" value="(\w+)"', sheet)
    assert found
    browser.post("/tasks/t-late/reassign", data={"csrf": csrf, "to": "omar", "version": found[1]})
    form = {"csrf": csrf, "outcome": "reached", "version": found[1]}
    answer = browser.post("/tasks/t-late/complete", data=form, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-retarget"]) == (422, "#detail")
    assert "gave it to omar" in answer.text
    assert _task(sqlite_database, "t-late").state == "open"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"deed": "skip"}, 422),
        ({"deed": "sell", "task": "t-late"}, 404),
        ({"deed": "skip", "task": "nowhere"}, 404),
        ({"deed": "skip", "task": "t-late"}, 422),
        ({"deed": "reassign", "task": "t-late", "to": ""}, 422),
    ],
)
def test_the_bulk_form_says_what_is_missing(browser: httpx.Client, form: dict[str, str], status: int) -> None:
    """No task, no such thing to do, no reason, nobody to give it to."""
    assert browser.post("/tasks/bulk", data={"csrf": _csrf(browser), **form}).status_code == status


def test_marks_are_sent_only_when_something_has_changed(browser: httpx.Client) -> None:
    """A page asks every few seconds; mostly there is nothing to say."""
    first = browser.get("/queue/marks?task=t-late")
    assert ["t-late", first.json()["open"]] in first.json()["rows"]
    tag = {"If-None-Match": first.headers["etag"]}
    assert browser.get("/queue/marks?task=t-late", headers=tag).status_code == 304
    browser.post("/tasks/t-late/comment", data={"csrf": _csrf(browser), "text": "Hm."})
    assert browser.get("/queue/marks?task=t-late", headers=tag).status_code == 304
    browser.post("/tasks/t-late/snooze", data={"csrf": _csrf(browser), "until": "tomorrow"})
    assert browser.get("/queue/marks?task=t-late", headers=tag).status_code == 200


@pytest.mark.parametrize(
    ("path", "form", "words"),
    [
        ("t-late/complete", {"outcome": "maybe"}, "choose one of reached, no_response"),
        ("t-late/complete", {"note": "x" * 4001, "outcome": "reached"}, "longer than 4,000"),
        ("t-done/complete", {}, "is done already"),
        ("t-late/snooze", {"until": "date", "on": ""}, "tomorrow, next week or a date"),
        ("t-late/snooze", {"until": "date", "on": "2020-01-01"}, "choose a time in the future"),
    ],
)
@pytest.mark.parametrize("is_scripted", [True, False])
def test_task_forms_say_why_nothing_changed(
    browser: httpx.Client, path: str, form: dict[str, str], words: str, is_scripted: bool
) -> None:
    """In the row, or on a page."""
    headers = {"HX-Request": "true"} if is_scripted else {}
    answer = browser.post(f"/tasks/{path}", data={"csrf": _csrf(browser), **form}, headers=headers)
    assert answer.status_code == 422
    assert words in answer.text


def test_snoozing_rests_until_the_assignees_morning(browser: httpx.Client, sqlite_database: Engine) -> None:
    """Eight o'clock in Berlin."""
    browser.post("/tasks/t-late/snooze", data={"csrf": _csrf(browser), "until": "tomorrow"})
    assert _task(sqlite_database, "t-late").snoozed_until.isoformat() == "2026-01-29T07:00:00+00:00"


def test_releasing_a_hold_asks_the_service(browser: httpx.Client, watcher: Watcher) -> None:
    """In the name of whoever is signed in."""
    assert browser.post("/holds/release", data={"csrf": _csrf(browser), "hold_id": "h1"}).status_code == 303
    assert (watcher.released, watcher.wakes) == ([(["h1"], "first start")], 1)


def test_unsubscribing_takes_one_click_and_no_sign_in(
    app: FastAPI, sqlite_database: Engine, watcher: Watcher
) -> None:
    """Looking changes nothing; a mail program's one-click post ends the topic, the button everything."""
    link = f"/unsubscribe/{sign_token(unsubscribe_key(sqlite_database), 'c1', 'care')}"
    stranger = visit(app)
    assert "priya@acme.example" in stranger.get(link).text
    assert _consent(sqlite_database) is None
    answer = stranger.post(
        link, data={"List-Unsubscribe": "One-Click"}, headers={"Origin": "https://mail.example"}
    )
    assert answer.status_code == 200
    assert "no more emails about “Care”" in answer.text
    assert not chosen(sqlite_database, "c1").wants("care")
    assert _consent(sqlite_database) is None
    assert "no more emails." in stranger.post(link, data={"choice": "all"}).text
    assert _consent(sqlite_database) == "withdrawn"
    assert watcher.wakes == 2


def test_preferences_are_chosen_without_a_sign_in(app: FastAPI, sqlite_database: Engine) -> None:
    """Every topic has a switch; what is saved is shown, and nobody else can see or lead there."""
    link = f"/preferences/{sign_token(unsubscribe_key(sqlite_database), 'c1', 'care')}"
    stranger = visit(app)
    page = stranger.get(link)
    assert re.search(r'value="care" checked', page.text)
    assert (page.headers["referrer-policy"], page.headers["x-robots-tag"]) == (
        "no-referrer",
        "noindex, nofollow",
    )
    assert "default-src 'none'" in page.headers["content-security-policy"]
    saved = stranger.post(link, data={"action": "none"})
    assert "Saved." in saved.text
    assert "checked" not in saved.text
    assert _consent(sqlite_database) == "withdrawn"
    assert re.search(r'value="care" checked', stranger.post(link, data={"topic": "care"}).text)
    assert _consent(sqlite_database) == "granted"


@pytest.mark.parametrize("page", ["unsubscribe", "preferences"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_broken_unsubscribe_link_is_told_kindly(reading_room: FastAPI, method: str, page: str) -> None:
    """Cut or changed links do nothing."""
    answer = visit(reading_room).request(method, f"/{page}/abc.def")
    assert answer.status_code == 404
    assert "This link does not work" in answer.text


def _consent(database: Engine) -> str | None:
    with reading(database) as connection:
        found: str | None = connection.scalar(select(Contact.consent).where(Contact.id == "c1"))
        return found


def test_the_mailbox_takes_chat_posts_and_shows_them(app: FastAPI, browser: httpx.Client) -> None:
    """As Slack's incoming webhook would, without a token."""
    answer = visit(app).post("/mailbox/slack", json={"text": "Acme <recovered>", "channel": "#cs-wins"})
    assert (answer.status_code, answer.text) == (200, "ok")
    listed = browser.get("/mailbox").text
    assert "Acme &lt;recovered&gt;" in listed
    found = re.search(r'href="(/mailbox/[^"]+)"', listed)
    assert found
    assert "#cs-wins" in browser.get(found[1]).text


@pytest.mark.parametrize(
    ("post", "status"),
    [
        ({"json": {"text": ""}}, 400),
        ({"json": []}, 400),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b'{"text": "x"}', "headers": {"Content-Type": "text/plain"}}, 415),
        ({"json": {"text": "x"}, "headers": {"Origin": "https://evil.example"}}, 403),
        ({"json": {"text": "x" * 70_000}}, 413),
    ],
)
def test_the_mailbox_refuses_what_is_no_post_from_here(
    app: FastAPI, post: dict[str, Any], status: int
) -> None:
    """Pages of other sites included."""
    assert visit(app).post("/mailbox/slack", **post).status_code == status


def test_there_is_no_mailbox_unless_set_up(sqlite_database: Engine) -> None:
    """A real installation has no such page."""
    client = visit(create_app(make_service(sqlite_database)))
    assert client.post("/mailbox/slack", json={"text": "x"}).status_code == 404
