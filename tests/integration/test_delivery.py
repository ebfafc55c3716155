"""Delivery from the outbox over real SMTP: what goes out, what is held back, what is tried again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from threading import Condition
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert

from connectors.outcome import Delivered, Outcome, Retry, Unknown
from engine.admit.silences import add_silence, end_silence
from engine.outbox.by_hand import CannotRequeueError, requeue
from engine.outbox.claim import LEASE, _take, claim
from engine.outbox.correspondence import dkim_signer
from engine.outbox.deliver import Deliverer, DeliveryReport, deliver_batch
from engine.outbox.entry import Connector, Entry, close_connectors
from engine.outbox.record import Settlement, renew, settle
from engine.outbox.retry import RetryDecision
from engine.outbox.wiring import open_connectors
from engine.settings import ConfigError, Rate, Settings
from engine.state.database import writing
from engine.state.tables import Account, Contact, Outbox, Rulebook, Run, Suppression
from tests.dkim_check import PRIVATE_KEY, verify
from tests.integration.mail_servers import CUT, KeepingHandler, messages_by_id, real_smtp, scripted_smtp
from tests.integration.outbox_book import NOW, attempts, change, outbox, seed, settings


@contextmanager
def opened(database: Engine, chosen: Settings) -> Iterator[dict[str, Connector]]:
    """The configured connectors, closed in the end."""
    connectors = dict(open_connectors(chosen, database))
    try:
        yield connectors
    finally:
        close_connectors(connectors)


def deliver(database: Engine, port: int, now: Any = NOW, **changes: Any) -> DeliveryReport:
    """One pass with connectors of its own."""
    chosen = settings(port, **changes)
    with opened(database, chosen) as connectors:
        return deliver_batch(database, connectors, chosen, now=now, owner="test")


@dataclass
class Playing:
    """A connector that plays given outcomes, and keeps what it was asked."""

    outcomes: list[Outcome | Exception]
    asked: list[str] = field(default_factory=list)

    def deliver(self, entry: Entry, now: Any) -> Outcome:
        self.asked.append(entry.id)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Nothing is open."""


def play(
    database: Engine, *outcomes: Outcome | Exception, now: Any = NOW, **changes: Any
) -> tuple[Any, Playing]:
    """One pass over a playing connector."""
    connector = Playing(list(outcomes))
    return deliver_batch(
        database, {"email": connector}, settings(**changes), now=now, owner="test"
    ), connector


@contextmanager
def mail() -> Iterator[tuple[int, KeepingHandler]]:
    """A real SMTP server."""
    with real_smtp() as found:
        yield found


def test_deliver_batch_sends_whole_emails(database: Engine) -> None:
    """Headers, parts and the receipt; a second pass finds nothing."""
    (key,) = seed(database)
    with mail() as (port, handler):
        assert deliver(database, port) == DeliveryReport(delivered=1)
        assert deliver(database, port) == DeliveryReport()
    message = message_from_bytes(handler.contents[0], policy=default)
    assert message["Message-ID"] == f"<{key}@acme.example>"
    assert message["List-Unsubscribe"].startswith("<https://acme.example/unsubscribe/")
    assert message["Subject"] == "Hello 0"
    row = outbox(database)[key]
    assert (row.state, row.receipt, row.attempts, row.lease_owner) == (
        "completed",
        "250 queued as 1",
        1,
        None,
    )
    assert row.finished_at == NOW
    assert attempts(database) == [(key, 1, "delivered")]


def test_deliver_batch_goes_on_until_the_limit(database: Engine) -> None:
    """Longest waiting first."""
    ids = seed(database, 25)
    connector = Playing([Delivered("ok")])
    report = deliver_batch(database, {"email": connector}, settings(), now=NOW, owner="test", limit=12)
    assert report.delivered == 12
    assert connector.asked == ids[:12]


