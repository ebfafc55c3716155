"""Every fault of docs/faults.md, from the outbox to a real server and back, and how the trouble ends."""

import importlib.util
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlmodel import SQLModel

import connectors.exchange
from connectors.inbox import Inbox, InboxError
from engine.outbox.circuit import LONGEST_REST
from engine.outbox.deliver import Deliverer
from engine.outbox.entry import Connector, close_connectors
from engine.outbox.lane import Lane
from engine.outbox.wiring import open_connectors
from engine.returns.reading import read_inbox
from engine.state.database import open_database, reading, writing
from engine.state.tables import Attempt, Outbox
from tests.faults import PATIENCE, SECRET, Fault
from tests.faults_http import HTTP_FAULTS
from tests.faults_imap import IMAP_FAULTS
from tests.faults_smtp_talk import SMTP_FAULTS
from tests.integration.certificates import Authority
from tests.integration.http_servers import Webhook, reply, webhook
from tests.integration.imap_server import scripted_imap
from tests.integration.mail_servers import ScriptedServer, free_port, scripted_smtp
from tests.integration.outbox_book import NOW, change, outbox, seed, settings
from tests.integration.test_mail_returns import SOFT, events, sent, suppressed
from tests.returned_mail import bounce

ROOT = Path(__file__).parents[2]

_DOCUMENT = '{"ok": true, "ts": "1.2", "channel": "C1"}'
_NOWHERE = "nowhere.invalid"
_WHO = {
    "webhook": "the webhook",
    "slack": "the webhook",
    "teams": "the Teams webhook",
    "slack_api": "Slack",
}
STATES = {
    "sent": "completed",
    "again": "retryable",
    "blocked": "retryable",
    "given up": "discarded",
    "unknown": "unknown",
}


@dataclass
class Stage:
    """One server, troubled until it is mended, and where it is."""

    fault: Fault
    kind: str
    authority: Authority
    stack: ExitStack
    monkeypatch: pytest.MonkeyPatch
    port: int = field(default_factory=lambda: free_port())
    server: Any = None

    def __post_init__(self) -> None:
        self.place: str = self.fault.does.get("place", "there")
        self.stack.callback(self.leave)
        self.leaving = self.stack.enter_context(ExitStack())
        if self.place == "full":
            self.leaving.enter_context(full_listener(self.port))
        elif self.place == "there":
            self.come(**self._troubles())

    @property
    def host(self) -> str:
        return _NOWHERE if self.place == "nowhere" else "127.0.0.1"

    def leave(self) -> None:
        self.leaving.close()

    def tls(self) -> Any:
        kind = self.fault.does.get("tls")
        return None if kind in (None, "none") else self.authority.server(kind)

    def mend(self) -> None:
        """From now on the server does what it should."""
        if self.place == "nowhere":
            self.monkeypatch.setattr(socket, "getaddrinfo", _found_here(socket.getaddrinfo))
        if self.server is None:
            self.leave()
            self.come()
            return
        self._mend()

    def come(self, **troubles: Any) -> None:
        raise NotImplementedError

    def _troubles(self) -> dict[str, Any]:
        raise NotImplementedError

    def _mend(self) -> None:
        raise NotImplementedError

    def got(self, key: str) -> int:
        """How often the server got the whole of a message."""
        raise NotImplementedError

    def connector(self) -> dict[str, Any]:
        """Its settings."""
        raise NotImplementedError


class MailStage(Stage):
    """An SMTP server."""

    server: ScriptedServer

    def come(self, **troubles: Any) -> None:
        self.server = self.leaving.enter_context(scripted_smtp(port=self.port, **troubles))

    def _troubles(self) -> dict[str, Any]:
        known = {each: value for each, value in self.fault.does.items() if each not in ("tls", "place")}
        return known | {"tls": self.tls()}

    def _mend(self) -> None:
        secured = self.fault.settings.get("security") in ("tls", "starttls")
        self.server.tls = self.authority.server("good") if secured else None
        self.server.is_secured = self.fault.settings.get("security") == "tls"
        self.server.longest = None
        offers = ["250-hello", *(["250-STARTTLS"] if secured else []), "250 AUTH PLAIN"]
        self.server.script = {"EHLO": "\r\n".join(offers), "AUTH": "235 welcome"}

    def got(self, key: str) -> int:
        if self.server is None:
            return 0
        return sum(f"Message-ID: <{key}@".encode() in each for each in self.server.messages)

    def connector(self) -> dict[str, Any]:
        return {"kind": "smtp", "host": self.host, "port": self.port, "security": "none"}


