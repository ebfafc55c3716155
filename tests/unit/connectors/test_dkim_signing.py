"""Signatures of emails, checked by what the standard says and by another implementation."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from shutil import which

import dkim
import pytest

from connectors.dkim_signing import BadKeyError, DkimKey, DkimSigner, new_key, read_key
from connectors.message import Letter, build_message, on_the_wire
from tests.dkim_check import PRIVATE_KEY, NotVerifiedError, read_tags, verify

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LETTER = Letter(
    id="0123456789abcdef",
    sender="Zoë at Acme <success@acme.example>",
    recipient="ann@customer.example",
    subject="Grüße, Ωmega & 東京 " * 4,
    text="Hello Ann,\n\n  .a line with a dot\t \nBye\n\n\n",
    html="<p>Héllo   Ann</p>\n" * 50,
    sent_at=AT,
    reply_to="csm@acme.example",
    unsubscribe_url="https://acme.example/unsubscribe/" + "t" * 120,
    topic="product",
    feedback=("step", "product", "email", "acmesuccess"),
)
RSA = DkimKey("tminus1", read_key(PRIVATE_KEY))
ED25519 = DkimKey("tminus2", read_key(new_key("ed25519")))
SIGNER = DkimSigner("acme.example", (RSA,))
BOTH = DkimSigner("acme.example", (RSA, ED25519))
SHORT = DkimSigner("acme.example", (ED25519,))


def published(name: str) -> str:
    """What DNS would say."""
    return dict(BOTH.records())[name.rstrip(".")]


def signed(letter: Letter = LETTER, signer: DkimSigner = SIGNER) -> bytes:
    """The letter with its signature, as it goes over the wire."""
    return signer.sign(on_the_wire(build_message(letter)), AT)


@pytest.mark.parametrize(
    "letter",
    [
        LETTER,
        replace(LETTER, reply_to=None, unsubscribe_url=None, topic=None, feedback=()),
        replace(LETTER, text="x", html="x"),
        replace(LETTER, text="\n\n \t\n", html=" " * 3000),
        replace(LETTER, sender=f"{'Zoë ' * 40} <success@acme.example>"),
    ],
)
def test_signature_holds(letter: Letter) -> None:
    """For whatever a letter says, by two verifiers."""
    content = signed(letter)
    assert verify(content, published)["d"] == "acme.example"
    assert dkim.verify(content, dnsfunc=lambda name, timeout: published(name.decode()).encode())
    assert verify(signed(letter, SHORT), published)["a"] == "ed25519-sha256"


def test_sign_puts_a_signature_of_each_key_in_front() -> None:
    """Either holds by itself, so that a receiver may know one kind alone."""
    content = signed(signer=BOTH)
    first, second = signed(), signed(signer=SHORT)
    plain = on_the_wire(build_message(LETTER))
    assert content == first.removesuffix(plain) + second
    assert verify(content, published)["s"] == "tminus1"
    assert verify(second, published)["s"] == "tminus2"
    assert dkim.verify(content, dnsfunc=lambda name, timeout: published(name.decode()).encode())


RFC_8463 = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
"""The example of RFC 8463, appendix A.3."""


def test_check_knows_the_example_of_the_standard() -> None:
    """What the tests rely on holds for a signature that others made, and not for another message."""
    record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert verify(RFC_8463, lambda _name: record)["s"] == "brisbane"
    with pytest.raises(NotVerifiedError):
        verify(RFC_8463.replace(b"dinner", b"supper"), lambda _name: record)


def test_signature_covers_what_receivers_rely_on() -> None:
    """Every header of the list that is there, and From once more, and all of the body."""
    tags = verify(signed(), published)
    assert tags["h"].split(":") == [
        *("from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type"),
        *("list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "from"),
    ]
    assert tags["t"] == str(int(AT.timestamp()))
    assert max(map(len, signed().partition(b"\r\nMessage-ID")[0].split(b"\r\n"))) <= 120


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"From: ", b"From: eve@x.example\r\nFrom: "),
        (b"\r\nTo: ann@", b"\r\nTo: eve@"),
        (b"List-Unsubscribe: <https://acme", b"List-Unsubscribe: <https://evil"),
        (b"\r\nReply-To: csm@", b"\r\nReply-To: eve@"),
        (b"Hello Ann", b"Hello Eve"),
        (b"--\r\n", b"--\r\nmore"),
        (b"; s=tminus", b"; l=1; s=tminus"),
    ],
)
@pytest.mark.parametrize("key", [RSA, ED25519])
def test_signature_breaks_when_something_is_changed(key: DkimKey, old: bytes, new: bytes) -> None:
    """A sender that was added, another address, another word."""
    content = signed(signer=DkimSigner("acme.example", (key,)))
    assert old in content
    with pytest.raises(NotVerifiedError):
        verify(content.replace(old, new), published)


def test_signature_outlives_what_relays_do() -> None:
    """Lines folded elsewhere, blanks at their ends, and headers put on top."""
    content = signed().replace(b"Hello Ann,\r\n", b"Hello Ann, \t\r\n").replace(b"Date: ", b"date:\r\n\t ")
    head, _, rest = content.partition(b"\r\nMessage-ID")
    assert verify(head + b"\r\nReceived: by relay.example\r\nMessage-ID" + rest + b"\r\n\r\n", published)


def test_sign_is_the_same_every_time() -> None:
    """A repeated email is the same in every byte."""
    assert signed(signer=BOTH) == signed(signer=BOTH)


def test_record_has_the_public_half_as_openssl_writes_it() -> None:
    """The name under which receivers look, and the key they find."""
    if not which("openssl"):
        pytest.skip("there is no openssl here to compare with")
    ((name, text),) = SIGNER.records()
    made = subprocess.run(
        ["openssl", "rsa", "-pubout"], input=PRIVATE_KEY.encode(), capture_output=True, check=True
    )
    assert name == "tminus1._domainkey.acme.example"
    assert read_tags(text)["p"] == "".join(made.stdout.decode().splitlines()[1:-1])


@pytest.mark.parametrize("line_end", ["\r\n", "\\n"])
def test_read_key_takes_what_environments_make_of_it(line_end: str) -> None:
    """Windows line ends, and line ends written as two characters."""
    again = DkimKey("tminus1", read_key(PRIVATE_KEY.replace("\n", line_end)))
    assert again.record("acme.example") == RSA.record("acme.example")


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        ("", "no private key in PEM form"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no private key in PEM form"),
        (PRIVATE_KEY.replace("PRIVATE", "ENCRYPTED PRIVATE"), "is encrypted"),
        (PRIVATE_KEY[:400] + "\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (PRIVATE_KEY.replace("\n", "\né", 2), "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "cannot be read"),
        (PRIVATE_KEY.replace("7H06pe3pAgMBAAEC", "7H06pe3rAgMBAAEC"), "its parts do not match"),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIGgAvzPuoZ7bWrHGXt8bYLJ1UvxKJgbZpXxbrKmmpz5G\n"
            "-----END PRIVATE KEY-----",
            "is neither an RSA nor an Ed25519 key",
        ),
    ],
)
def test_read_key_refuses_what_cannot_sign(pem: str, message: str) -> None:
    """With the reason, and never the key itself."""
    with pytest.raises(BadKeyError, match=message) as caught:
        read_key(pem)
    assert "MII" not in str(caught.value)
    assert "MII" not in repr(SIGNER)


def test_read_key_refuses_a_short_key() -> None:
    """Receivers ignore fewer than 1024 bits."""
    if not which("openssl"):
        pytest.skip("there is no openssl here to make one with")
    made = subprocess.run(["openssl", "genrsa", "768"], capture_output=True, check=True)
    with pytest.raises(BadKeyError, match="fewer than 1024 bits"):
        read_key(made.stdout.decode())
