"""The faults of SMTP servers while they take a message."""

from collections.abc import Iterator

from tests.faults import SHORT, Fault, Outcome
from tests.faults_smtp import REACHING_FAULTS, mail_fault
from tests.integration.mail_servers import BREAK, CUT, DRIP, FLOOD, HANG

PLAIN, PIPELINED = "250 hello", "250-hello\r\n250 PIPELINING"


def _breaks() -> Iterator[Fault]:
    """Cut and silent after each command of an exchange."""
    for hello, words in ((PLAIN, ""), (PIPELINED, ", with PIPELINING")):
        section = "Email: cut and silent in the middle"
        for step in ("MAIL", "RCPT", "DATA"):
            yield mail_fault(
                f"hangs up after {step}{words}",
                "blocked",
                f"SERVER hung up after {step}",
                {"EHLO": hello, step: CUT},
                section=section,
            )
            yield mail_fault(
                f"is silent after {step}{words}",
                "blocked",
                f"SERVER did not answer in time after {step}",
                {"EHLO": hello, step: HANG},
                patience=SHORT,
                section=section,
            )
        yield mail_fault(
            f"hangs up in the middle of its answer to RCPT{words}",
            "blocked",
            "SERVER hung up after RCPT",
            {"EHLO": hello, "RCPT": f"250-rec{BREAK}"},
            section=section,
        )
        yield mail_fault(
            f"asks for the message and hangs up at once{words}",
            "unknown",
            "SERVER hung up after the message",
            {"EHLO": hello, "DATA": f"354 go on\r\n{BREAK}"},
            section=section,
        )
        for name, answer, reason in (
            ("hangs up after the message", CUT, "SERVER hung up after the message"),
            (
                "hangs up in the middle of its answer to the message",
                f"250 que{BREAK}",
                "SERVER hung up after the message",
            ),
            (
                "hangs up between two lines of its answer to the message",
                f"250-queued\r\n{BREAK}",
                "SERVER hung up after the message",
            ),
            (
                "answers the message without end",
                FLOOD,
                "SERVER answered with what is no reply of SMTP after the message",
            ),
            (
                "answers the message with what is no reply",
                "thanks!",
                "SERVER answered with what is no reply of SMTP after the message",
            ),
            ("answers the message with 354", "354 go on", "SERVER answered the message with 354 go on"),
            ("answers the message with 600", "600 and more", "SERVER answered the message with 600 and more"),
        ):
            yield mail_fault(
                name + words, "unknown", reason, {"EHLO": hello, "DOT": answer}, seen=1, section=section
            )
        for name, answer in (
            ("is silent after the message", HANG),
            ("answers the message a line at a time without end", DRIP),
        ):
            yield mail_fault(
                name + words,
                "unknown",
                "SERVER did not answer in time after the message",
                {"EHLO": hello, "DOT": answer},
                seen=1,
                patience=SHORT,
                section=section,
            )
        yield mail_fault(
            f"takes the message and hangs up{words}",
            "sent",
            "250 queued as 42",
            {"EHLO": hello, "DOT": f"250 queued as 42\r\n{BREAK}"},
            seen=1,
            section=section,
        )
        for name, answer in (("hangs up", CUT), ("is silent", HANG)):
            yield mail_fault(
                f"refuses the recipient and {name} at RSET{words}",
                "given up",
                "SERVER answered RCPT with 550 no such user",
                {"EHLO": hello, "RCPT": "550 no such user", "DATA": "503 no recipient", "RSET": answer},
                patience=SHORT,
                section=section,
            )
    section = "Email: cut and silent in the middle"
    yield mail_fault(
        "hangs up in the middle of a large message",
        "blocked",
        "SERVER hung up after DATA",
        {"BODY": CUT},
        does={"longest": 1000},
        size=6_000_000,
        section=section,
    )
    yield mail_fault(
        "takes no more in the middle of a large message",
        "blocked",
        "SERVER did not answer in time after DATA",
        {"BODY": HANG},
        does={"longest": 1000},
        size=6_000_000,
        patience=1.0,
        section=section,
    )
    yield mail_fault(
        "refuses the recipient and asks for a message all the same, with PIPELINING",
        "given up",
        "SERVER answered RCPT with 550 no such user",
        {"EHLO": PIPELINED, "RCPT": "550 no such user", "ACCEPT": "no", "DOT": "554 no recipients"},
        section=section,
    )
    yield mail_fault(
        "refuses the recipient and hangs up before it answers DATA, with PIPELINING",
        "given up",
        "SERVER answered RCPT with 550 no such user",
        {"EHLO": PIPELINED, "RCPT": "550 no such user", "DATA": CUT},
        section=section,
    )
    yield mail_fault(
        "refuses the sender, takes the recipient and asks for a message, with PIPELINING",
        "given up",
        "SERVER answered MAIL with 550 not you",
        {"EHLO": PIPELINED, "MAIL": "550 not you"},
        section=section,
    )


LATER = (421, 450, 451, 452, 455)
SIGN_IN = (454, 530, 534, 535, 538)
NEVER = (500, 501, 502, 503, 504, 521, 550, 551, 552, 553, 554, 556, 571)


def _codes() -> Iterator[Fault]:
    """Every reply that says no."""
    every = (*LATER, *SIGN_IN, *NEVER)
    some = (421, 451, 452, 530, 550, 554)
    for step, said, seen, codes in (
        ("MAIL", "MAIL", 0, some),
        ("RCPT", "RCPT", 0, every),
        ("DATA", "DATA", 0, some),
        ("DOT", "the message", 1, every),
    ):
        for code in codes:
            outcome: Outcome = (
                "blocked" if code == 421 or code in SIGN_IN else "again" if code in LATER else "given up"
            )
            yield mail_fault(
                f"answers {said} with {code}",
                outcome,
                f"SERVER answered {said} with {code} says the server",
                {step: f"{code} says the server"},
                seen=seen,
                section="Email: replies",
            )
    for step, reply, outcome in (
        ("MAIL", "251 well", "again"),
        ("RCPT", "252 perhaps", "again"),
        ("DATA", "250 what", "again"),
    ):
        yield mail_fault(
            f"answers {step} with {reply[:3]}",
            outcome,
            f"SERVER answered {step} with {reply}",
            {step: reply},
            section="Email: replies",
        )  # type: ignore[arg-type]
    yield mail_fault(
        "answers RCPT with 251",
        "sent",
        "250 queued as 42",
        {"RCPT": "251 will forward"},
        seen=1,
        section="Email: replies",
    )


SMTP_FAULTS = (*REACHING_FAULTS, *_breaks(), *_codes())
