"""The webhook connector against a real HTTP server on loopback."""

import json
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.outcome import Delivered, Failed, Retry, Unknown
from connectors.slack import SlackConnector
from tests.integration.http_servers import PATH, reply, webhook

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def post(url: str, timeout: float = 1.0) -> Any:
    """One post of one text."""
    return SlackConnector(url, timeout, allow_private=True).send("Hi <there>", "#cs", "key-1", NOW)


def test_send_posts_the_text_once_with_its_key() -> None:
    """The webhook gets JSON, the channel and the idempotency key."""
    with webhook(reply("200 OK", "ok")) as server:
        assert post(server.url) == Delivered("200 ok")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {"text": "Hi <there>", "channel": "#cs"}
    assert b"idempotency-key: key-1" in head.lower()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply("404 Not Found", "no_service"), Failed("the webhook answered 404 no_service")),
        (reply("400 Bad Request", "invalid_payload"), Failed("the webhook answered 400 invalid_payload")),
        (
            reply("302 Found", "", "Location: http://127.0.0.1:1/\n"),
            Failed("the webhook answered 302"),
        ),
        (
            reply("429 Slow", "", "Retry-After: 30\n"),
            Retry("the webhook answered 429", timedelta(seconds=30), is_outage=True),
        ),
        (reply("429 Slow"), Retry("the webhook answered 429", is_outage=True)),
        (reply("408 Slow"), Retry("the webhook answered 408")),
        (reply("500 Oops"), Retry("the webhook answered 500")),
        (
            reply("503 Busy", "", "Retry-After: Mon, 02 Mar 2026 09:01:00 GMT\n"),
            Retry("the webhook answered 503", timedelta(minutes=1), is_outage=True),
        ),
        (
            reply("503 Busy", "", "Retry-After: 999999999\n"),
            Retry("the webhook answered 503", timedelta(days=1), is_outage=True),
        ),
        (
            reply("503 Busy", "", "Retry-After: Mon, 02 Mar 2020 09:01:00 GMT\n"),
            Retry("the webhook answered 503", timedelta(0), is_outage=True),
        ),
        (reply("503 Busy", "", "Retry-After: soon\n"), Retry("the webhook answered 503", is_outage=True)),
        (
            reply("404 Not Found", f"nothing at {PATH}"),
            Failed("the webhook answered 404 nothing at /***"),
        ),
    ],
)
def test_send_says_what_the_answer_means(answer: str, outcome: object) -> None:
    """Codes, Retry-After in both forms, no redirects, and no secret repeated."""
    with webhook(answer) as server:
        assert post(server.url) == outcome
    assert len(server.requests) == 1


def test_send_reads_a_bounded_part_of_an_endless_answer() -> None:
    """A flood is cut off, not stored."""
    flood = "HTTP/1.1 200 OK\nContent-Length: 9000000\n\n" + "x" * 200_000
    with webhook(flood) as server:
        outcome = post(server.url)
    assert isinstance(outcome, Delivered)
    assert len(outcome.receipt) < 200


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        ("", {"hangs": True}),
        ("", {}),
        ("HTTP/1.1 200 OK\nX-Slow: ", {"drips": True}),
        ("HTTP/1.1 20", {}),
    ],
)
def test_send_does_not_know_after_the_request_has_gone(answer: str, options: dict[str, bool]) -> None:
    """Without a status and all headers within the time nobody knows."""
    with webhook(answer, **options) as server:
        outcome = post(server.url, timeout=0.5)
    assert isinstance(outcome, Unknown)


def test_send_does_not_need_the_whole_body() -> None:
    """The status says what became of the post; what is missing of the body is words."""
    with webhook("HTTP/1.1 200 OK\nContent-Length: 900\n\n", drips=True) as server:
        outcome = post(server.url, timeout=0.5)
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.startswith("200 xx")


def test_send_retries_when_nobody_listens() -> None:
    """A refused connection is an outage, told without the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert post(f"http://127.0.0.1:{port}{PATH}") == Retry("the webhook cannot be reached", is_outage=True)


@pytest.mark.parametrize("url", ["", "slack.example/x", "file:///etc/passwd", "ftp://x.example/"])
def test_connector_refuses_what_is_no_web_address(url: str) -> None:
    """Found when the service starts, not with the first message."""
    with pytest.raises(ValueError, match="must begin with https://"):
        SlackConnector(url)
