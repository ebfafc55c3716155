"""The MIME message of a letter."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32, default
from email.utils import parseaddr
from typing import Any

import pytest
from fast_mail_parser import parse_email

from connectors.address import BadAddressError, is_address, parse_mailbox
from connectors.message import BadLetterError, Letter, build_message, message_id, on_the_wire

LETTER = Letter(
    id="0123456789abcdef",
    sender="Zoë at Acme <success@acme.example>",
    recipient="ann@customer.example",
    subject="Grüße, Ωmega & 東京",
    text="Hello Ann,\n.a line with a dot\nBye",
    html="<p>Héllo Ann</p>",
    sent_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    reply_to="csm@acme.example",
    unsubscribe_url="https://acme.example/unsubscribe/" + "t" * 120,
)


def parsed(letter: Letter) -> Any:
    """The letter as a mail program reads it off the wire."""
    return message_from_bytes(on_the_wire(build_message(letter)), policy=default)


@pytest.mark.parametrize(
    "subject", ["A" * 200, f"{'A' * 70} {'b' * 70}", "=?utf-8?q?Your_bank?= writes", "a  b", "Grüße " * 30]
)
def test_build_message_keeps_the_subject_whatever_it_is(subject: str) -> None:
    """Words that no line holds are not pushed off the first, and none is read as something else."""
    wire = on_the_wire(build_message(replace(LETTER, subject=subject.strip())))
    assert parse_email(wire, strict=True).subject == subject.strip()
    assert b"Subject: \r\n" not in wire


def test_build_message_reads_back_as_it_was_written() -> None:
    """Names and subjects of any script survive."""
    message = parsed(LETTER)
    assert message["Subject"] == LETTER.subject
    assert message["From"].addresses[0].display_name == "Zoë at Acme"
    assert message["To"] == "ann@customer.example"
    assert message["Reply-To"] == "csm@acme.example"
    assert message["Date"].datetime == LETTER.sent_at
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    assert message.get_body(("plain",)).get_content().splitlines() == LETTER.text.splitlines()
    assert message.get_body(("html",)).get_content().strip() == LETTER.html


@pytest.mark.parametrize("sender", ["Ann <a@x.example>", f"{'Zoë ' * 40} <a@x.example>", "a@x.example"])
@pytest.mark.parametrize("text", ["", "Hello", "Hi\r\n", "x" * 500 + "\n\n", "é=3D\t \n.\n"])
def test_on_the_wire_writes_what_the_standard_library_would(sender: str, text: str) -> None:
    """Read and written again by it, not a byte differs."""
    content = on_the_wire(build_message(replace(LETTER, sender=sender, text=text, html=text)))
    policy = compat32.clone(linesep="\r\n", max_line_length=None)
    assert message_from_bytes(content, policy=policy).as_bytes() == content


def test_build_message_offers_one_click_unsubscribing() -> None:
    """RFC 8058, with the link unbroken on one line."""
    content = on_the_wire(build_message(LETTER))
    assert f"List-Unsubscribe: <{LETTER.unsubscribe_url}>\r\n".encode() in content
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in content


def test_build_message_is_the_same_every_time() -> None:
    """A repeated email can be recognised by its Message-ID, and in every other byte."""
    assert on_the_wire(build_message(LETTER)) == on_the_wire(build_message(LETTER))
    assert build_message(LETTER).headers["Message-ID"] == "<0123456789abcdef@acme.example>"


@pytest.mark.parametrize("name", ["O'Neil, Ann", "Ann (CS)", "东" * 80, "Zoë " * 40, "a" * 300, ".", "=?x?="])
def test_build_message_keeps_every_name(name: str) -> None:
    """Quoted, encoded or folded as RFC 5322 and RFC 2047 ask; no encoded word is longer than allowed."""
    content = on_the_wire(build_message(replace(LETTER, sender=f"{name} <success@acme.example>")))
    shown = str(make_header(decode_header(message_from_bytes(content)["From"])))
    assert parseaddr(shown) == (name.strip(), "success@acme.example")
    assert all(len(word) <= 75 for word in re.findall(rb"=\?[^ ]+\?=", content))


@pytest.mark.parametrize("text", ["From here\n.\n..\nend ", "tab\t\n \n", "a\rb\r\nc", "=3D = é", "x" * 2000])
def test_build_message_keeps_every_text(text: str) -> None:
    """Whatever a template writes reads back, with line ends made alike."""
    body = parsed(replace(LETTER, text=text, html=text)).get_body(("plain",)).get_content()
    assert body.replace("\r\n", "\n").rstrip("\n") == text.replace("\r\n", "\n").replace("\r", "\n").rstrip(
        "\n"
    )


def test_build_message_stays_within_the_line_limit() -> None:
    """Long lines are wrapped, so that every server takes the message as it is."""
    content = on_the_wire(build_message(replace(LETTER, text="word " * 5000, html=f"<p>{'x' * 20_000}</p>")))
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) < 998


@pytest.mark.parametrize("letter_id", ["run:step:1:contact", "a b", "x\r\ny", "é", ""])
def test_message_id_is_well_formed_for_any_key(letter_id: str) -> None:
    """Characters a Message-ID cannot hold are digested."""
    assert message_id(letter_id, "acme.example")[1:-1].partition("@")[0].isalnum()


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Hi\r\nBcc: eve@x.example"},
        {"subject": "Hi\nthere"},
        {"subject": " "},
        {"subject": "\ud800"},
        {"unsubscribe_url": "javascript:alert(1)"},
        {"unsubscribe_url": "https://x.example/\r\nBcc: eve@x.example"},
        {"unsubscribe_url": "https://x.example/" + "t" * 2000},
        {"text": "\ud800"},
    ],
)
def test_build_message_refuses_what_would_break_it(change: dict[str, Any]) -> None:
    """No header is injected, nothing unwritable is sent."""
    with pytest.raises(BadLetterError):
        build_message(replace(LETTER, **change))


@pytest.mark.parametrize("name", ["x\r\nBcc: eve@x.example", "é>", "", "a" * 500, "a, b <c@x.example>"])
def test_build_message_names_topics_safely(name: str) -> None:
    """Whatever a topic or a step is called, it adds no header, and List-Id stays one word."""
    message = parsed(replace(LETTER, topic=name or None, feedback=(name, "acmesuccess")))
    assert message["Bcc"] is None
    assert re.fullmatch(r"<[A-Za-z0-9-]{1,63}\.acme\.example>", message["List-Id"] or "<x.acme.example>")
    assert re.fullmatch(r"[A-Za-z0-9-]{1,63}:acmesuccess", message["Feedback-ID"])


def test_build_message_to_one_person_alone_is_no_bulk() -> None:
    """Who cannot unsubscribe gets no headers of lists."""
    message = parsed(replace(LETTER, unsubscribe_url=None, topic="product"))
    assert {"Precedence", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"} & set(
        message.keys()
    ) == set()


def test_parse_mailbox_says_why_it_takes_no_letters_of_other_scripts() -> None:
    """Before the @; behind it they are written in ASCII."""
    with pytest.raises(BadAddressError, match="few servers take"):
        parse_mailbox("jörg@bücher.example")


@pytest.mark.parametrize("field", ["sender", "recipient", "reply_to"])
@pytest.mark.parametrize(
    "address",
    [
        " ",
        "ann",
        "ann@",
        "@x.example",
        "ann@localhost",
        "ann@x..example",
        "ann@-x.example",
        "a b@x.example",
        "ann@x.example, eve@x.example",
        "ann@x.example\r\nBcc: eve@x.example",
        "Ann\n <ann@x.example>",
        "jörg@x.example",
        "ann@1.2.3.4",
        f"{'a' * 65}@x.example",
        f"ann@{'x' * 250}.example",
    ],
)
def test_build_message_refuses_bad_addresses(field: str, address: str) -> None:
    """Whatever field they stand in."""
    with pytest.raises(BadAddressError):
        build_message(replace(LETTER, **{field: address}))


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("ann@x.example", "", "ann@x.example"),
        ('"Ann, Dr." <ann+tag@x.example>', "Ann, Dr.", "ann+tag@x.example"),
        ("Ann <ann@bücher.example>", "Ann", "ann@xn--bcher-kva.example"),
        ("O'Brien <o'brien@x.co.uk>", "O'Brien", "o'brien@x.co.uk"),
    ],
)
def test_parse_mailbox_reads_names_and_domains(text: str, name: str, address: str) -> None:
    """International domains are written in ASCII."""
    mailbox = parse_mailbox(text)
    assert (mailbox.name, mailbox.address) == (name, address)


def test_is_address_wants_no_name() -> None:
    """A bare address only."""
    assert is_address("ann@x.example")
    assert not is_address("Ann <ann@x.example>")
    assert not is_address("<ann@x.example>")
