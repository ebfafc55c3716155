"""What comes back for emails: from notice to event, suppression and the end of a sequence, once each."""

import base64
import json
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from sqlalchemy import Engine, insert, select
from typer.testing import CliRunner

from connectors.inbox import Inbox, InboxError
from connectors.outcome import Delivered
from connectors.webhook import signature
from engine.api.app import create_app
from engine.cli.inbox_command import inbox as inbox_command
from engine.cli.shell import Shell
from engine.email_settings import Email, InboxSettings
from engine.outbox.deliver import deliver_batch
from engine.returns.notice import Notice, NoticeKind
from engine.returns.reading import read_inbox
from engine.returns.take import SoftLimit, take
from engine.settings import Settings
from engine.state.database import reading, writing
from engine.state.tables import Attempt, Event, InboxPosition, MailReturn, Outbox, Suppression
from tests.integration.imap_server import PASSWORD, USER, ImapServer, imap_server
from tests.integration.mail_servers import certificate
from tests.integration.outbox_book import NOW, change, outbox, outbox_row, seed, settings
from tests.integration.test_delivery import Playing
from tests.returned_mail import bounce, complaint, reply
from tests.website import make_service, visit
from tests.website_book import NOW as WEBSITE_NOW

ROOT = Path(__file__).parents[2]
SOFT = SoftLimit(3, timedelta(days=30))


def sent(database: Engine, count: int = 1, **changes: Any) -> list[str]:
    """Emails that have left, each to its contact."""
    ids = seed(database, count, **{"state": "completed", "attempts": 1, "finished_at": NOW} | changes)
    with writing(database) as connection:
        tries = [
            {"outbox_id": each, "number": 1, "started_at": NOW, "ended_at": NOW, "result": "delivered"}
            for each in ids
        ]
        connection.execute(insert(Attempt), [each | {"answer": "250"} for each in tries])
    return ids


def waiting(database: Engine, outbox_id: str, number: int, **changes: Any) -> None:
    """A further email of the same run to a contact, that has not left."""
    with writing(database) as connection:
        connection.execute(insert(Outbox), [outbox_row(outbox_id, number) | changes])


def notice(kind: NoticeKind, outbox_id: str, address: str = "c0@x.example", own_id: str = "") -> Notice:
    """A notice about one email."""
    return Notice(kind, (f"{outbox_id}@acme.example",), (address,), "550 no", own_id)


def taken(database: Engine, found: Notice, at: datetime = NOW) -> str:
    """What became of it."""
    return take(database, found, SOFT, at, NOW + timedelta(days=90)).result


def events(database: Engine) -> list[tuple[str, str | None, Any]]:
    """Name, contact and properties of every event."""
    with reading(database) as connection:
        rows = connection.execute(select(Event.name, Event.subject_id, Event.properties).order_by(Event.id))
        return [(row[0], row[1], row[2]) for row in rows]


def suppressed(database: Engine) -> dict[str, str]:
    """Reason by address."""
    with reading(database) as connection:
        return {row[0]: row[1] for row in connection.execute(select(Suppression.email, Suppression.reason))}


@pytest.mark.parametrize(
    ("kind", "event", "reason"),
    [
        ("bounced", "email_bounced", "bounced"),
        ("complained", "email_complained", "complained"),
        ("replied", "email_replied", None),
        ("soft_bounced", "email_bounced", None),
    ],
)
def test_take_writes_event_and_suppression_once(
    database: Engine, kind: NoticeKind, event: str, reason: str | None
) -> None:
    """The same notice again, and again after half of it was lost, changes nothing more."""
    (key,) = sent(database)
    assert [taken(database, notice(kind, key)) for _ in range(2)] == [kind, "known"]
    with writing(database) as connection:
        connection.execute(MailReturn.__table__.delete())  # type: ignore[attr-defined]
    assert taken(database, notice(kind, key)) == kind
    ((name, subject, said),) = events(database)
    assert (name, subject, said["step"], said["playbook"]) == (event, "c0", "hello", "p")
    assert said["reason"] == "550 no"
    assert said.get("permanent") == {"bounced": True, "soft_bounced": False}.get(kind)
    assert suppressed(database) == ({"c0@x.example": reason} if reason else {})


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("bounced", "the address bounced"),
        ("complained", "the person complained"),
        ("replied", "the person replied"),
    ],
)
def test_take_stops_the_sequence_of_that_person_alone(
    database: Engine, kind: NoticeKind, reason: str
) -> None:
    """What the same run has waiting for them; not other people's, nor what has left."""
    first, other = sent(database, 2)
    for each, number in (("next", 0), ("theirs", 1)):
        waiting(database, each, number, state="scheduled")
    taken(database, notice(kind, first))
    rows = outbox(database)
    assert (rows["next"].state, rows["next"].error) == ("cancelled", reason)
    assert (rows["theirs"].state, rows[other].state, rows[first].state) == (
        "scheduled",
        "completed",
        "completed",
    )


