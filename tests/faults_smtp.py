"""The faults of SMTP servers before they take anything."""

from collections.abc import Iterator

from tests.faults import SECRET, SHORT, Fault, Outcome
from tests.integration.mail_servers import BREAK, CUT, DRIP, FLOOD, HANG

SIGNING = "250-hello\r\n250 AUTH PLAIN LOGIN"
USER = {"username": "tminus", "password": SECRET}

_REACH = "SERVER {} before taking anything"
_CUT, _HANG = "hung up", "did not answer in time"


def mail_fault(
    name: str, outcome: Outcome, reason: str, script: dict[str, str] | None = None, **more: object
) -> Fault:
    section = str(more.pop("section", "Email: connections"))
    does = {"script": script or {}} | dict(more.pop("does", {}))  # type: ignore[call-overload]
    return Fault(section, name, outcome, reason, does=does, kinds=("smtp",), **more)  # type: ignore[arg-type]


def _connections() -> Iterator[Fault]:
    yield mail_fault(
        "refuses the connection", "blocked", "SERVER refused the connection", does={"place": "closed"}
    )
    yield mail_fault(
        "has a name that nobody knows", "blocked", "SERVER: there is no such host", does={"place": "nowhere"}
    )
    yield mail_fault(
        "takes no connection and refuses none",
        "blocked",
        _REACH.format(_HANG),
        does={"place": "full"},
        patience=SHORT,
    )
    for step, said in (("GREETING", "a greeting"), ("EHLO", "an answer to EHLO")):
        yield mail_fault(f"hangs up in place of {said}", "blocked", _REACH.format(_CUT), {step: CUT})
        yield mail_fault(
            f"hangs up in the middle of {said}", "blocked", _REACH.format(_CUT), {step: f"250-hel{BREAK}"}
        )
        yield mail_fault(
            f"is silent in place of {said}", "blocked", _REACH.format(_HANG), {step: HANG}, patience=SHORT
        )
        yield mail_fault(
            f"gives {said} a line at a time without end",
            "blocked",
            _REACH.format(_HANG),
            {step: DRIP},
            patience=SHORT,
        )
        yield mail_fault(
            f"gives {said} without end",
            "blocked",
            "SERVER answered with what is no reply of SMTP; see the connector's port and security",
            {step: FLOOD},
        )
    yield mail_fault(
        "greets with 421", "blocked", "SERVER is not ready: 421 too busy", {"GREETING": "421 too busy"}
    )
    yield mail_fault(
        "greets with 554",
        "blocked",
        "SERVER is not ready: 554 no service here",
        {"GREETING": "554 no service here"},
    )
    yield mail_fault(
        "greets as a web server",
        "blocked",
        "SERVER answered with what is no reply of SMTP; see the connector's port and security",
        {"GREETING": "HTTP/1.1 400 Bad Request"},
    )
    yield mail_fault(
        "answers EHLO with 421",
        "blocked",
        "SERVER is not ready: 421 closing",
        {"EHLO": "421 closing", "HELO": "421 closing"},
    )
    yield mail_fault("knows HELO alone", "sent", "250 queued as 42", {"EHLO": "500 what?"}, seen=1)


def _security() -> Iterator[Fault]:
    section = "Email: TLS and signing in"
    starttls = {"security": "starttls"}
    offers = {"EHLO": "250-hello\r\n250 STARTTLS"}
    hint = " here; see the connector's port and security"
    for way, settings, does in (
        ("STARTTLS", starttls, {}),
        ("TLS from the start", {"security": "tls"}, {"is_secured": True}),
    ):
        shown = "SERVER shows a certificate that is not trusted: "
        for name, tls, words in (
            ("that it signed itself", "self-signed", "self-signed certificate"),
            ("that has expired", "expired", "certificate has expired"),
            (
                "of another host",
                "other host",
                "IP address mismatch, certificate is not valid for 'SERVER'.",
            ),
        ):
            yield mail_fault(
                f"{way}: shows a certificate {name}",
                "blocked",
                shown + words,
                offers,
                settings=settings,
                does=does | {"tls": tls},
                section=section,
            )
        yield mail_fault(
            f"{way}: knows old versions of TLS alone",
            "blocked",
            f"SERVER speaks no version of TLS that is still safe{hint}",
            offers,
            settings=settings,
            does=does | {"tls": "old"},
            section=section,
        )
        yield mail_fault(
            f"{way}: hangs up in place of a handshake",
            "blocked",
            "SERVER hung up while TLS was agreed on",
            offers | {"HANDSHAKE": CUT},
            settings=settings,
            does=does | {"tls": "good"},
            section=section,
        )
        yield mail_fault(
            f"{way}: is silent in place of a handshake",
            "blocked",
            _REACH.format(_HANG),
            offers | {"HANDSHAKE": HANG},
            settings=settings,
            does=does | {"tls": "good"},
            patience=SHORT,
            section=section,
        )
    yield mail_fault(
        "speaks plainly where TLS is expected from the start",
        "blocked",
        f"SERVER does not speak TLS{hint}",
        settings={"security": "tls"},
        section=section,
    )
    yield mail_fault(
        "offers no STARTTLS where it is wanted",
        "blocked",
        "SERVER offers no STARTTLS, or no sign-in; see the connector's security",
        settings=starttls,
        section=section,
    )
    yield mail_fault(
        "answers STARTTLS with 454",
        "blocked",
        "SERVER is not ready: 454 not now",
        offers | {"STARTTLS": "454 not now"},
        settings=starttls,
        section=section,
    )
    yield mail_fault(
        "hangs up after STARTTLS",
        "blocked",
        _REACH.format(_CUT),
        offers | {"STARTTLS": CUT},
        settings=starttls,
        section=section,
    )
    yield mail_fault(
        "is silent after STARTTLS",
        "blocked",
        _REACH.format(_HANG),
        offers | {"STARTTLS": HANG},
        settings=starttls,
        patience=SHORT,
        section=section,
    )
    signs = {"EHLO": SIGNING}
    for reply in ("421 closing", "454 not now", "534 too weak", f"535 5.7.8 {SECRET} is wrong"):
        yield mail_fault(
            f"answers the sign-in with {reply[:3]}",
            "blocked",
            f"SERVER refused the sign-in with {reply.replace(SECRET, '***')}",
            signs | {"AUTH": reply},
            settings=USER,
            section=section,
        )
    yield mail_fault(
        "hangs up after AUTH",
        "blocked",
        _REACH.format(_CUT),
        signs | {"AUTH": CUT},
        settings=USER,
        section=section,
    )
    yield mail_fault(
        "is silent after AUTH",
        "blocked",
        _REACH.format(_HANG),
        signs | {"AUTH": HANG},
        settings=USER,
        patience=SHORT,
        section=section,
    )
    yield mail_fault(
        "offers no sign-in",
        "blocked",
        "SERVER offers no STARTTLS, or no sign-in; see the connector's security",
        settings=USER,
        section=section,
    )
    yield mail_fault(
        "offers no way to sign in that we know",
        "blocked",
        "SERVER offers no way to sign in that we know",
        {"EHLO": "250-hello\r\n250 AUTH GSSAPI"},
        settings=USER,
        section=section,
    )
    yield mail_fault(
        "asks for the sign-in with nonsense",
        "blocked",
        "SERVER: the user name and password cannot be sent the way it asks for",
        {"EHLO": "250-hello\r\n250 AUTH CRAM-MD5", "AUTH": "334 a"},
        settings=USER,
        section=section,
    )


REACHING_FAULTS = (*_connections(), *_security())
