"""Messages that come back, as mail servers and people write them."""

CRLF = "\r\n"


def lines(*parts: str) -> bytes:
    """A message of these lines."""
    return CRLF.join((*parts, "")).encode("utf-8", "surrogateescape")


def bounce(
    message_id: str,
    recipient: str,
    status: str = "5.1.1",
    action: str = "failed",
    diagnostic: str = "smtp; 550 5.1.1 <gone> no such user",
    original: str = "message/rfc822",
) -> bytes:
    """A delivery status notification (RFC 3464), with the message it is about."""
    return lines(
        "Return-Path: <>",
        "From: MAILER-DAEMON@mx.x.example (Mail Delivery System)",
        "To: success@acme.example",
        "Subject: Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"',
        "",
        "--B",
        "Content-Type: text/plain",
        "",
        "I'm sorry to have to inform you that your message could not be delivered.",
        "",
        "--B",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.x.example",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: {diagnostic}",
        "",
        "--B",
        f"Content-Type: {original}",
        "",
        f"Message-ID: {message_id}",
        "From: success@acme.example",
        f"To: {recipient}",
        "Subject: Hello",
        "",
        "Hello",
        "--B--",
    )


def complaint(message_id: str, recipient: str, kind: str = "abuse") -> bytes:
    """A report of a feedback loop (RFC 5965)."""
    return lines(
        "From: <abusedesk@provider.example>",
        "Subject: FW: Hello",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=feedback-report; boundary="B"',
        "",
        "--B",
        'Content-Type: text/plain; charset="US-ASCII"',
        "",
        "This is an email abuse report.",
        "--B",
        "Content-Type: message/feedback-report",
        "",
        f"Feedback-Type: {kind}",
        "User-Agent: SomeGenerator/1.0",
        "Version: 1",
        f"Original-Rcpt-To: <{recipient}>",
        "",
        "--B",
        "Content-Type: text/rfc822-headers",
        "",
        f"Message-ID: {message_id}",
        f"To: {recipient}",
        "",
        "--B--",
    )


def reply(
    message_id: str, sender: str, own_id: str = "<r1@x.example>", header: str = "In-Reply-To", extra: str = ""
) -> bytes:
    """A person's answer."""
    return lines(
        f"From: Ann <{sender}>",
        "To: success@acme.example",
        "Subject: Re: Hello",
        f"Message-ID: {own_id}",
        f"{header}: {message_id}",
        *([extra] if extra else []),
        "",
        "Thanks!",
    )