def test_reply_stops_what_the_run_writes_later(database: Engine) -> None:
    """A step that comes after the reply sends nothing; what an exit says, and another run, do."""
    (first,) = sent(database)
    taken(database, notice("replied", first))
    waiting(database, "later", 0)
    waiting(database, "exit", 0, step="exit:thanks")
    connector = Playing([Delivered("ok")])
    deliver_batch(database, {"email": connector}, settings(), now=NOW, owner="t")
    assert connector.asked == ["exit"]
    assert outbox(database)["later"].error == "the person replied"


@pytest.mark.parametrize(
    ("changes", "found", "why"),
    [
        ({}, ("bounced", "ffffffffffffffff", "c0@x.example"), "names no message"),
        ({}, ("bounced", None, "victim@x.example"), "another recipient"),
        ({}, ("complained", None, "victim@x.example"), "another recipient"),
        ({}, ("replied", None, "mallory@evil.example"), "somebody else"),
        ({"contact_id": None}, ("bounced", None, "c0@x.example"), "names no message"),
    ],
)
def test_take_ignores_what_fits_no_email(
    database: Engine, changes: dict[str, Any], found: tuple[Any, str | None, str], why: str
) -> None:
    """A forged report about a stranger, and one about a message that never was."""
    (key,) = sent(database, **changes)
    kind, about, address = found
    answer = take(database, notice(kind, about or key, address), SOFT, NOW, NOW)
    assert answer.result == "ignored"
    assert why in answer.reason
    assert not suppressed(database)
    assert not events(database)


def test_take_ignores_a_report_about_what_has_not_left(database: Engine) -> None:
    """An id that could be guessed is no proof of a message that has never been sent."""
    (key,) = seed(database)
    assert taken(database, notice("bounced", key)) == "ignored"
    assert outbox(database)[key].state == "available"


def test_colleague_may_reply(database: Engine) -> None:
    """At the same domain; each reply counts once."""
    (key,) = sent(database)
    kinds = [taken(database, notice("replied", key, "boss@x.example", own)) for own in ("a@x", "b@x", "a@x")]
    assert kinds == ["replied", "replied", "known"]
    assert len(events(database)) == 2


@pytest.mark.parametrize(
    ("days", "good", "is_suppressed"),
    [((0, 1, 2), None, True), ((0, 1), None, False), ((0, 1, 40), None, False), ((0, 1, 3), 2, False)],
)
def test_soft_bounces_in_a_row_count_as_hard(
    database: Engine, days: tuple[int, ...], good: int | None, is_suppressed: bool
) -> None:
    """Three of different emails within thirty days, and none that arrived between them."""
    ids = sent(database, 1)
    for number in range(1, 4):
        key = f"more{number:012}"
        waiting(database, key, 0, state="completed", attempts=1)
        with writing(database) as connection:
            one = {"outbox_id": key, "number": 1, "started_at": NOW, "answer": "", "result": "delivered"}
            connection.execute(insert(Attempt), [one])
        ids.append(key)
    if good is not None:
        taken(database, notice("delivered", ids[3]), NOW + timedelta(days=good))
    for key, day in zip(ids, days, strict=False):
        at = NOW + timedelta(days=day)
        take(database, notice("soft_bounced", key), SOFT, at, at)
    assert suppressed(database) == ({"c0@x.example": "bounced"} if is_suppressed else {})


