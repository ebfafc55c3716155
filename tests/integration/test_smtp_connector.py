"""The SMTP connector against real servers on loopback that behave, refuse, hang and cut."""

import shutil
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from connectors.outcome import Delivered, Failed, Retry, Unknown
from connectors.smtp import SmtpConnector
from tests.integration.mail_servers import CUT, DRIP, HANG, certificate, free_port, real_smtp, scripted_smtp

MESSAGE = b"Subject: hello\r\n\r\n.dotted line\r\nlast line"
FROM, TO = "success@acme.example", "ann@customer.example"


Connect = Callable[..., SmtpConnector]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connectors to loopback without TLS and with little patience; closed in the end."""
    opened: list[SmtpConnector] = []

    def to(port: int, **options: Any) -> SmtpConnector:
        opened.append(SmtpConnector("127.0.0.1", port, **{"security": "none", "timeout": 0.5, **options}))
        return opened[-1]

    yield to
    for each in opened:
        each.close()


def test_send_delivers_the_bytes_as_given(connect: Connect) -> None:
    """Dots at line starts survive the wire."""
    with real_smtp() as (port, handler):
        smtp = connect(port)
        outcome = smtp.send(MESSAGE, FROM, TO)
        smtp.close()
    assert outcome == Delivered("250 queued as 1")
    assert b"\r\n.dotted line\r\nlast line" in handler.contents[0]


def test_send_uses_one_connection_while_it_is_healthy(connect: Connect) -> None:
    """Three messages, one greeting."""
    with scripted_smtp() as server:
        smtp = connect(server.port)
        assert all(isinstance(smtp.send(MESSAGE, FROM, TO), Delivered) for _ in range(3))
    assert (server.connections, len(server.messages)) == (1, 3)


def test_send_connects_anew_when_the_kept_connection_is_gone(connect: Connect) -> None:
    """A server that hung up while idle costs nothing."""
    with scripted_smtp({"MAIL": ["250 fine", CUT, "250 fine"]}) as server:
        smtp = connect(server.port)
        assert all(isinstance(smtp.send(MESSAGE, FROM, TO), Delivered) for _ in range(2))
    assert server.connections == 2


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ({"MAIL": "550 not you"}, Failed, "answered MAIL with 550 not you"),
        ({"RCPT": "550 5.1.1 no such user"}, Failed, "answered RCPT with 550 5.1.1 no such user"),
        ({"DATA": "554 no"}, Failed, "answered DATA with 554 no"),
        ({"DOT": "552 too big"}, Failed, "answered the message with 552 too big"),
        ({"MAIL": "451 later"}, Retry, "answered MAIL with 451 later"),
        ({"RCPT": "450 greylisted"}, Retry, "answered RCPT with 450 greylisted"),
        ({"DATA": "421 closing"}, Retry, "answered DATA with 421 closing"),
        ({"DOT": "452 disk full"}, Retry, "answered the message with 452 disk full"),
        ({"MAIL": "530 sign in first"}, Retry, "answered MAIL with 530 sign in first"),
        ({"GREETING": "554 no service"}, Retry, "is not ready: 554 no service"),
        ({"GREETING": CUT}, Retry, "hung up before taking anything"),
        ({"GREETING": HANG}, Retry, "did not answer in time before taking anything"),
        ({"EHLO": CUT}, Retry, "hung up before taking anything"),
        ({"MAIL": CUT}, Retry, "hung up after MAIL"),
        ({"RCPT": CUT}, Retry, "hung up after RCPT"),
        ({"DATA": CUT}, Retry, "hung up after DATA"),
        ({"MAIL": HANG}, Retry, "did not answer in time after MAIL"),
        ({"RCPT": HANG}, Retry, "did not answer in time after RCPT"),
        ({"DATA": HANG}, Retry, "did not answer in time after DATA"),
        ({"DATA": "250 what"}, Retry, "answered DATA with 250 what"),
        ({"DOT": CUT}, Unknown, "hung up after the message"),
        ({"DOT": HANG}, Unknown, "did not answer in time after the message"),
        ({"DOT": "354 again?"}, Unknown, "answered the message with 354 again?"),
        ({"DOT": DRIP}, Unknown, "after the message"),
    ],
)
def test_send_says_what_came_of_it(connect: Connect, script: dict[str, str], kind: type, words: str) -> None:
    """Every step, refused for now, refused for good, cut and left hanging."""
    with scripted_smtp(script) as server:
        outcome = connect(server.port).send(MESSAGE, FROM, TO)
    assert isinstance(outcome, kind)
    assert words in outcome.reason  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("script", "is_outage"),
    [
        ({"RCPT": "450 greylisted"}, False),
        ({"DATA": "421 closing"}, True),
        ({"MAIL": CUT}, True),
        ({"MAIL": "530 sign in first"}, True),
    ],
)
def test_send_tells_an_outage_from_one_bad_message(
    connect: Connect, script: dict[str, str], is_outage: bool
) -> None:
    """Only what would stop every message is an outage."""
    with scripted_smtp(script) as server:
        outcome = connect(server.port).send(MESSAGE, FROM, TO)
    assert isinstance(outcome, Retry)
    assert outcome.is_outage is is_outage


def test_send_goes_on_after_a_refused_recipient(connect: Connect) -> None:
    """The next message on the same connection is not harmed."""
    with scripted_smtp({"RCPT": ["550 no such user", "250 fine"]}) as server:
        smtp = connect(server.port)
        outcomes = [smtp.send(MESSAGE, FROM, TO) for _ in range(2)]
    assert [type(each) for each in outcomes] == [Failed, Delivered]
    assert server.connections == 1


def test_send_retries_when_nobody_listens(connect: Connect) -> None:
    """A refused connection is an outage."""
    outcome = connect(free_port()).send(MESSAGE, FROM, TO)
    assert isinstance(outcome, Retry)
    assert outcome.is_outage
    assert outcome.reason.endswith("refused the connection")


def test_send_retries_when_the_host_is_unknown() -> None:
    """A name that does not resolve may be mended."""
    outcome = SmtpConnector("smtp.invalid", 25, "none", timeout=1).send(MESSAGE, FROM, TO)
    assert isinstance(outcome, Retry)


@pytest.mark.parametrize("address", ["ann", "ann@x.example\r\nRCPT TO:<eve@x.example>", "a <a@x.example>"])
def test_send_refuses_what_is_no_address(connect: Connect, address: str) -> None:
    """Nothing reaches the wire."""
    with scripted_smtp() as server:
        assert isinstance(connect(server.port).send(MESSAGE, FROM, address), Failed)
        assert isinstance(connect(server.port).send(MESSAGE, address, TO), Failed)
    assert server.connections == 0


def test_send_keeps_the_password_out_of_reasons(connect: Connect) -> None:
    """A server that repeats what it was sent gives nothing away."""
    echo = "535 AHVzZXIAaHVudGVyMg== hunter2 wrong"
    with scripted_smtp({"EHLO": "250-scripted\r\n250 AUTH PLAIN", "AUTH": echo}) as server:
        outcome = connect(server.port, username="user", password="hunter2").send(MESSAGE, FROM, TO)
    assert isinstance(outcome, Retry)
    assert "refused the sign-in with 535 *** *** wrong" in outcome.reason


def test_connector_refuses_to_send_a_password_in_the_clear() -> None:
    """Only a server on this machine may be without TLS."""
    with pytest.raises(ValueError, match="in the clear; set security to starttls"):
        SmtpConnector("smtp.acme.example", 25, "none", username="user", password="hunter2")


def test_send_never_falls_back_from_starttls(connect: Connect) -> None:
    """A server that offers no STARTTLS gets nothing."""
    with scripted_smtp() as server:
        outcome = connect(server.port, security="starttls").send(MESSAGE, FROM, TO)
    assert isinstance(outcome, Retry)
    assert "offers no STARTTLS" in outcome.reason
    assert not server.messages


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's view of one certificate."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command to make a certificate")
    return certificate(Path(tmp_path_factory.mktemp("tls")))


def _accept(_server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
    return AuthResult(success=(login.login, login.password) == (b"user", b"hunter2"))


@pytest.mark.parametrize("password", ["hunter2", "wrong"])
def test_send_signs_in_over_starttls(
    connect: Connect, trust: tuple[ssl.SSLContext, ssl.SSLContext], password: str
) -> None:
    """The right password delivers; a wrong one is a reason to wait for its mend, not to drop mail."""
    server, client = trust
    patience = 5 if password == "hunter2" else 1
    with real_smtp(tls_context=server, authenticator=_accept, auth_required=True) as (port, handler):
        smtp = connect(
            port, security="starttls", username="user", password=password, tls=client, timeout=patience
        )
        outcome = smtp.send(MESSAGE, FROM, TO)
        smtp.close()
    assert isinstance(outcome, Delivered if password == "hunter2" else Retry)
    assert len(handler.contents) == (1 if password == "hunter2" else 0)


def test_send_speaks_tls_from_the_start(
    connect: Connect, trust: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Implicit TLS, with the certificate checked."""
    server, client = trust
    with real_smtp(ssl_context=server) as (port, handler):
        smtp = connect(port, security="tls", tls=client, timeout=5)
        assert isinstance(smtp.send(MESSAGE, FROM, TO), Delivered)
        smtp.close()
        untrusting = connect(port, security="tls", timeout=5).send(MESSAGE, FROM, TO)
    assert isinstance(untrusting, Retry)
    assert "a certificate that is not trusted" in untrusting.reason
    assert len(handler.contents) == 1
