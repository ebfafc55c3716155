"""The faults of web servers: of webhooks, and of chat."""

import gzip
from collections.abc import Iterator
from typing import Any

from tests.faults import SECRET, SHORT, Fault, Outcome

HTTP_KINDS = ("webhook", "slack", "teams", "slack_api")
_ALL: dict[str, Any] = {"kinds": HTTP_KINDS}
_CUT, _HANG = "SERVER hung up", "SERVER did not answer in time"
_NO_HTTP = "SERVER answered with what is no HTTP"

BOMB = gzip.compress(bytes(10_000_000))
_HEAD = "HTTP/1.1 {} said\r\nContent-Length: {}\r\n{}\r\n"


def _fault(name: str, outcome: Outcome, reason: str, answer: str | bytes = "", **more: Any) -> Fault:
    content = answer if isinstance(answer, bytes) else answer.encode()
    section = more.pop("section", "Web: connections")
    does = {"answer": content} | more.pop("does", {})
    seen = 0 if "place" in does or does.get("after") else 1
    given = {"seen": seen, "kinds": ("webhook",)} | more
    return Fault(section, name, outcome, reason, does=does, **given)


def _whole(code: int | str, body: str = "", headers: str = "") -> str:
    return _HEAD.format(code, len(body), headers) + body


def _connections() -> Iterator[Fault]:
    yield _fault(
        "refuses the connection", "blocked", "SERVER cannot be reached", does={"place": "closed"}, **_ALL
    )
    yield _fault(
        "has a name that nobody knows", "blocked", "SERVER has no address", does={"place": "nowhere"}, **_ALL
    )
    yield _fault(
        "takes no connection and refuses none", "blocked", _HANG, does={"place": "full"}, patience=SHORT
    )
    yield _fault("hangs up before it has got anything", "unknown", _CUT, does={"after": "accepted"})
    yield _fault("hangs up when it has got the headers", "unknown", _CUT, does={"after": "head"})
    yield _fault(
        "is silent when it has got the headers",
        "unknown",
        _HANG,
        does={"after": "head", "hangs": True},
        patience=SHORT,
    )
    shown = "SERVER shows a certificate that is not trusted: "
    tls: dict[str, Any] = {"seen": 0, "section": "Web: TLS"}
    for name, key, words in (
        ("that it signed itself", "self-signed", "self-signed certificate"),
        ("that has expired", "expired", "certificate has expired"),
        ("of another host", "other host", "IP address mismatch, certificate is not valid for 'SERVER'."),
    ):
        more = _ALL if key == "self-signed" else {}
        yield _fault(
            f"shows a certificate {name}", "blocked", shown + words, does={"tls": key}, **tls, **more
        )
    yield _fault(
        "knows old versions of TLS alone",
        "blocked",
        "SERVER speaks no version of TLS that is still safe",
        does={"tls": "old"},
        **tls,
    )
    yield _fault(
        "speaks plainly where TLS is expected",
        "blocked",
        "SERVER does not speak TLS",
        "220 hello\r\n",
        does={"tls": "none", "after": "accepted"},
        **tls,
    )
    yield _fault(
        "hangs up in place of a handshake",
        "blocked",
        "SERVER hung up while TLS was agreed on",
        does={"tls": "none", "after": "accepted"},
        **tls,
    )
    yield _fault(
        "is silent in place of a handshake",
        "blocked",
        _HANG,
        does={"tls": "none", "after": "accepted", "hangs": True},
        patience=SHORT,
        **tls,
    )