class WebStage(Stage):
    """A web server."""

    server: Webhook

    def come(self, **troubles: Any) -> None:
        self.server = self.leaving.enter_context(
            webhook(troubles.pop("answer", _good()), port=self.port, **troubles)
        )

    def _troubles(self) -> dict[str, Any]:
        known = {each: value for each, value in self.fault.does.items() if each not in ("tls", "place")}
        return known | {"tls": self.tls()}

    def _mend(self) -> None:
        self.server.answer, self.server.hangs, self.server.drips = _good(), False, False
        self.server.after = "request"
        self.server.tls = self.authority.server("good") if self.fault.does.get("tls") else None

    def got(self, key: str) -> int:
        return 0 if self.server is None else sum(key.encode() in each for each in self.server.requests)

    def connector(self) -> dict[str, Any]:
        scheme = "https" if "tls" in self.fault.does else "http"
        place = f"{scheme}://{self.host}:{self.port}"
        if self.kind == "slack_api":
            given: dict[str, Any] = {"token": f"xoxb-{SECRET}", "url": f"{place}/api"}
        else:
            given = {"url": f"{place}/services/T000/B000/{SECRET}"}
        return {"kind": self.kind, "allow_private": True} | given


class InboxStage(MailStage):
    """A mailbox with two bounces."""

    def __init__(self, *given: Any, messages: list[bytes]) -> None:
        self.messages = messages
        super().__init__(*given)

    def come(self, **troubles: Any) -> None:
        script = troubles.pop("script", {})
        self.server = self.leaving.enter_context(
            scripted_imap(self.messages, script, port=self.port, **troubles)
        )

    def _mend(self) -> None:
        super()._mend()
        self.server.script = {}

    def inbox(self, patience: float) -> Inbox:
        """As the settings describe it."""
        security = self.fault.settings.get("security", "none")
        host = self.host
        inbox = Inbox("127.0.0.1", "tminus", SECRET, self.port, security, timeout=patience)
        return inbox if host == "127.0.0.1" else _elsewhere(inbox, host)


def _elsewhere(inbox: Inbox, host: str) -> Inbox:
    """Without the check that a password stays on this machine: the name leads nowhere, and then here."""
    object.__setattr__(inbox, "host", host)
    return inbox


def _good() -> bytes:
    return reply("200 OK", _DOCUMENT).replace("\n", "\r\n").encode()


@contextmanager
def full_listener(port: int) -> Iterator[None]:
    """A port that takes no more connections, and refuses none: whoever knocks hears nothing."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield


def _found_here(lookup: Callable[..., Any]) -> Callable[..., Any]:
    def found(host: Any, *rest: Any, **more: Any) -> Any:
        return lookup("127.0.0.1" if host == _NOWHERE else host, *rest, **more)

    return found


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whoever it vouches for is trusted in these tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """The server of a row."""
    fault, kind = request.param
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    connectors.exchange._system_trust.cache_clear()
    with ExitStack() as stack:
        yield (MailStage if kind == "smtp" else WebStage)(fault, kind, authority, stack, monkeypatch)
    connectors.exchange._system_trust.cache_clear()


@pytest.fixture(scope="module")
def kept_database(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One for all rows: what is known of its statements is half of what a row costs."""
    engine = open_database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('faults'))}")
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(kept_database: Engine) -> Iterator[Engine]:
    """It, empty."""
    yield kept_database
    with writing(kept_database) as connection:
        for table in reversed(SQLModel.metadata.sorted_tables):
            connection.execute(table.delete())


def _cases() -> Iterator[Any]:
    for fault in (*SMTP_FAULTS, *HTTP_FAULTS):
        for kind in fault.kinds:
            marks = [pytest.mark.soak] if fault.size else []
            yield pytest.param((fault, kind), id=f"{kind}, {fault.id}", marks=marks)


@pytest.mark.parametrize("stage", list(_cases()), indirect=True)
def test_fault_leads_to_what_the_table_says(stage: Stage, ledger: Engine) -> None:
    """The message that meets it; then the trouble ends, and what waited behind it or goes again is sent."""
    fault = stage.fault
    first, second = _outbox(ledger, stage)
    clock = _Clock()
    with ExitStack() as stack:
        connector = stack.enter_context(opened(ledger, stage, fault.patience))
        deliverer = Deliverer(ledger, {"out": connector}, settings(), clock, "test")
        lane = deliverer.lanes["out 1"]
        assert lane.run(1).total() == 1
        row = outbox(ledger)[first]
        said = (row.error or row.receipt).replace(f"{stage.host}:{stage.port}", "SERVER")
        said = said.replace(_WHO.get(stage.kind, stage.host), "SERVER").replace(stage.host, "SERVER")
        assert (row.state, said, stage.got(first)) == (STATES[fault.outcome], fault.reason, fault.seen)
        assert _is_blocked(lane) is (fault.outcome in ("blocked", "unknown"))
        if fault.asked is not None:
            wait = (row.available_at - NOW).total_seconds()
            assert fault.asked <= wait <= fault.asked * 1.1 + 5
        stage.mend()
        if fault.patience < PATIENCE:
            lane.connector = stack.enter_context(opened(ledger, stage, PATIENCE))
        clock.at = max(row.available_at, NOW + LONGEST_REST)
        again = fault.outcome in ("again", "blocked")
        assert lane.run(100).total() == 1 + again
    rows = outbox(ledger)
    assert rows[first].state == ("completed" if again else STATES[fault.outcome])
    assert rows[second].state == "completed"
    assert (stage.got(first), stage.got(second)) == (fault.seen + again, 1)
    assert SECRET not in _kept(ledger)


