"""Explanations and silences over the API, on both databases."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Engine

from engine.admit.silences import list_silences
from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.clock.zones import format_instant
from tests.website import Watcher, make_service, visit
from tests.website_book import NOW, seed

WHY = "/api/v1/playbooks/at-risk/explanations"
SILENCES = "/api/v1/silences"
TOMORROW = format_instant(NOW + timedelta(days=1))


@pytest.fixture
def watcher() -> Watcher:
    """What the service was asked to do."""
    return Watcher()


@pytest.fixture
def client(database: Engine, watcher: Watcher) -> httpx.Client:
    """A caller with a token named `loader`, of a service over a seeded book."""
    seed(database)
    return visit(create_app(make_service(database, watcher)), create_token(database, "loader", NOW))


def test_explanation_has_the_condition_and_what_follows_it(client: httpx.Client) -> None:
    """The tree with actual and wanted values, the reasoning, and when time alone changes something."""
    (item,) = client.get(WHY, params={"account": "acme"}).json()["items"]
    assert (item["subject"], item["answer"], item["verdict"]) == ("acme", "runs", True)
    assert item["conclusion"].startswith("It runs, since 2026-01-26T10:00:00Z")
    assert (item["when"]["actual"], item["when"]["verdict"]) == ("35", True)
    assert item["audience"]["wanted"] == "high_touch or low_touch"
    assert [each["topic"] for each in item["reasoning"] if each["stops"]] == ["open run"]
    assert item["next"] is None


def test_explanation_says_why_not_at_a_past_instant(client: httpx.Client) -> None:
    """Before the fall nothing ran, for the health of then."""
    then = format_instant(NOW - timedelta(days=3))
    (item,) = client.get(WHY, params={"subject": "acme", "at": then}).json()["items"]
    assert (item["at"], item["answer"], item["when"]["actual"]) == (then, "does_not_hold", "45")
    assert item["conclusion"] == "It does not run: health is 45 (has not dropped below 40)."


@pytest.mark.parametrize(
    ("path", "given", "status", "detail"),
    [
        (WHY, {}, 422, "Name an account or a subject."),
        (WHY, {"account": "acme", "at": "yesterday"}, 422, "at: "),
        (WHY, {"account": "acme", "at": "2026-01-28T10:00:00"}, 422, "an instant with an offset"),
        (WHY, {"account": "acmee"}, 404, 'There is no account "acmee" (did you mean "acme"'),
        (WHY.replace("risk", "rissk"), {"account": "acme"}, 404, '(did you mean "at-risk"?)'),
        (WHY, {"account": "globex", "subject": "acme"}, 404, 'is of account "acme", not of "globex"'),
        (WHY, {"account": "acme", "at": "2020-01-01T00:00:00Z"}, 404, "Account acme had no account"),
        (WHY, {"account": "x" * 300}, 422, "Correct the parameters"),
    ],
)
def test_explanation_refuses_what_cannot_be_explained(
    client: httpx.Client, path: str, given: dict[str, str], status: int, detail: str
) -> None:
    """Problem details that say which name is wrong, and what was probably meant."""
    answer = client.get(path, params=given)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert detail in answer.json()["detail"]


def test_silence_is_made_listed_and_ended(client: httpx.Client, database: Engine, watcher: Watcher) -> None:
    """In the name of the token; each change has the account looked at."""
    given = {"account_id": "acme", "until": TOMORROW, "why": " merger ", "playbook": "at-risk"}
    answer = client.post(SILENCES, json=given)
    made = answer.json()
    assert answer.status_code == 201
    assert (made["by"], made["why"], made["since"], made["until"]) == (
        "loader", "merger", format_instant(NOW), TOMORROW,
    )  # fmt: skip
    assert client.get(SILENCES, params={"account_id": "acme"}).json()["items"] == [made]
    assert client.get(SILENCES, params={"account_id": "globex"}).json()["items"] == []
    (item,) = client.get(WHY, params={"account": "acme"}).json()["items"]
    assert "silence" in [each["topic"] for each in item["reasoning"] if each["stops"]]
    ended = client.delete(f"{SILENCES}/{made['id']}").json()
    assert (ended["ended_at"], ended["ended_by"]) == (format_instant(NOW), "loader")
    assert client.get(SILENCES).json()["items"] == []
    assert len(client.get(SILENCES, params={"all": "true"}).json()["items"]) == 1
    assert watcher.wakes == 2
    assert client.delete(f"{SILENCES}/{made['id']}").status_code == 404
    assert len(list_silences(database, lasting_at=None)) == 1


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"account_id": "nobody"}, 'there is no account "nobody"'),
        ({"account_id": None}, "account_id and why are needed"),
        ({"account_id": 7}, "account_id must be text"),
        ({"why": "  "}, "account_id and why are needed"),
        ({"why": "x" * 1_001}, "why: is longer than 1,000 characters"),
        ({"until": None}, "until: "),
        ({"until": "2026-01-29"}, "until: "),
        ({"until": format_instant(NOW)}, "is not after"),
        ({"playbook": "at-rissk"}, '(did you mean "at-risk"?)'),
        ({"untill": TOMORROW}, 'Unknown key "untill"'),
    ],
)
def test_silence_refuses_what_does_not_fit(
    client: httpx.Client, watcher: Watcher, changed: dict[str, object], detail: str
) -> None:
    """Nothing is written, and the mend is named."""
    given = {"account_id": "acme", "until": TOMORROW, "why": "merger", **changed}
    answer = client.post(SILENCES, json=given)
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert client.get(SILENCES).json()["items"] == []
    assert watcher.wakes == 0


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"why": NaN}'])
def test_silence_refuses_what_is_no_object(client: httpx.Client, body: bytes) -> None:
    """With 400."""
    assert client.post(SILENCES, content=body).status_code == 400