def _parts() -> Iterator[Fault]:
    """Cut, silent and dripping after each part of an answer."""
    section = {"section": "Web: half an answer"}
    body = _whole(200, "x" * 50)[:-25]
    for name, answer, cut, hung in (
        ("before its answer", "", ("unknown", _CUT), ("unknown", _HANG)),
        ("within the status line", "HTTP/1.1 20", ("unknown", _CUT), ("unknown", _HANG)),
        ("after the status line", "HTTP/1.1 200 OK\r\n", ("unknown", _CUT), ("unknown", _HANG)),
        ("within the headers", "HTTP/1.1 200 OK\r\nContent-Le", ("unknown", _CUT), ("unknown", _HANG)),
        ("after the headers", _HEAD.format(200, 50, ""), ("sent", "200"), ("sent", "200")),
        ("within the body", body, ("sent", "200 " + "x" * 25), ("sent", "200 " + "x" * 25)),
    ):
        more = _ALL if not answer else {}
        yield _fault(f"hangs up {name}", *cut, answer, **section, **more)  # type: ignore[arg-type]
        yield _fault(
            f"falls silent {name}", *hung, answer, does={"hangs": True}, patience=SHORT, **section, **more
        )  # type: ignore[arg-type]
    for name, answer in (("status line", "HTTP/1.1 200 O"), ("headers", "HTTP/1.1 200 OK\r\nX-Slow: ")):
        yield _fault(
            f"sends its {name} a byte at a time without end",
            "unknown",
            _HANG,
            answer,
            does={"drips": True},
            patience=SHORT,
            **section,
        )
    yield _fault(
        "hangs up within the body of a 503",
        "blocked",
        "SERVER answered 503 bus",
        _whole(503, "busy")[:-1],
        **section,
    )
    yield _fault(
        "hangs up within the body of a 400",
        "given up",
        "SERVER answered 400 ba",
        _whole(400, "bad")[:-1],
        **section,
    )


def _nonsense() -> Iterator[Fault]:
    section = {"section": "Web: answers that make no sense"}
    chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield _fault(
        "answers without end",
        "sent",
        "200 " + "x" * 120,
        _HEAD.format(200, 9_000_000, "") + "x" * 300_000,
        **section,
    )
    yield _fault("sends more than it says", "sent", "200 ok", _whole(200, "ok") + "more", **section)
    yield _fault("sends chunks that are none", "sent", "200", chunked + "nonsense\r\n", **section)
    yield _fault("hangs up within a chunk", "sent", "200 ok", chunked + "64\r\nok", **section)
    yield _fault(
        "sends a compressed body that is a thousand times as long",
        "sent",
        "200",
        _HEAD.format(200, len(BOMB), "Content-Encoding: gzip\r\n").encode() + BOMB,
        **section,
    )
    yield _fault(
        "gives two lengths", "unknown", _NO_HTTP, _whole(200, "ok", "Content-Length: 7\r\n"), **section
    )
    yield _fault(
        "sends headers without end",
        "unknown",
        _NO_HTTP,
        "HTTP/1.1 200 OK\r\n" + "X-More: and more\r\n" * 20_000,
        **section,
    )
    yield _fault(
        "speaks another language", "unknown", _NO_HTTP, "220 mail.example ESMTP\r\n\r\n", **_ALL, **section
    )
    yield _fault("answers 000", "unknown", _NO_HTTP, _whole("000"), **section)
    yield _fault(
        "answers 101, and leaves HTTP",
        "unknown",
        _NO_HTTP,
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        **section,
    )
    yield _fault(
        "announces an answer with 103",
        "sent",
        "200 ok",
        "HTTP/1.1 103 Early\r\n\r\n" + _whole(200, "ok"),
        **section,
    )
    yield _fault(
        "repeats the address",
        "given up",
        "SERVER answered 404 no /*** here",
        _whole(404, f"no /services/T000/B000/{SECRET} here"),
        kinds=("webhook", "slack", "teams"),
        **section,
    )
    yield _fault(
        "repeats the end of the address",
        "given up",
        "SERVER answered 404 no *** here",
        _whole(404, f"no {SECRET} here"),
        kinds=("webhook", "slack", "teams"),
        **section,
    )
    yield _fault(
        "repeats the token",
        "given up",
        "SERVER answered 403 bad ***",
        _whole(403, f"bad xoxb-{SECRET}"),
        kinds=("slack_api",),
        **section,
    )


_REDIRECTS = (300, 301, 302, 303, 304, 305, 307, 308)
_NEVER = (
    400,
    401,
    402,
    403,
    404,
    405,
    406,
    410,
    411,
    412,
    413,
    414,
    415,
    417,
    418,
    422,
    423,
    424,
    426,
    428,
    431,
    451,
    499,
)
_AGAIN = (408, 409, 421, 425, 500, 501)
_BLOCKED = (
    407,
    429,
    502,
    503,
    504,
    505,
    506,
    507,
    508,
    511,
    520,
    521,
    522,
    523,
    524,
    525,
    526,
    529,
    530,
    599,
    600,
    999,
)


