"""What another side's HTTP answer means. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.outcome import Delivered, Failed, Outcome, Retry

_TRY_LATER = frozenset({408, 425, 429})
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
        """The first words of the body, on one line, without secrets."""
        text = without(self.secrets, self.body.decode("utf-8", "replace"))
        return re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", text).strip()[:_MOST_WORDS]

    def wait(self, now: datetime) -> timedelta | None:
        """Retry-After in either of its forms, between nothing and a day."""
        text = self.headers.get("retry-after")
        if text is None:
            return None
        try:
            wait = timedelta(seconds=int(text)) if text.strip().isdigit() else _until(text, now)
        except (ValueError, OverflowError):
            return None
        return min(max(wait, timedelta(0)), _LONGEST_WAIT)


def outcome_of(who: str, answer: Answer, now: datetime) -> Outcome:
    """What the status of `who`'s answer means."""
    said = f"{answer.code} {answer.words}".strip()
    if 200 <= answer.code < 300:
        return Delivered(said)
    if answer.code in _TRY_LATER or answer.code >= 500:
        return Retry(f"{who} answered {said}", answer.wait(now))
    return Failed(f"{who} answered {said}")


def without(secrets: Sequence[str], text: str) -> str:
    """The text with `***` in place of each secret of more than three characters."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***") if len(secret) > 3 else text
    return text


def _until(text: str, now: datetime) -> timedelta:
    moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