@pytest.mark.parametrize(
    ("change_it", "reason"),
    [
        (lambda db: change(db, Contact, "c0", consent="withdrawn"), "the contact has withdrawn consent"),
        (lambda db: change(db, Contact, "c0", status="departed"), "the contact has left the company"),
        (lambda db: change(db, Contact, "c0", email=None), "the contact has no email address"),
        (lambda db: _suppress(db, "c0@x.example"), "the address is suppressed"),
        (lambda db: _erase(db), "the contact no longer exists"),
        (lambda db: change(db, Run, "r1", state="ended", outcome="churned"), "the run has ended: churned"),
        (lambda db: change(db, Run, "r1", state="ended"), "the run has ended: without an outcome"),
    ],
)
def test_deliver_batch_cancels_what_may_no_longer_go(database: Engine, change_it: Any, reason: str) -> None:
    """Whatever changed between planning and sending wins, and says so."""
    (key,) = seed(database)
    change_it(database)
    report, connector = play(database, Delivered("ok"))
    assert report == DeliveryReport(cancelled=1)
    assert not connector.asked
    row = outbox(database)[key]
    assert (row.state, row.error, row.finished_at) == ("cancelled", reason, NOW)
    assert attempts(database) == []


def _suppress(database: Engine, email: str) -> None:
    with writing(database) as connection:
        connection.execute(insert(Suppression), [{"email": email, "reason": "bounced", "since": NOW}])


def _erase(database: Engine) -> None:
    with writing(database) as connection:
        connection.execute(delete(Contact))


@pytest.mark.parametrize(
    ("step", "outcome"), [("exit:recovered:0", "recovered"), ("hello", "completed"), ("exit:x:0", None)]
)
def test_deliver_batch_lets_an_ended_run_finish_its_words(
    database: Engine, step: str, outcome: str | None
) -> None:
    """What an exit itself says, and the last email of a run that came to its end."""
    seed(database, step=step)
    change(database, Run, "r1", state="ended", outcome=outcome)
    assert play(database, Delivered("ok"))[0].delivered == 1


def test_deliver_batch_leaves_paused_playbooks_waiting(database: Engine) -> None:
    """Pausing cancels nothing; lifting the pause sends."""
    (key,) = seed(database)
    change(database, Rulebook, "p", paused=True)
    assert play(database, Delivered("ok"))[0] == DeliveryReport()
    assert outbox(database)[key].state == "available"
    change(database, Rulebook, "p", paused=False)
    assert play(database, Delivered("ok"))[0].delivered == 1


def test_deliver_batch_leaves_silenced_accounts_waiting(database: Engine) -> None:
    """What was ready when a silence began leaves when it is over; other playbooks' silences do not matter."""
    (key,) = seed(database)
    known = {"at": NOW, "until": NOW + timedelta(hours=2), "by": "max", "why": "merger"}
    add_silence(database, "a1", playbook="other", **known)
    silence = add_silence(database, "a1", playbook="p", **known)
    assert play(database, Delivered("ok"))[0] == DeliveryReport()
    assert outbox(database)[key].state == "available"
    end_silence(database, silence.id, by="max", at=NOW + timedelta(hours=1))
    assert play(database, Delivered("ok"), now=NOW + timedelta(hours=1))[0].delivered == 1


def test_deliver_batch_waits_for_working_hours(database: Engine) -> None:
    """An email found ready in the customer's night leaves in the customer's morning; chat does not wait."""
    ids = seed(database, 2)
    change(database, Account, "a1", timezone="America/Los_Angeles")
    change(database, Outbox, ids[1], contact_id=None)
    report, connector = play(database, Delivered("ok"))
    assert (report.delivered, connector.asked) == (1, [ids[1]])
    waiting = outbox(database)[ids[0]]
    assert (waiting.state, waiting.available_at) == ("scheduled", NOW.replace(hour=16))
    assert play(database, Delivered("ok"), now=NOW.replace(hour=16))[0].delivered == 1