def _codes() -> Iterator[Fault]:
    section = {"section": "Web: statuses"}
    for code in (201, 202, 204, 226):
        yield _fault(f"answers {code}", "sent", str(code), f"HTTP/1.1 {code} said\r\n\r\n", **section)
    for code in _REDIRECTS:
        for to, place in (("a private address", "http://169.254.169.254/latest"), ("itself", "/elsewhere")):
            yield _fault(
                f"answers {code}, and sends us to {to}",
                "given up",
                f"SERVER answered {code}",
                f"HTTP/1.1 {code} said\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n",
                **section,
            )
    for codes, outcome in ((_NEVER, "given up"), (_AGAIN, "again"), (_BLOCKED, "blocked")):
        for code in codes:
            more = _ALL if code in (404, 408, 503) else {}
            yield _fault(
                f"answers {code}",
                outcome,
                f"SERVER answered {code} words",
                _whole(code, "words"),
                **section,
                **more,
            )  # type: ignore[arg-type]
    for code in (408, 429, 503):
        blocked: Outcome = "blocked" if code in _BLOCKED else "again"
        for said, words, asked in (
            ("120", "in two minutes", 120),
            ("Mon, 02 Mar 2026 09:02:00 GMT", "at a moment in two minutes", 120),
            ("0", "at once", 0),
            ("Mon, 02 Mar 2020 09:02:00 GMT", "at a moment long ago", 0),
            ("9" * 30, "in 10³⁰ seconds", 86_400),
        ):
            more = _ALL if (code, asked) == (429, 120) and said == "120" else {}
            yield _fault(
                f"answers {code}, and asks for us again {words}",
                blocked,
                f"SERVER answered {code}",
                _whole(code, "", f"Retry-After: {said}\r\n"),
                asked=asked,
                **section,
                **more,
            )
        yield _fault(
            f"answers {code}, and asks for us again at a moment that is none",
            blocked,
            f"SERVER answered {code}",
            _whole(code, "", "Retry-After: soon, -1 or ²\r\n"),
            **section,
        )


def _slack() -> Iterator[Fault]:
    section: dict[str, Any] = {"section": "Slack's Web API", "kinds": ("slack_api",)}
    for error, outcome in (
        ("channel_not_found", "given up"),
        ("is_archived", "given up"),
        ("msg_too_long", "given up"),
        ("invalid_auth", "blocked"),
        ("token_expired", "blocked"),
        ("missing_scope", "blocked"),
        ("service_unavailable", "again"),
        ("request_timeout", "again"),
        ("internal_error", "unknown"),
        ("fatal_error", "unknown"),
    ):
        yield _fault(
            f"answers 200 and `{error}`",
            outcome,
            f"SERVER answered {error}",
            _whole(200, f'{{"ok": false, "error": "{error}"}}'),
            **section,
        )  # type: ignore[arg-type]
    limited = '{"ok": false, "error": "rate_limited"}'
    yield _fault(
        "answers 200 and `rate_limited`",
        "blocked",
        "SERVER answered rate_limited",
        _whole(200, limited),
        asked=30,
        **section,
    )
    yield _fault(
        "answers 200 and `rate_limited`, and asks for us again in two minutes",
        "blocked",
        "SERVER answered rate_limited",
        _whole(200, limited, "Retry-After: 120\r\n"),
        asked=120,
        **section,
    )
    strange = "SERVER answered 200 with something that is not its own document"
    for name, body in (
        ("nothing else", ""),
        ("a page", "<html>sign in to this network</html>"),
        ("half a document", '{"ok": tr'),
        ("a document of another kind", "[]"),
    ):
        yield _fault(f"answers 200 and {name}", "unknown", strange, _whole(200, body), **section)
    yield _fault(
        "hangs up within its document", "unknown", strange, _whole(200, '{"ok": true}')[:-4], **section
    )


HTTP_FAULTS = (*_connections(), *_parts(), *_nonsense(), *_codes(), *_slack())