_TWICE = [
    pytest.param((each, each.kinds[0]), id=each.id)
    for each in (*SMTP_FAULTS, *HTTP_FAULTS)
    if each.outcome == "unknown" and each.patience == PATIENCE
]


@pytest.mark.parametrize("stage", _TWICE, indirect=True)
def test_unknown_is_sent_again_where_that_was_chosen(stage: Stage, ledger: Engine) -> None:
    """With `on_unknown: retry`: once more, and then no further."""
    first, _ = _outbox(ledger, stage)
    clock, chosen = _Clock(), settings(email={"on_unknown": "retry"})
    with opened(ledger, stage, PATIENCE) as connector:
        lane = Deliverer(ledger, {"out": connector}, chosen, clock, "test").lanes["out 1"]
        assert lane.run(1).total() == 1
        assert outbox(ledger)[first].state == "retryable"
        stage.mend()
        clock.at = NOW + LONGEST_REST
        assert lane.run(100).total() == 2
    assert {row.state for row in outbox(ledger).values()} == {"completed"}
    assert stage.got(first) == stage.fault.seen + 1


@pytest.mark.parametrize("fault", IMAP_FAULTS, ids=lambda each: each.id)
def test_fault_of_the_mailbox_leads_to_what_the_table_says(
    fault: Fault, ledger: Engine, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before it counts, and the rest is read when the trouble is over: each message once."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    ids = sent(ledger, 2)
    messages = [bounce(f"<{key}@acme.example>", f"c{number}@x.example") for number, key in enumerate(ids)]
    with ExitStack() as stack:
        stage = InboxStage(fault, "inbox", authority, stack, monkeypatch, messages=messages)
        with pytest.raises(InboxError) as found:
            read_inbox(ledger, stage.inbox(fault.patience), SOFT, NOW)
        said = str(found.value).replace(f"{stage.host}:{stage.port}", "SERVER").replace(stage.host, "SERVER")
        assert (said, len(events(ledger))) == (fault.reason, fault.seen)
        stage.mend()
        taken = read_inbox(ledger, stage.inbox(PATIENCE), SOFT, NOW)
    assert taken == Counter(bounced=2 - fault.seen)
    assert suppressed(ledger) == {f"c{each}@x.example": "bounced" for each in range(2)}
    assert len(events(ledger)) == 2


def test_document_of_faults_is_what_the_table_says() -> None:
    """Run tools/write_fault_table.py after a change."""
    path = ROOT / "tools" / "write_fault_table.py"
    spec = importlib.util.spec_from_file_location("write_fault_table", path)
    assert spec is not None
    assert spec.loader is not None
    tool: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.DOCUMENT.read_text(encoding="utf-8") == tool.document()


def _outbox(database: Engine, stage: Stage) -> list[str]:
    if stage.kind == "smtp":
        text = ("x" * 69 + "\n") * (stage.fault.size // 70)
        return seed(database, 2, connector="out", payload={"text": text or "Hello", "html": "<p>Hello</p>"})
    ids = seed(database, 2, connector="out", contact_id=None, recipient="#cs", topic=None, address=None)
    for each in ids:
        change(database, Outbox, each, payload={"text": f'"{each}"'})
    return ids


@dataclass
class _Clock:
    """A clock that is set by hand."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@contextmanager
def opened(database: Engine, stage: Stage, patience: float) -> Iterator[Connector]:
    """The connector to the server, closed in the end."""
    spec = stage.connector() | {"timeout_seconds": patience, "concurrency": 1}
    found = open_connectors(settings(connectors={"out": spec | dict(stage.fault.settings)}), database)
    yield found["out"]
    close_connectors(found)


def _is_blocked(lane: Lane) -> bool:
    circuit = lane.gate.circuit
    return circuit.blocked > 0 or circuit.rests_until is not None


def _kept(database: Engine) -> str:
    """All that is recorded of the tries."""
    with reading(database) as connection:
        rows = connection.execute(select(Outbox.error, Outbox.receipt)).all()
        answers = connection.scalars(select(Attempt.answer)).all()
    return repr((rows, answers))
