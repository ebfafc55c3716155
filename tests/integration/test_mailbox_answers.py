"""A reader's answer to an email in the trial's mailbox does what one from a real mailbox does."""

import re
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, select

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.mailbox.store import store_chat, store_email
from engine.state.database import reading
from engine.state.tables import Event, Outbox, StoppedSequence, Suppression
from tests.integration.mail_servers import real_smtp
from tests.integration.outbox_book import NOW, change, outbox, seed
from tests.integration.test_delivery import deliver
from tests.website import make_service, visit

READER = "c0@x.example"


@pytest.fixture
def site(sqlite_database: Engine, tmp_path: Path) -> tuple[httpx.Client, str, str]:
    """The console over an email that was delivered and one that follows it, and where the first lies."""
    first, second = seed(sqlite_database, 2)
    for each in (first, second):
        change(
            sqlite_database, Outbox, each, contact_id="c0", recipient="c0@x.example", address="c0@x.example"
        )
    change(sqlite_database, Outbox, second, state="scheduled", available_at=NOW.replace(year=2027))
    with real_smtp() as (port, server):
        deliver(sqlite_database, port)
    stored = store_email(tmp_path, server.contents[0], NOW, 9)
    service = make_service(sqlite_database, mailbox=tmp_path, now=lambda: NOW)
    client = visit(create_app(service))
    client.get(f"/sign-in?token={create_token(sqlite_database, 'dana', NOW)}")
    return client, f"/mailbox/{stored}", second


def answer(client: httpx.Client, address: str, **form: str) -> httpx.Response:
    """Press the button."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/queue").text)
    assert found
    return client.post(f"{address}/answer", data={"csrf": found[1], **form})


@pytest.mark.parametrize(
    ("given", "event", "suppressed", "said"),
    [
        ("reply", "email_replied", [], "The reply was read"),
        ("bounce", "email_bounced", [READER], "The bounce was read"),
        ("complaint", "email_complained", [READER], "The complaint was read"),
    ],
)
def test_mailbox_answer_stops_the_sequence(
    sqlite_database: Engine,
    site: tuple[httpx.Client, str, str],
    given: str,
    event: str,
    suppressed: list[str],
    said: str,
) -> None:
    """Playbooks see it, the run writes this reader no more, and the same again counts once."""
    client, address, following = site
    assert "Let it bounce" in client.get(address).text
    assert said in answer(client, address, answer=given).text
    assert "read before" in answer(client, address, answer=given).text
    with reading(sqlite_database) as connection:
        assert connection.scalars(select(Event.name)).all() == [event]
        assert connection.scalars(select(Suppression.email)).all() == suppressed
        assert connection.scalars(select(StoppedSequence.contact_id)).all() == ["c0"]
    assert outbox(sqlite_database)[following].state == "cancelled"


def test_mailbox_answer_refuses_what_no_reader_does(
    sqlite_database: Engine, site: tuple[httpx.Client, str, str], tmp_path: Path
) -> None:
    """And a message that is not from the outbox changes nothing."""
    client, address, _ = site
    assert answer(client, address, answer="forward").status_code == 422
    assert answer(client, "/mailbox/none", answer="reply").status_code == 404
    foreign = store_email(
        tmp_path, b"From: a@x.example\r\nTo: b@y.example\r\nSubject: Hi\r\n\r\nHi\r\n", NOW, 9
    )
    assert "counts for nothing" in answer(client, f"/mailbox/{foreign}", answer="bounce").text
    chat = store_chat(tmp_path, "#wins", "Recovered", NOW)
    assert "Let it bounce" not in client.get(f"/mailbox/{chat}").text
    with reading(sqlite_database) as connection:
        assert connection.scalars(select(Event.name)).all() == []
