"""What another side's HTTP answer means. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown

_TRY_LATER = frozenset({407, 408, 409, 421, 425, 429})
"""Of the 4xx: the request was not dealt with, or is being dealt with just now (409, of a repeated key)."""
_WAY_BLOCKED = frozenset({407, 429})
_ABOUT_THE_WAY = 502
"""From this status on an answer is about the server and those before it, not about the message."""
_LONGEST_WAIT = timedelta(days=1)
_MOST_WORDS = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with the beginning of its body."""

    code: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes
    secrets: Sequence[str] = ()
    """What must not be repeated."""

    @property
    def words(self) -> str:
        """The first words of the body, on one line, without secrets. None of what is compressed."""
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            return ""
        text = without(self.secrets, self.body.decode("utf-8", "replace"))
        return re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", text).strip()[:_MOST_WORDS]

    def wait(self, now: datetime) -> timedelta | None:
        """Retry-After in either of its forms, between nothing and a day."""
        text = self.headers.get("retry-after")
        if text is None:
            return None
        digits = text.strip()
        try:
            wait = _seconds(digits) if digits.isascii() and digits.isdigit() else _until(text, now)
        except (ValueError, OverflowError):
            return None
        return min(max(wait, timedelta(0)), _LONGEST_WAIT)


def outcome_of(who: str, answer: Answer, now: datetime) -> Outcome:
    """What the status of `who`'s answer means. Beyond 599 it counts as 5xx (RFC 9110, section 15)."""
    said = f"{answer.code} {answer.words}".strip()
    reason = f"{who} answered {said}"
    if answer.code < 200:
        return Unknown(reason)
    if answer.code < 300:
        return Delivered(said)
    if answer.code in _TRY_LATER or answer.code >= 500:
        is_outage = answer.code in _WAY_BLOCKED or answer.code >= _ABOUT_THE_WAY
        return Retry(reason, answer.wait(now), is_outage)
    return Failed(reason)


def without(secrets: Sequence[str], text: str) -> str:
    """The text with `***` in place of each secret of more than three characters."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***") if len(secret) > 3 else text
    return text


def _seconds(digits: str) -> timedelta:
    """However many: what is longer than a day is a day."""
    return timedelta(seconds=int(digits.lstrip("0")[:9] or "0"))


def _until(text: str, now: datetime) -> timedelta:
    moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