@pytest.mark.parametrize("state", ["unknown", "retryable", "discarded"])
@pytest.mark.parametrize("kind", ["delivered", "replied", "complained"])
def test_what_has_arrived_after_all_is_not_sent_again(database: Engine, state: str, kind: NoticeKind) -> None:
    """A delivery of unknown fate is settled by word of the other side."""
    (key,) = sent(database, state=state)
    taken(database, notice(kind, key))
    assert outbox(database)[key].state == "completed"


@pytest.fixture(scope="module")
def imap() -> Iterator[ImapServer]:
    """A mailbox that several tests fill; each looks at what it put there itself."""
    with imap_server("--no-tls") as server:
        yield server


def test_read_inbox_takes_each_message_once(sqlite_database: Engine, imap: ImapServer) -> None:
    """From where it left off; the mailbox stays as it was."""
    ids = sent(sqlite_database, 3)
    mine = [f"<{each}@acme.example>" for each in ids]
    imap.put(
        bounce(mine[0], "c0@x.example"),
        complaint(mine[1], "c1@x.example"),
        reply(mine[2], "c2@x.example"),
        reply(mine[2], "c2@x.example", extra="Auto-Submitted: auto-replied"),
        bounce("<0000000000000000@acme.example>", "c0@x.example"),
        b"\xff\x00" * 500,
    )
    found = read_inbox(sqlite_database, imap.inbox, SOFT, NOW, most=4)
    assert found == Counter(bounced=1, complained=1, replied=1, ignored=1)
    assert read_inbox(sqlite_database, imap.inbox, SOFT, NOW) == Counter(ignored=2)
    assert not read_inbox(sqlite_database, imap.inbox, SOFT, NOW)
    assert suppressed(sqlite_database) == {"c0@x.example": "bounced", "c1@x.example": "complained"}
    assert {each[0] for each in events(sqlite_database)} == {
        "email_bounced",
        "email_complained",
        "email_replied",
    }
    assert not any(b"Seen" in each for each in imap.flags())


def test_read_inbox_starts_anew_where_the_server_has_numbered_anew(sqlite_database: Engine) -> None:
    """A mailbox restored from elsewhere: nothing is missed, nothing taken twice."""
    (key,) = sent(sqlite_database)
    content = bounce(f"<{key}@acme.example>", "c0@x.example")
    with imap_server("--no-tls") as server:
        server.put(content, content)
        assert read_inbox(sqlite_database, server.inbox, SOFT, NOW) == Counter(bounced=1, known=1)
        change(sqlite_database, InboxPosition, _position(sqlite_database), validity=1, uid=100_000)
        assert read_inbox(sqlite_database, server.inbox, SOFT, NOW) == Counter(known=2)
        assert not read_inbox(sqlite_database, server.inbox, SOFT, NOW)


def _position(database: Engine) -> str:
    with reading(database) as connection:
        return connection.scalars(select(InboxPosition.id)).one()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "wrong-sEcReT"}, "AUTHENTICATIONFAILED"),
        ({"folder": "None"}, "does not exist"),
        ({"port": 1}, "refused the connection"),
        ({"host": "nowhere.invalid", "security": "tls"}, "there is no such host"),
        ({"security": "tls"}, "does not speak TLS"),
    ],
)
def test_inbox_that_cannot_be_read_says_why(
    sqlite_database: Engine, imap: ImapServer, changes: dict[str, Any], message: str
) -> None:
    """In a sentence without the password."""
    with pytest.raises(InboxError, match=message) as found:
        read_inbox(sqlite_database, imap.at(**changes), SOFT, NOW)
    assert "sEcReT" not in str(found.value)


def test_inbox_refuses_to_sign_in_in_the_clear() -> None:
    """But to this machine."""
    with pytest.raises(ValueError, match="in the clear"):
        Inbox("imap.acme.example", USER, PASSWORD, 143, "none")
    assert PASSWORD not in repr(Inbox("imap.acme.example", USER, PASSWORD))


