"""Stopping while the other side hangs: nothing stays leased, and what is known of a try is kept."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.inbox import Inbox, InboxError
from connectors.outcome import Delivered, Retry
from connectors.slack import SlackConnector
from connectors.smtp import SmtpConnector
from engine.outbox.deliver import Deliverer
from engine.outbox.entry import close_connectors
from engine.outbox.wiring import open_connectors
from tests.integration.http_servers import webhook
from tests.integration.imap_server import scripted_imap
from tests.integration.mail_servers import HANG, free_port, scripted_smtp
from tests.integration.outbox_book import NOW, attempts, outbox, seed, settings
from tests.integration.test_delivery_troubles import eventually
from tests.integration.test_faults import full_listener

PATIENCE = 30.0
"""Far longer than any of these tests takes."""
SOON = 5.0


@contextmanager
def hanging_mail(step: str) -> Iterator[tuple[dict[str, Any], Callable[[Engine], bool]]]:
    """A connector to a server that hangs at a step, and whether it has come to that."""
    with scripted_smtp({step: HANG}) as server:
        spec = {"kind": "smtp", "host": "127.0.0.1", "port": server.port, "security": "none"}
        yield spec, lambda _: server.seen[step] > 0


@contextmanager
def hanging_web(_: str) -> Iterator[tuple[dict[str, Any], Callable[[Engine], bool]]]:
    """The same with a web server that takes the post and is silent."""
    with webhook("", hangs=True) as server:
        yield {"kind": "webhook", "url": server.url, "allow_private": True}, lambda _: bool(server.requests)


@contextmanager
def hanging_road(_: str) -> Iterator[tuple[dict[str, Any], Callable[[Engine], bool]]]:
    """The same with a port that neither takes nor refuses a connection."""
    port = free_port()
    spec = {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none"}
    with full_listener(port):
        yield spec, lambda database: any(row.state == "executing" for row in outbox(database).values())


@pytest.mark.parametrize(
    ("place", "step", "state", "reason"),
    [
        (hanging_road, "", "retryable", "was cut off by our stop before taking anything"),
        (hanging_mail, "GREETING", "retryable", "was cut off by our stop before taking anything"),
        (hanging_mail, "RCPT", "retryable", "was cut off by our stop after RCPT"),
        (hanging_mail, "DOT", "unknown", "was cut off by our stop after the message"),
        (hanging_web, "", "unknown", "the webhook was cut off by our stop"),
    ],
)
def test_stop_hands_back_and_cuts_what_hangs(
    database: Engine, place: Any, step: str, state: str, reason: str
) -> None:
    """What has not been begun goes back before the try under way is over; that one ends when it is cut."""
    ids = seed(database, 4, connector="out")
    with place(step) as (spec, hangs):
        chosen = settings(connectors={"out": spec | {"timeout_seconds": PATIENCE, "concurrency": 1}})
        connectors = open_connectors(chosen, database)
        deliverer = Deliverer(database, connectors, chosen, lambda: NOW, "test")
        lane = threading.Thread(target=deliverer.lanes["out 1"].run, args=(100,))
        lane.start()
        assert eventually(partial(hangs, database))
        deliverer.end()
        rows = outbox(database)
        assert [rows[each].state for each in ids] == ["executing", *["available"] * 3]
        assert {rows[each].attempts for each in ids[1:]} == {0}
        deliverer.cut()
        lane.join(SOON)
        assert not lane.is_alive()
        close_connectors(connectors)
    row = outbox(database)[ids[0]]
    assert (row.state, row.lease_owner) == (state, None)
    assert row.error.endswith(reason)
    assert len(attempts(database)) == 1


def test_close_does_not_wait_for_a_goodbye() -> None:
    """A server that is silent at QUIT holds up nobody."""
    with scripted_smtp({"QUIT": HANG}) as server:
        smtp = SmtpConnector("127.0.0.1", server.port, "none", timeout=PATIENCE)
        assert isinstance(smtp.send(b"x\r\n", "a@x.example", "b@x.example"), Delivered)
        began = time.monotonic()
        smtp.close()
    assert time.monotonic() - began < SOON


def test_inbox_that_hangs_can_be_closed() -> None:
    """The reading ends at once, with a reason."""
    with scripted_imap([], {"LOGIN": HANG}) as server:
        inbox = Inbox("127.0.0.1", "u", "p", server.port, "none", timeout=PATIENCE)
        timer = threading.Timer(0.3, inbox.close)
        timer.start()
        began = time.monotonic()
        with pytest.raises(InboxError, match="hung up"), inbox.opened():
            raise AssertionError("it opened")
        timer.join()
    assert time.monotonic() - began < SOON


def test_inbox_reads_no_more_than_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that goes on and on is left."""
    monkeypatch.setattr("connectors.inbox_client.LONGEST_SESSION", 10_000)
    with scripted_imap([], {"LOGIN": "* OK go on\r\n" * 1_000 + "TAG OK welcome"}) as server:
        inbox = Inbox("127.0.0.1", "u", "p", server.port, "none", timeout=PATIENCE)
        with pytest.raises(InboxError, match="sent answers without end"), inbox.opened():
            raise AssertionError("it opened")


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The system's name service does not answer while a test runs."""
    over = threading.Event()

    def ask(*_: Any, **__: Any) -> Any:
        over.wait(PATIENCE)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    yield
    over.set()


def test_name_service_that_hangs_costs_no_more_than_a_silent_server(no_names: None) -> None:
    """For mail, for posts and for the mailbox."""
    began = time.monotonic()
    mail = SmtpConnector("mail.acme.example", 25, timeout=0.2).send(b"x\r\n", "a@x.example", "b@x.example")
    assert isinstance(mail, Retry)
    assert mail.reason == "mail.acme.example:25 did not answer in time before taking anything"
    post = SlackConnector("https://hooks.acme.example/x", 0.2).send("Hi", "#cs", "key", NOW)
    assert post == Retry("the webhook did not answer in time", is_outage=True)
    inbox = Inbox("mail.acme.example", "u", "p", timeout=0.2)
    with pytest.raises(InboxError, match="did not answer in time"), inbox.opened():
        raise AssertionError("it opened")
    assert time.monotonic() - began < SOON
