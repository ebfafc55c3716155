"""The faults of a mailbox that is read over IMAP. `seen` is how many of two messages were taken before."""

from collections.abc import Iterator
from typing import Any

from tests.faults import SECRET, SHORT, Fault
from tests.integration.mail_servers import BREAK, CUT, DRIP, FLOOD, HANG

SECTION = "Mailbox of answers"
_CUT, _HANG, _LATE = (
    "SERVER hung up",
    "SERVER did not answer in time",
    "SERVER did not come to an end in time",
)
_STEPS = (
    ("GREETING", "a greeting", 0),
    ("LOGIN", "an answer to LOGIN", 0),
    ("EXAMINE", "an answer to EXAMINE", 0),
    ("STATUS", "an answer to STATUS", 0),
    ("UID SEARCH", "an answer to UID SEARCH", 0),
    ("UID FETCH 2", "its second message", 1),
)


def _fault(name: str, reason: str, script: dict[str, str] | None = None, **more: Any) -> Fault:
    does = {"script": script or {}} | more.pop("does", {})
    return Fault(SECTION, name, "again", reason, does=does, kinds=("inbox",), **more)


def _connections() -> Iterator[Fault]:
    yield _fault("refuses the connection", "SERVER refused the connection", does={"place": "closed"})
    yield _fault("has a name that nobody knows", "SERVER: there is no such host", does={"place": "nowhere"})
    yield _fault("takes no connection and refuses none", _HANG, does={"place": "full"}, patience=SHORT)
    shown = "SERVER shows a certificate that is not trusted: "
    for kind, words in (
        ("self-signed", "self-signed certificate"),
        ("expired", "certificate has expired"),
        ("other host", "IP address mismatch, certificate is not valid for 'SERVER'."),
    ):
        yield _fault(
            f"shows a certificate that is not good: {kind}",
            shown + words,
            settings={"security": "tls"},
            does={"tls": kind, "is_secured": True},
        )
    hint = " here; see email.inbox.port and security"
    yield _fault(
        "knows old versions of TLS alone",
        f"SERVER speaks no version of TLS that is still safe{hint}",
        settings={"security": "tls"},
        does={"tls": "old", "is_secured": True},
    )
    yield _fault(
        "speaks plainly where TLS is expected",
        f"SERVER does not speak TLS{hint}",
        settings={"security": "tls"},
    )


def _breaks() -> Iterator[Fault]:
    for step, words, taken in _STEPS:
        yield _fault(f"hangs up in place of {words}", _CUT, {step: CUT}, seen=taken)
        yield _fault(f"is silent in place of {words}", _HANG, {step: HANG}, seen=taken, patience=SHORT)
    half = f"* 2 FETCH (UID 2 BODY[]<0> {{900}}\r\nhalf{BREAK}"
    yield _fault("hangs up within its second message", _CUT, {"UID FETCH 2": half}, seen=1)
    yield _fault("never comes to the end of an answer", _LATE, {"UID SEARCH": DRIP}, patience=0.1)
    yield _fault("answers without end", _LATE, {"UID SEARCH": FLOOD}, patience=0.1)
    large = "* 2 FETCH (UID 2 BODY[]<0> {99999999999}\r\nx"
    yield _fault(
        "sends a message of 100 GB",
        "SERVER sent more than was asked for",
        {"UID FETCH 2": large},
        seen=1,
    )


def _answers() -> Iterator[Fault]:
    for name, reason, script, taken in (
        (
            "refuses the sign-in",
            "SERVER answered NO: no such user ***",
            {"LOGIN": f"TAG NO no such user {SECRET}"},
            0,
        ),
        ("is not there for us", "SERVER * BYE too many", {"GREETING": "* BYE too many"}, 0),
        (
            "greets as another server",
            "SERVER answered with what is no IMAP",
            {"GREETING": "220 mail.example"},
            0,
        ),
        ("has no such folder", "SERVER answered NO: no such folder", {"EXAMINE": "TAG NO no such folder"}, 0),
        ("refuses to search", "SERVER answered NO: not now", {"UID SEARCH": "TAG NO not now"}, 0),
        (
            "does not say by what it counts its messages",
            "SERVER answered with what is no IMAP",
            {"STATUS": "* STATUS INBOX ()\r\nTAG OK done"},
            0,
        ),
        (
            "counts its messages by a word",
            "SERVER answered with what is no IMAP",
            {"STATUS": "* STATUS INBOX (UIDVALIDITY seven)\r\nTAG OK done"},
            0,
        ),
        (
            "cannot hand out its second message just now",
            "SERVER answered NO: [UNAVAILABLE] not now",
            {"UID FETCH 2": "TAG NO [UNAVAILABLE] not now"},
            1,
        ),
    ):
        yield _fault(name, reason, script, seen=taken)


IMAP_FAULTS = (*_connections(), *_breaks(), *_answers())