def test_deliver_batch_retries_until_it_gives_up(database: Engine) -> None:
    """Three tries with growing waits, then a dead letter with its reason; requeued, it goes again."""
    (key,) = seed(database)
    now = NOW
    for number in range(1, 4):
        report, _ = play(database, Retry("451 later"), now=now, email={"max_attempts": 3})
        row = outbox(database)[key]
        assert report == (DeliveryReport(retried=1) if number < 3 else DeliveryReport(failed=1))
        now = row.available_at
    assert (row.state, row.error) == ("discarded", "given up after 3 tries: 451 later")
    requeue(database, key, now, by="dana")
    assert play(database, Delivered("ok"), now=now)[0].delivered == 1
    assert [each[1:] for each in attempts(database)] == [
        (1, "retry"),
        (2, "retry"),
        (3, "retry"),
        (4, "delivered"),
    ]


def test_deliver_batch_does_not_try_before_the_time(database: Engine) -> None:
    """Retry-After is kept."""
    (key,) = seed(database)
    play(database, Retry("429", timedelta(hours=1)))
    assert outbox(database)[key].available_at >= NOW + timedelta(hours=1)
    assert play(database, Delivered("ok"), now=NOW + timedelta(minutes=59))[0] == DeliveryReport()


def test_requeue_refuses_what_does_not_wait_for_a_person(database: Engine) -> None:
    """A sent email is not sent again by mistake."""
    (key,) = seed(database)
    with pytest.raises(CannotRequeueError, match="is available"):
        requeue(database, key, NOW, by="dana")
    with pytest.raises(LookupError, match='no outbox entry "x"'):
        requeue(database, "x", NOW, by="dana")


def test_deliver_batch_follows_on_unknown(database: Engine) -> None:
    """Cut after the final dot: left unknown, or tried again where that was chosen."""
    first, second = seed(database, 2)
    with scripted_smtp({"DOT": [CUT, "250 ok"]}) as server:
        report = deliver(database, server.port)
    assert report == DeliveryReport(delivered=1, unknown=1)
    assert outbox(database)[first].state == "unknown"
    assert outbox(database)[second].state == "completed"
    requeue(database, first, NOW, by="dana")
    with scripted_smtp({"DOT": CUT}) as server:
        email = {"sender": "s@acme.example", "on_unknown": "retry"}
        assert deliver(database, server.port, email=email).retried == 1
    assert outbox(database)[first].state == "retryable"


def test_deliver_batch_is_not_held_up_by_one_bad_entry(database: Engine) -> None:
    """A bad address, a surprise in a connector, a missing connector: each noted, the rest sent."""
    ids = seed(database, 6)
    change(database, Outbox, ids[0], recipient="nonsense\r\nBcc: eve@x.example")
    change(database, Outbox, ids[1], connector="pigeon")
    change(database, Outbox, ids[2], subject="a\nb")
    change(database, Outbox, ids[3], payload={})
    with mail() as (port, handler):
        report = deliver(database, port)
    rows = outbox(database)
    assert report == DeliveryReport(delivered=3, failed=3)
    assert "control characters" in rows[ids[0]].error
    assert rows[ids[1]].error.startswith('there is no connector "pigeon"; add it under connectors:')
    assert rows[ids[2]].error == "the subject must be one line of text"
    assert len(handler.contents) == 3


def test_deliver_batch_survives_a_faulty_connector(database: Engine) -> None:
    """What a surprise has sent nobody knows; the next entry goes out."""
    ids = seed(database, 2)
    report, _ = play(database, RuntimeError("secret"), Delivered("ok"))
    assert report == DeliveryReport(delivered=1, unknown=1)
    assert outbox(database)[ids[0]].error == "the connector failed unexpectedly (RuntimeError)"


def test_deliver_batch_rests_a_connector_in_an_outage(database: Engine) -> None:
    """Two blocked tries are enough to know; the others keep all their tries and other connectors go on."""
    ids = seed(database, 15)
    change(database, Outbox, ids[14], connector="other")
    blocked, other = Playing([Retry("refused", is_outage=True)]), Playing([Delivered("ok")])
    connectors: dict[str, Connector] = {"email": blocked, "other": other}
    report = deliver_batch(database, connectors, settings(), now=NOW, owner="test")
    assert report == DeliveryReport(delivered=1, retried=2)
    assert blocked.asked == ids[:2]
    rows = outbox(database)
    assert {(rows[each].state, rows[each].attempts) for each in ids[2:14]} == {("available", 0)}


