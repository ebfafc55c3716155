"""Every shipped email as it arrives, read by a parser and a verifier that are not ours."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fast_mail_parser import PyMail, parse_email, parse_email_tree

from engine.outbox.correspondence import dkim_signer
from engine.state.database import open_database
from tests.dkim_check import verify
from tests.shipped_emails import HOSTILE, READERS, Sent, send_shipped, shipped_settings

ONCE = (
    *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted"),
    *("Precedence", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "DKIM-Signature"),
)
FIRST = ["dkim-signature", "message-id", "date", "from", "to", "subject"]
LEFT_OVER = re.compile(r"\{\{|\}\}|\{%|%\}|\bNone\b|\bundefined\b|Decimal\(|datetime\.|\[object")


@pytest.fixture(scope="module")
def sent(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Sent]]:
    """All of them, over one server."""
    file = tmp_path_factory.mktemp("shipped") / "tminus.db"
    shutil.copyfile(sqlite_template, file)
    database = open_database(f"sqlite:///{file}")
    yield send_shipped(database)
    database.dispose()


def of(sent: list[Sent], reader: str) -> Iterator[tuple[Sent, PyMail]]:
    """The emails to one reader, parsed strictly: a repair is a failure."""
    for each in sent:
        if each.reader == reader:
            yield each, parse_email(each.content, strict=True)


@pytest.mark.parametrize("reader", READERS)
def test_shipped_email_arrives_as_it_was_written(sent: list[Sent], reader: str) -> None:
    """Two parts of the same words, the plain one first; nothing is lost, repaired or added."""
    for each, mail in of(sent, reader):
        tree = parse_email_tree(each.content)
        assert tree.content_type == "multipart/alternative"
        assert [part.content_type for part in tree.children] == ["text/plain", "text/html"]
        assert mail.warnings == []
        assert mail.attachments == []
        assert mail.subject == each.written.subject
        assert [_lines(text) for text in mail.text_plain] == [_lines(each.written.text)]
        assert [_lines(html) for html in mail.text_html] == [_lines(each.written.html)]


@pytest.mark.parametrize("reader", READERS)
def test_shipped_email_has_the_headers_of_a_polite_sender(sent: list[Sent], reader: str) -> None:
    """Each once, in order, in ASCII lines that every server takes; no name has become a header."""
    for each, mail in of(sent, reader):
        headers = {name.lower(): values for name, values in mail.headers.items()}
        assert {name: len(headers[name.lower()]) for name in ONCE} == dict.fromkeys(ONCE, 1)
        assert list(headers)[: len(FIRST)] == FIRST
        assert "bcc" not in headers
        assert headers["auto-submitted"] == ["auto-generated"]
        assert headers["precedence"] == ["bulk"]
        assert headers["list-unsubscribe-post"] == ["List-Unsubscribe=One-Click"]
        (link,) = headers["list-unsubscribe"]
        assert re.fullmatch(r"<https://tminus\.acme\.example/unsubscribe/\S+>", link)
        assert link[1:-1] in each.written.html
        assert link[1:-1] in each.written.text
        assert each.content.isascii()
        assert max(map(len, each.content.split(b"\r\n"))) <= 998
        assert b"\n" not in each.content.replace(b"\r\n", b"")


def test_shipped_email_keeps_its_message_id(sent: list[Sent]) -> None:
    """Sent again it is the same message to a mail program; two messages never share one."""
    ids = [parse_email(each.content).headers["Message-ID"] for each in sent]
    again = [parse_email(each.again).headers["Message-ID"] for each in sent]
    assert ids == again
    assert len({each for found in ids for each in found}) == len(sent)
    assert all(parse_email(each.content).date != parse_email(each.again).date for each in sent[:3])


def test_shipped_email_is_signed(sent: list[Sent]) -> None:
    """As a receiver checks it, with a library and with the letter of the RFCs."""
    signer = dkim_signer(shipped_settings(1).email)
    assert signer is not None
    ((name, record),) = signer.records()
    for each in sent:
        tags = verify(each.content, {name: record}.__getitem__)
        signed = set(tags["h"].lower().split(":"))
        assert {"from", "to", "subject", "list-unsubscribe", "list-unsubscribe-post"} <= signed


@pytest.mark.parametrize("reader", [each for each in READERS if each != "hostile"])
def test_shipped_email_says_what_it_means(sent: list[Sent], reader: str) -> None:
    """Nothing of a template is left, no gap where a value is missing, and a subject that a phone shows."""
    for _, mail in of(sent, reader):
        (text,) = mail.text_plain
        assert not LEFT_OVER.search(text + mail.subject + _words(mail.text_html[0]))
        assert not re.search(r" [,.;:!?](\s|$)|\(\)|  \S", text), text
        assert len(text) > 150
        if reader in ("bare", "rich"):
            assert 10 < len(mail.subject) <= 60


@pytest.mark.parametrize("reader", READERS)
def test_shipped_email_links_only_where_it_should(sent: list[Sent], reader: str) -> None:
    """Absolute and encrypted, nothing active, every picture with words, and the language declared."""
    for each, mail in of(sent, reader):
        page = _Page()
        page.feed(mail.text_html[0])
        assert page.links
        assert all(link.startswith(("https://", "mailto:")) for link in page.links)
        assert not page.tags & {"script", "iframe", "form", "object", "embed", "base"}
        assert not page.handlers
        assert all(page.alternatives)
        assert re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*", page.language), each


def test_shipped_email_shows_a_hostile_name_as_text(sent: list[Sent]) -> None:
    """As it was typed, on one line in the subject."""
    for each, mail in of(sent, "hostile"):
        assert "<script>" not in mail.text_html[0]
        if HOSTILE[:8] in mail.subject:
            assert "Bcc: eve@x.example" in mail.subject
        assert "\n" not in mail.subject, each


class _Page(HTMLParser):
    """What a page links to and holds."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.alternatives: list[str] = []
        self.language = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        given = dict(attrs)
        self.tags.add(tag)
        self.handlers += [name for name in given if name.startswith("on")]
        self.links += [given[name] or "" for name in ("href", "src") if name in given]
        self.alternatives += [given.get("alt") or ""] if tag == "img" else []
        self.language = given.get("lang") or self.language


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip()


def _words(html: str) -> str:
    """The visible words."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(style|title)>.*?</\1>", "", html))
