"""What comes back is read by its form, and nothing that anybody sends can do harm."""

import random
import time

import pytest

from connectors.inbox import LONGEST_READ
from engine.returns.notice import LONGEST_REASON, Ignored, Notice, read_notice
from tests.returned_mail import bounce, complaint, lines, reply

MINE = "<0123456789abcdef@acme.example>"
PLAIN = MINE.strip("<>")
ANN = "ann@x.example"


def only(content: bytes) -> Notice:
    """The one notice of a message."""
    found = read_notice(content)
    assert isinstance(found, tuple)
    (notice,) = found
    return notice


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (bounce(MINE, ANN), "bounced"),
        (bounce(MINE, ANN, status="4.2.2", diagnostic="smtp; 452 mailbox full"), "soft_bounced"),
        (bounce(MINE, ANN, status="", diagnostic="smtp; 552 5.2.2 over quota"), "bounced"),
        (bounce(MINE, ANN, status="", diagnostic="smtp; 452 4.2.2 over quota"), "soft_bounced"),
        (bounce(MINE, ANN, status="nonsense", diagnostic="?"), "bounced"),
        (bounce(MINE, ANN, original="text/rfc822-headers"), "bounced"),
        (bounce(MINE, ANN, action="delivered", status="2.0.0"), "delivered"),
        (complaint(MINE, ANN), "complained"),
        (complaint(MINE, ANN, kind="fraud"), "complained"),
        (reply(MINE, ANN), "replied"),
        (reply(f"<other@x.example> {MINE}", ANN, header="References"), "replied"),
        (reply(MINE, ANN, extra="Auto-Submitted: no"), "replied"),
    ],
)
def test_read_notice_tells_what_a_message_is(content: bytes, kind: str) -> None:
    """With whom it is about and which message."""
    found = only(content)
    assert (found.kind, found.addresses) == (kind, (ANN,))
    assert PLAIN in found.message_ids
    assert found.reason


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bounce(MINE, ANN, action="delayed", status="4.4.1"), "no failure"),
        (bounce(MINE, ANN, action="relayed", status="2.0.0"), "no failure"),
        (complaint(MINE, ANN, kind="not-spam"), "no spam"),
        (reply(MINE, ANN, extra="Auto-Submitted: auto-replied (vacation)"), "Auto-Submitted"),
        (reply(MINE, ANN, extra="X-Autoreply: yes"), "X-Autoreply"),
        (reply(MINE, ANN, extra="X-Autorespond: away"), "X-Autorespond"),
        (reply(MINE, ANN, extra="Precedence: bulk"), "Precedence"),
        (reply(MINE, ANN, extra="Return-Path: <>"), "no return path"),
        (reply(MINE, "MAILER-DAEMON@x.example"), "no delivery status"),
        (reply("", ANN), "answers nothing"),
        (reply(MINE, "nobody"), "answers nothing"),
        (b"", "answers nothing"),
        (b"\x00\xff\xfe" * 100, "answers nothing"),
    ],
)
def test_read_notice_ignores_what_no_person_and_no_failure_sent(content: bytes, why: str) -> None:
    """Absence notices above all: they answer, and are no answer."""
    found = read_notice(content)
    assert isinstance(found, Ignored)
    assert why in found.reason


def test_read_notice_tells_of_each_recipient() -> None:
    """A report may speak of several."""
    twice = bounce(MINE, ANN).replace(
        b"\r\n\r\n--B\r\nContent-Type: message/rfc822",
        b"\r\n\r\nFinal-Recipient: rfc822;bob@x.example\r\nAction: failed\r\nStatus: 4.0.0\r\n"
        b"\r\n--B\r\nContent-Type: message/rfc822",
    )
    found = read_notice(twice)
    assert isinstance(found, tuple)
    assert [(each.kind, each.addresses) for each in found] == [
        ("bounced", (ANN,)),
        ("soft_bounced", ("bob@x.example",)),
    ]


def test_reason_is_one_short_printable_line() -> None:
    """It is shown to people, on pages and in terminals."""
    found = only(bounce(MINE, ANN, diagnostic="smtp; 550 \x1b[31m no " + "x" * 5000))
    assert found.reason.isprintable()
    assert len(found.reason) <= LONGEST_REASON


def _nested(depth: int) -> bytes:
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (each, each)
        for each in range(depth)
    )
    return head[:LONGEST_READ]


HOSTILE = [
    _nested(20),
    _nested(8000),
    lines("Content-Type: multipart/report; boundary=B", "", *["--B"] * 50_000)[:LONGEST_READ],
    lines("Content-Type: message/rfc822", "", *["Content-Type: message/rfc822", ""] * 4000),
    b"References: " + b"<a@b> " * 40_000 + b"\r\nFrom: a@b.c\r\n\r\n",
    b"In-Reply-To: " + b"<" * 200_000 + b"\r\nFrom: a@b.c\r\n\r\n",
    b"From: " + b'"(' * 60_000 + b"\r\nIn-Reply-To: <a@b>\r\n\r\n",
    b"Subject: " + b"=?utf-8?b?" * 20_000 + b"\r\nFrom: a@b.c\r\nIn-Reply-To: <a@b>\r\n\r\n",
    b"X: y\r\n" * 40_000,
    b"Content-Type: " + b"a;" * 60_000 + b"\r\n\r\n",
    b'Content-Type: multipart/report; boundary="' + b"x" * 100_000 + b'"\r\n\r\n',
    b"Content-Type: text/plain; charset=nonsense\r\nFrom: a@b.c\r\nIn-Reply-To: <a@b>\r\n\r\n\xff",
    bounce(MINE, ANN, original="multipart/mixed"),
    bounce(MINE, ANN).replace(b"status\r\n\r\n", b"status\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_read_notice_survives_hostile_messages(content: bytes) -> None:
    """Whatever it says, it says it soon, and never raises."""
    began = time.monotonic()
    read_notice(content)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("seed", range(20))
def test_read_notice_survives_damage(seed: int) -> None:
    """Real reports with bytes exchanged, cut and doubled at random."""
    chance = random.Random(seed)
    for content in (bounce(MINE, ANN), complaint(MINE, ANN), reply(MINE, ANN)):
        for _ in range(40):
            damaged = bytearray(content)
            for _ in range(chance.randint(1, 30)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            cut = damaged[: chance.randrange(len(damaged))]
            read_notice(bytes(cut if chance.random() < 0.3 else damaged))