def test_lease_lasts_while_its_deliverer_gives_signs_of_life(database: Engine) -> None:
    """A slow try is nobody else's; one without a sign of life for a whole lease is."""
    (key,) = seed(database)
    entry = _claimed(database)
    renew(database, [entry.lease_owner], NOW + LEASE / 2)
    assert play(database, Delivered("ok"), now=NOW + LEASE)[0] == DeliveryReport()
    assert play(database, Delivered("ok"), now=NOW + LEASE * 3 / 2)[0].unknown == 1
    assert attempts(database) == [(key, 1, "lost")]


@pytest.mark.parametrize(("on_unknown", "state"), [("stop", "unknown"), ("retry", "retryable")])
def test_lease_that_ran_out_during_the_try_is_unknown(database: Engine, on_unknown: str, state: str) -> None:
    """It may have been sent: what follows is the configured choice."""
    (key,) = seed(database)
    _claimed(database)
    report, connector = play(database, Delivered("ok"), now=NOW + LEASE * 2, email={"on_unknown": on_unknown})
    assert (report.unknown, report.retried) == ((1, 0) if state == "unknown" else (0, 1))
    assert not connector.asked
    assert outbox(database)[key].state == state
    assert attempts(database) == [(key, 1, "lost")]


def _claimed(database: Engine) -> Entry:
    known = {"hours": lambda now, *_: now, "connector": "email"}
    (entry,) = claim(database, now=NOW, owner="slow", limit=5, **known).entries
    return entry


def test_late_answer_still_counts(database: Engine) -> None:
    """A deliverer given up for lost that did deliver settles what was unknown."""
    (key,) = seed(database)
    entry = _claimed(database)
    play(database, Delivered("ok"), now=NOW + LEASE * 2)
    done = RetryDecision("completed", "delivered", receipt="250 ok")
    settle(database, [Settlement(entry.id, entry.attempt_id, done, NOW + LEASE * 3)])
    assert outbox(database)[key].state == "completed"
    assert attempts(database) == [(key, 1, "delivered")]


def test_late_answer_does_not_undo_a_newer_try(database: Engine) -> None:
    """Only the attempt takes note of it."""
    (key,) = seed(database)
    entry = _claimed(database)
    later = NOW + LEASE * 2
    play(database, Unknown("x"), now=later, email={"on_unknown": "retry"})
    play(database, Delivered("second"), now=later + timedelta(minutes=2), email={"on_unknown": "retry"})
    no = RetryDecision("discarded", "failed", error="550 no")
    settle(database, [Settlement(entry.id, entry.attempt_id, no, NOW + LEASE * 3)])
    assert outbox(database)[key].receipt == "second"
    assert attempts(database) == [(key, 1, "failed"), (key, 2, "delivered")]


def test_lanes_deliver_side_by_side(database: Engine) -> None:
    """A server that takes its time holds nobody else up: four at once, and another connector beside them."""
    ids = seed(database, 9)
    change(database, Outbox, ids[8], connector="other")
    together, quick = Together(4), Playing([Delivered("ok")])
    connectors: dict[str, Connector] = {"email": together, "other": quick}
    chosen = settings(connectors={"email": _smtp(25) | {"concurrency": 4}})
    report = deliver_batch(database, connectors, chosen, now=NOW, owner="test", limit=2)
    assert report.delivered == 9
    assert together.most == 4
    assert quick.asked == [ids[8]]