def test_inbox_is_read_over_tls_that_is_trusted(sqlite_database: Engine, tmp_path: Path) -> None:
    """By STARTTLS; a certificate nobody vouches for is refused before the password is sent."""
    _, ours = certificate(tmp_path)
    with imap_server("--cert", str(tmp_path / "chain.pem"), "--key", str(tmp_path / "key.pem")) as server:
        trusting = server.at(security="starttls", tls=ours)
        assert not read_inbox(sqlite_database, trusting, SOFT, NOW)
        doubting = server.at(security="starttls", tls=ssl.create_default_context())
        # The server may close what the client breaks off before the client has said why.
        with pytest.raises(InboxError, match=r"not trusted|hung up"):
            read_inbox(sqlite_database, doubting, SOFT, NOW)


def test_killed_reading_loses_and_repeats_nothing(sqlite_database: Engine) -> None:
    """Killed before each of its commits; the next reading takes up the rest."""
    ids = sent(sqlite_database, 2)
    with imap_server("--no-tls") as imap:
        _read_and_die(sqlite_database, imap, ids)
        read_inbox(sqlite_database, imap.inbox, SOFT, NOW)
        assert not read_inbox(sqlite_database, imap.inbox, SOFT, NOW)
    assert suppressed(sqlite_database) == {f"c{each}@x.example": "bounced" for each in range(2)}
    assert len(events(sqlite_database)) == 2


def _read_and_die(database: Engine, imap: ImapServer, ids: list[str]) -> None:
    imap.put(*(bounce(f"<{key}@acme.example>", f"c{number}@x.example") for number, key in enumerate(ids)))
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.integration.killed_reading", url, str(imap.inbox.port)]
    for each in range(1, 5):
        ended = subprocess.run([*command, str(each)], cwd=ROOT, check=False, timeout=60)
        assert each > 1 or ended.returncode == -9


@pytest.fixture
def run(sqlite_database: Engine, tmp_path: Path) -> Any:
    """Runs `tminus inbox` with a configuration."""

    def command(config: str, *arguments: str) -> Any:
        app = typer.Typer()

        @app.callback()
        def shell(context: typer.Context) -> None:
            context.obj = Shell(tmp_path / "c.yaml", lambda _url: sqlite_database)

        app.command("inbox")(inbox_command)
        (tmp_path / "c.yaml").write_text(config)
        return CliRunner().invoke(app, ["inbox", *arguments])

    return command


def test_inbox_command_reads_once(sqlite_database: Engine, run: Any) -> None:
    """Everything there is, and tells what it was."""
    (key,) = sent(sqlite_database)
    with imap_server("--no-tls") as server:
        where = f"host: 127.0.0.1, port: {server.inbox.port}, security: none"
        config = f"email: {{inbox: {{{where}, username: {USER}, password: {PASSWORD}}}}}\n"
        server.put(bounce(f"<{key}@acme.example>", "c0@x.example"), b"Subject: x\r\n\r\n")
        assert run(config).stdout == "1 bounced, 1 ignored\n"
        assert run(config).stdout == "nothing new\n"
        assert json.loads(run(config, "--json").stdout) == {}
    failed = run(config)
    assert failed.exit_code == 1
    assert "refused the connection" in failed.stderr


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{}", "set email.inbox"),
        ("email: {inbox: {host: h, username: u, password: p, security: none}}", "in the clear"),
        ("email: {inbox: {host: h, username: u, password: p, every: 0min}}", "at least a minute"),
        ("email: {inbox: {host: h, username: u, password: p, every: 2bd}}", "stretch of time"),
    ],
)
def test_inbox_command_refuses_a_bad_configuration(run: Any, config: str, message: str) -> None:
    """A sentence and exit code 2."""
    answer = run(config)
    assert answer.exit_code == 2
    assert message in answer.stderr


KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@pytest.fixture
def provider(sqlite_database: Engine) -> Any:
    """Posts events as a provider does, signed; `changes` spoil the headers."""
    chosen = Settings(email=Email(events_secret=SECRET))  # type: ignore[arg-type]
    client = visit(create_app(make_service(sqlite_database, settings=chosen)))

    def post(body: Any, at: datetime = WEBSITE_NOW, **changes: str) -> httpx.Response:
        content = json.dumps(body).encode()
        stamp = str(int(at.timestamp()))
        headers = {"webhook-id": "m1", "webhook-timestamp": stamp}
        headers["webhook-signature"] = "v1,old " + signature(KEY, "m1", stamp, content)
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        return client.post("/api/v1/mail-events", content=content, headers=headers)

    return post


def test_mail_events_are_taken(sqlite_database: Engine, provider: Any) -> None:
    """Each once, and those of strangers counted."""
    ids = sent(sqlite_database, 3)
    for each in ids:
        change(sqlite_database, Outbox, each, created_at=WEBSITE_NOW)
    about = [
        {"message_id": f"<{key}@acme.example>", "recipient": f"C{n}@X.example"} for n, key in enumerate(ids)
    ]
    body = {
        "events": [
            about[0] | {"type": "bounce", "status": "5.1.1", "reason": "no such user"},
            about[1] | {"type": "complaint"},
            about[2] | {"type": "reply", "id": "<r1@x.example>"},
            about[2] | {"type": "bounce", "status": "4.2.2"},
            {"type": "bounce", "message_id": "<x@acme.example>", "recipient": "a@b.example"},
        ]
    }
    taken = {"bounced": 1, "complained": 1, "ignored": 1, "replied": 1, "soft_bounced": 1}
    assert provider(body).json() == {"taken": taken}
    assert provider(body).json() == {"taken": {"ignored": 1, "known": 4}}
    assert suppressed(sqlite_database) == {"c0@x.example": "bounced", "c1@x.example": "complained"}


@pytest.mark.parametrize(
    ("spoiled", "at"),
    [
        ({"webhook_signature": ""}, WEBSITE_NOW),
        ({"webhook_signature": "v1,AAAA"}, WEBSITE_NOW),
        ({"webhook_id": "m2"}, WEBSITE_NOW),
        ({"webhook_id": ""}, WEBSITE_NOW),
        ({"webhook_timestamp": "soon"}, WEBSITE_NOW),
        ({"webhook_timestamp": "9" * 300}, WEBSITE_NOW),
        ({}, WEBSITE_NOW - timedelta(minutes=6)),
        ({}, WEBSITE_NOW + timedelta(minutes=6)),
    ],
)
def test_mail_events_need_a_signature(
    sqlite_database: Engine, provider: Any, spoiled: dict[str, str], at: datetime
) -> None:
    """Over id, time and body, and not an old one."""
    (key,) = sent(sqlite_database)
    about = {"type": "bounce", "message_id": f"<{key}@acme.example>", "recipient": "c0@x.example"}
    assert provider({"events": [about]}, at, **spoiled).status_code == 401
    assert not suppressed(sqlite_database)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"events": {}},
        {"events": [1]},
        {"events": [{"type": "explosion", "message_id": "<a@b>", "recipient": "a@b"}]},
        {"events": [{"type": "bounce", "recipient": "a@b.example"}]},
        {"events": [{"type": "bounce", "message_id": "<a@b>", "recipient": "nobody"}]},
        {"events": [{"type": "bounce", "message_id": "<a@b>", "recipient": "a@b", "stauts": "5"}]},
        {"events": [{"type": "bounce", "message_id": "<a@b>", "recipient": "x" * 1001 + "@b"}]},
        {"events": [{}] * 1001},
    ],
)
def test_mail_events_that_do_not_fit_are_refused(provider: Any, body: Any) -> None:
    """With the place, and nothing taken."""
    assert provider(body).status_code == 422


def test_mail_events_are_off_without_a_secret(sqlite_database: Engine) -> None:
    """Nobody may post them then, with a token or without."""
    client = visit(create_app(make_service(sqlite_database)))
    assert client.post("/api/v1/mail-events", content=b"{}").status_code == 404


def test_settings_of_the_mailbox_hide_its_password() -> None:
    """Whoever prints them."""
    spec = InboxSettings(host="h", username="u", password=PASSWORD)  # type: ignore[arg-type]
    assert PASSWORD not in repr(spec)
