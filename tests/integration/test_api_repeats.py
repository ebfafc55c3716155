"""A request that is sent again with its key does nothing twice, on both databases."""

from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select

from engine.api.app import create_app
from engine.api.guards import LARGEST_API_BODY
from engine.api.repeats import ABANDONED_AFTER, KEPT_FOR, begin
from engine.api.tokens import create_token, revoke_tokens
from engine.state.database import reading
from engine.state.tables import Repeatable, Silence
from tests.website import make_service, visit
from tests.website_book import NOW, seed

PATH = "/api/v1/silences"
BODY = {"account_id": "acme", "until": "2026-03-01T00:00:00Z", "why": "merger"}
KEY = {"Idempotency-Key": "0b5f"}


class Clock:
    """The service's time, which a test may move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Stands at NOW."""
    return Clock()


@pytest.fixture
def app(database: Engine, clock: Clock) -> FastAPI:
    """The application over a seeded book."""
    seed(database)
    return create_app(make_service(database, now=clock))


@pytest.fixture
def client(app: FastAPI, database: Engine) -> httpx.Client:
    """A caller with a token."""
    return visit(app, create_token(database, "loader", NOW))


def _silences(database: Engine) -> int:
    with reading(database) as connection:
        return connection.scalar(select(func.count()).select_from(Silence.__table__)) or 0  # type: ignore[attr-defined]


def test_the_same_request_is_answered_as_before(client: httpx.Client, database: Engine) -> None:
    """Status and body are those of the first time, and only one silence was made."""
    first = client.post(PATH, json=BODY, headers=KEY)
    again = client.post(PATH, json=BODY, headers=KEY)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert _silences(database) == 1


def test_a_refusal_is_repeated_as_well(client: httpx.Client) -> None:
    """A key names one request, whatever came of it."""
    wrong = {**BODY, "account_id": "nobody"}
    first, again = (client.post(PATH, json=wrong, headers=KEY) for _ in range(2))
    assert (first.status_code, again.json()) == (422, first.json())
    assert again.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "other", [{"json": {**BODY, "why": "another"}}, {"json": BODY, "params": {"x": "1"}}]
)
def test_a_key_names_one_request(
    client: httpx.Client, database: Engine, other: dict[str, dict[str, str]]
) -> None:
    """With another request it is a mistake of the caller's."""
    client.post(PATH, json=BODY, headers=KEY)
    answer = client.post(PATH, headers=KEY, **other)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["title"]) == (422, "Key is taken")
    assert _silences(database) == 1


def test_keys_of_another_token_are_its_own(client: httpx.Client, app: FastAPI, database: Engine) -> None:
    """Two programs may choose the same key."""
    client.post(PATH, json=BODY, headers=KEY)
    other = visit(app, create_token(database, "other", NOW)).post(PATH, json=BODY, headers=KEY)
    assert (other.status_code, other.json()["by"], _silences(database)) == (201, "other", 2)


def test_a_revoked_token_is_told_nothing(client: httpx.Client, database: Engine) -> None:
    """What was answered while it was in force is no longer its business."""
    client.post(PATH, json=BODY, headers=KEY)
    revoke_tokens(database, "loader", NOW)
    assert client.post(PATH, json=BODY, headers=KEY).status_code == 401


def test_a_request_under_way_is_not_begun_again(
    client: httpx.Client, app: FastAPI, database: Engine, clock: Clock
) -> None:
    """Unless it was given up with its process."""
    client.post(PATH, json=BODY, headers=KEY)
    with reading(database) as connection:
        row = connection.execute(select(Repeatable.__table__)).one()  # type: ignore[attr-defined]
    clock.now += KEPT_FOR + timedelta(seconds=1)
    assert begin(database, row.id, row.request, clock.now)
    waiting = client.post(PATH, json=BODY, headers=KEY)
    assert (waiting.status_code, waiting.headers["retry-after"], _silences(database)) == (409, "1", 1)
    clock.now += ABANDONED_AFTER + timedelta(seconds=1)
    assert (client.post(PATH, json=BODY, headers=KEY).status_code, _silences(database)) == (201, 2)


def test_a_key_can_be_used_anew_after_a_day(client: httpx.Client, database: Engine, clock: Clock) -> None:
    """And what was kept of it is gone."""
    client.post(PATH, json=BODY, headers=KEY)
    clock.now += KEPT_FOR + timedelta(seconds=1)
    client.post(PATH, json=BODY, headers={"Idempotency-Key": "another"})
    assert _silences(database) == 2
    with reading(database) as connection:
        assert connection.scalar(select(func.count()).select_from(Repeatable.__table__)) == 1  # type: ignore[attr-defined]


def test_a_failure_of_the_service_can_be_tried_again(database: Engine) -> None:
    """The key is let go, so that the caller's retry is carried out."""
    seed(database)
    woken = []

    def wake() -> None:
        woken.append(True)
        if len(woken) == 1:
            raise RuntimeError("at the worst moment")

    token = create_token(database, "loader", NOW)
    client = visit(create_app(make_service(database, wake=wake)), token)
    assert client.post(PATH, json=BODY, headers=KEY).status_code == 500
    assert client.post(PATH, json=BODY, headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_does_not_fit_is_refused(client: httpx.Client, database: Engine, key: str) -> None:
    """Before anything is done."""
    answer = client.post(PATH, json=BODY, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["title"], _silences(database)) == (422, "Key does not fit", 0)


def test_reading_takes_no_key(client: httpx.Client, database: Engine) -> None:
    """What changes nothing may always be asked again."""
    for _ in range(2):
        assert "idempotent-replayed" not in client.get(PATH, headers=KEY).headers


def test_a_body_that_is_too_large_is_refused_with_a_key_as_without(client: httpx.Client) -> None:
    """It is never read to its end."""
    answer = client.post(PATH, content=b" " * (LARGEST_API_BODY + 1), headers=KEY)
    assert (answer.status_code, answer.json()["title"]) == (413, "Body too large")