@dataclass
class Together:
    """A connector whose tries wait for one another."""

    wanted: int
    most: int = 0
    _inside: int = 0
    _changed: Condition = field(default_factory=Condition)

    def deliver(self, entry: Entry, now: Any) -> Outcome:
        with self._changed:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self.wanted, timeout=10)
            self._inside -= 1
        return Delivered("ok")

    def close(self) -> None:
        """Nothing is open."""


def test_deliver_batch_keeps_the_pace(database: Engine) -> None:
    """Three a minute: the others wait, untried."""
    ids = seed(database, 5)
    connectors = {"email": _smtp(25) | {"concurrency": 1, "rate": {"max": 3, "per": "1min"}}}
    report, connector = play(database, Delivered("ok"), connectors=connectors)
    assert report == DeliveryReport(delivered=3)
    assert connector.asked == ids[:3]
    assert {outbox(database)[each].attempts for each in ids[3:]} == {0}


@pytest.mark.parametrize(("per", "seconds"), [(None, 1), ("1s", 1), ("30s", 30), ("1min", 60), ("2h", 7200)])
def test_rate_counts_within_its_stretch(per: str | None, seconds: int) -> None:
    """As its settings write it, and a second where they say nothing."""
    assert Rate(max=3, **({"per": per} if per else {})).stretch.total_seconds() == seconds


@pytest.mark.parametrize("per", ["0s", "s", "1bd", "0min", "soon", "-1s"])
def test_rate_refuses_what_is_no_stretch(per: str) -> None:
    """At the start of the service."""
    with pytest.raises(ValueError, match="per"):
        Rate(max=3, per=per)


def test_stopping_hands_back_what_has_not_been_tried(database: Engine) -> None:
    """As if it had never been claimed; the try under way is finished and noted."""
    ids = seed(database, 5)
    stopping = Stopping()
    deliverer = Deliverer(database, {"email": stopping}, settings(), lambda: NOW, "test")
    stopping.deliverer = deliverer
    assert deliverer.lanes["email 1"].run(100).total() == 1
    rows = outbox(database)
    assert [(rows[each].state, rows[each].attempts, rows[each].lease_owner) for each in ids] == [
        ("completed", 1, None),
        *[("available", 0, None)] * 4,
    ]
    assert len(attempts(database)) == 1


@dataclass
class Stopping:
    """A connector during whose first try the service is asked to stop."""

    deliverer: Deliverer | None = None

    def deliver(self, entry: Entry, now: Any) -> Outcome:
        assert self.deliverer is not None
        self.deliverer.end()
        return Delivered("ok")

    def close(self) -> None:
        """Nothing is open."""


def test_claim_finds_what_is_ready_by_its_index(database: Engine) -> None:
    """What has been sent, and what waits for another connector, costs a claim nothing."""
    statement = _take("email", ())
    values = {"now": NOW, "until": NOW, "owner": "x", "most": 10}
    compiled = statement.compile(database, compile_kwargs={"render_postcompile": True})
    plain = compiled.construct_params(values)
    explain = "EXPLAIN QUERY PLAN " if database.dialect.name == "sqlite" else "EXPLAIN "
    with writing(database) as connection:
        if database.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        given: Any = tuple(plain[each] for each in compiled.positiontup) if compiled.positional else plain
        converted = _driver_values(given)
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + str(compiled), converted))
    assert "ix_outbox_ready" in plan
    assert "TEMP B-TREE" not in plan, "the order comes from the index"


def _driver_values(given: Any) -> Any:
    """Instants as SQLite's driver wants them, for a plan does not look at values."""
    if isinstance(given, tuple):
        return tuple("2026" if isinstance(each, datetime) else each for each in given)
    return given


def test_two_deliverers_send_everything_once(database: Engine) -> None:
    """At the same time, over one database and one server."""
    ids = seed(database, 60)
    with mail() as (port, handler):
        chosen = settings(port, connectors={"email": _smtp(port)})

        def work(owner: str) -> int:
            with opened(database, chosen) as connectors:
                return deliver_batch(database, connectors, chosen, now=NOW, owner=owner).delivered

        with ThreadPoolExecutor(3) as pool:
            counts = list(pool.map(work, ["one", "two", "three"]))
    assert sum(counts) == 60
    assert messages_by_id(handler.contents) == {f"<{each}@acme.example>": 1 for each in ids}


