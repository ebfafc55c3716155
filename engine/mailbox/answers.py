"""What comes back for an email, as the reader of a trial could send it. Pure."""

from email.utils import format_datetime, parseaddr
from typing import Literal, TypeAlias, get_args

from engine.identity import digest
from engine.mailbox.store import StoredMessage

Answer: TypeAlias = Literal["reply", "bounce", "complaint"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)

_HEAD = """\
From: {sender}
To: {to}
Date: {date}
Subject: {subject}
MIME-Version: 1.0
"""
_REPLY = """\
Message-ID: {own_id}
In-Reply-To: {about}
Content-Type: text/plain; charset="utf-8"

Thank you, I will come back to you.
"""
_REPORT = """\
Content-Type: multipart/report; report-type={kind}; boundary="report"

--report
Content-Type: text/plain

This came back from the mailbox of a trial.
--report
Content-Type: message/{kind}

{told}
--report
Content-Type: text/rfc822-headers

Message-ID: {about}
--report--
"""
_BOUNCE = """\
Reporting-MTA: dns; mailbox.invalid

Final-Recipient: rfc822; {reader}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
"""
_COMPLAINT = """\
Feedback-Type: abuse
Version: 1
User-Agent: mailbox/1
Original-Rcpt-To: {reader}
"""


def answer_to(message: StoredMessage, answer: Answer, number: int) -> bytes:
    """The message that would come back; `number` tells replies to the same email apart.

    A bounce is a delivery report (RFC 3464), a complaint a feedback report (RFC 5965).
    """
    about = next((value for name, value in message.headers if name.lower() == "message-id"), "")
    reader = parseaddr(message.recipient)[1]
    own_id = f"<{digest('reply', message.id, str(number))}@mailbox.invalid>"
    date, to = format_datetime(message.received_at), parseaddr(message.sender)[1]
    if answer == "reply":
        body, sender, subject = _REPLY.format(own_id=own_id, about=_line(about)), reader, "Re: your email"
    else:
        kind, told = {
            "bounce": ("delivery-status", _BOUNCE),
            "complaint": ("feedback-report", _COMPLAINT),
        }[answer]
        body = _REPORT.format(kind=kind, told=told.format(reader=_line(reader)), about=_line(about))
        sender, subject = "postmaster@mailbox.invalid", "About an email of yours"
    head = _HEAD.format(sender=_line(sender), to=_line(to), date=date, subject=subject)
    return (head + body).replace("\n", "\r\n").encode("utf-8", "replace")


def _line(text: str) -> str:
    """Without what would end a header."""
    return " ".join(text.split())