DKIM = {"domain": "acme.example", "selector": "tminus1", "key": PRIVATE_KEY}


def test_deliver_batch_signs_what_goes_over_the_wire(database: Engine) -> None:
    """The signature holds at the other end, where dots and line ends have been through SMTP."""
    seed(database, payload={"html": "<p>Hello</p>", "text": ".a dot\n..\nFrom here \n\n", "reply_to": CSM})
    email = {"sender": "Acme <success@mail.acme.example>", "dkim": DKIM, "reply_to": "csm"}
    with mail() as (port, handler):
        assert deliver(database, port, email=email) == DeliveryReport(delivered=1)
    signer = dkim_signer(settings(email=email).email)
    assert signer is not None
    assert verify(handler.contents[0], dict(signer.records()).__getitem__)["d"] == "acme.example"
    assert message_from_bytes(handler.contents[0], policy=default)["Reply-To"] == CSM


CSM = "dana@acme.example"


def test_deliver_batch_sends_from_whom_the_topic_says(database: Engine) -> None:
    """The envelope and the header; answers go to the sender where the CSM has no address."""
    (key,) = seed(database, topic="product")
    email = {
        "sender": "Acme <success@acme.example>",
        "senders": {"product": "News <news@acme.example>"},
        "reply_to": "csm",
        "feedback_id": "acmesuccess",
    }
    with mail() as (port, handler):
        assert deliver(database, port, email=email) == DeliveryReport(delivered=1)
    message = message_from_bytes(handler.contents[0], policy=default)
    assert message["From"] == "News <news@acme.example>"
    assert message["Message-ID"] == f"<{key}@acme.example>"
    assert message["List-Id"] == "<product.acme.example>"
    assert message["Precedence"] == "bulk"
    assert message["Feedback-ID"].split(":")[1:] == ["product", "email", "acmesuccess"]
    assert message["Reply-To"] is None


def _smtp(port: int) -> dict[str, Any]:
    return {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none", "timeout_seconds": 20}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"connectors": {"email": {"kind": "slack", "url": "x"}}},
            "connectors.email: the url of the",
        ),
        (
            {
                "connectors": {
                    "email": _smtp(25) | {"host": "mx.acme.example", "username": "u", "password": "p"}
                }
            },
            "connectors.email: the password for mx.acme.example would be sent in the clear",
        ),
        (
            {"connectors": {"email": _smtp(25) | {"timeout_seconds": 600}}},
            "connectors.email: timeout_seconds must be above 0 and at most 90",
        ),
        (
            {"email": {"senders": {"product": "eve@x.example\r\nBcc: x@x.example"}}},
            "email.senders.product: an",
        ),
        ({"email": {"reply_to": "CSM"}}, 'email.reply_to: "CSM" is no email address'),
        (
            {"email": {"sender": "Acme <a@acme.example>", "dkim": DKIM | {"key": "missing.pem"}}},
            "email.dkim.key: is neither a private key in PEM form nor the path of a file with one",
        ),
        (
            {"email": {"sender": "a@acme.example", "dkim": DKIM | {"key": PRIVATE_KEY[:300]}}},
            "email.dkim.key: it cannot be read as a private key",
        ),
        (
            {"email": {"sender": "a@other.example", "dkim": DKIM}},
            "email.dkim.domain: acme.example is not the domain of email.sender (other.example)",
        ),
        ({"email": {"sender": "nobody"}}, 'email.sender: "nobody" is no email address'),
    ],
)
def test_open_connectors_refuses_a_bad_configuration(
    sqlite_database: Engine, changes: dict[str, Any], message: str
) -> None:
    """Found at the start, with the setting's name."""
    with pytest.raises(ConfigError) as caught:
        open_connectors(settings(**changes), sqlite_database)
    assert message in str(caught.value)
