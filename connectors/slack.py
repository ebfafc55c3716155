"""Posts texts to Slack: to an incoming webhook, or anything that takes its JSON, and by the Web API."""

import json
from datetime import datetime, timedelta
from typing import Any

from connectors.answer import Answer, outcome_of, without
from connectors.exchange import exchange_to
from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown

LONGEST_API_ANSWER = 512 * 1024
"""Bytes; the answer repeats the message."""
USUAL_WAIT = timedelta(seconds=30)
"""Where Slack asks to slow down and does not say how long."""

_SLOWER = frozenset({"rate_limited", "ratelimited", "message_limit_exceeded"})
_NOT_NOW = frozenset({"service_unavailable", "request_timeout", "team_added_to_org"})
_ABOUT_US = frozenset(
    {
        *(
            "invalid_auth",
            "not_authed",
            "account_inactive",
            "token_revoked",
            "token_expired",
            "missing_scope",
        ),
        *("no_permission", "not_allowed_token_type", "access_denied", "accesslimited", "org_login_required"),
        *("ekm_access_denied", "enterprise_is_restricted", "team_access_not_granted"),
        *("two_factor_setup_required", "deprecated_endpoint", "method_deprecated"),
    }
)
"""About our token, not about the message: another token lets the same message through."""
_PERHAPS = frozenset({"internal_error", "fatal_error"})
"""Of which Slack says that part of the work may have been done."""


class SlackConnector:
    """One incoming webhook. Its address is a secret and stands in no reason."""

    def __init__(self, url: str, timeout: float = 10.0, *, allow_private: bool = False) -> None:
        """`timeout` is in seconds for the whole exchange. Raises ValueError for what is no web address."""
        self._exchange = exchange_to(url, timeout, allow_private=allow_private, through_proxy=True)

    def close(self) -> None:
        """End what is under way in other threads."""
        self._exchange.close()

    def send(self, text: str, channel: str, key: str, now: datetime) -> Outcome:
        """Post `text`; `key` goes along as Idempotency-Key. Never raises for what the other side does."""
        body = json.dumps({"text": text, "channel": channel}).encode()
        return self._exchange.post(body, {"Idempotency-Key": key}, now)


class SlackApiConnector:
    """Slack's Web API, method chat.postMessage (docs.slack.dev/reference/methods/chat.postMessage)."""

    def __init__(
        self,
        token: str,
        timeout: float = 10.0,
        *,
        url: str = "https://slack.com/api",
        allow_private: bool = False,
    ) -> None:
        """`timeout` is in seconds for the whole exchange. Raises ValueError for what is neither."""
        if not token.isascii() or not token.isprintable() or not token.strip():
            raise ValueError("the token must be one line of ordinary characters")
        self._token = token
        self._exchange = exchange_to(
            f"{url.rstrip('/')}/chat.postMessage",
            timeout,
            "Slack",
            allow_private=allow_private,
            through_proxy=True,
            secrets=(token,),
            longest=LONGEST_API_ANSWER,
            judge=_judged,
        )

    def close(self) -> None:
        """End what is under way in other threads."""
        self._exchange.close()

    def send(self, text: str, channel: str, key: str, now: datetime) -> Outcome:
        """Post `text` to `channel`. Slack knows no key by which to pass over a repetition."""
        body = json.dumps({"channel": channel, "text": text}).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Authorization": f"Bearer {self._token}",
        }
        return self._exchange.post(body, headers, now)


def _judged(who: str, answer: Answer, now: datetime) -> Outcome:
    """A status other than 2xx speaks for itself; otherwise `ok` and `error` of the document do."""
    if not 200 <= answer.code < 300:
        return outcome_of(who, answer, now)
    said = _document(answer.body)
    match said:
        case {"ok": True}:
            return Delivered(without(answer.secrets, _receipt(said)))
        case {"ok": False, "error": str(error)}:
            return _refused(error, answer, now)
    return Unknown("Slack answered 200 with something that is not its own document")


def _refused(error: str, answer: Answer, now: datetime) -> Outcome:
    words = Answer(answer.code, {}, error.encode(errors="replace"), answer.secrets).words
    reason = f"Slack answered {words}"
    if error in _SLOWER:
        wait = answer.wait(now)
        return Retry(reason, USUAL_WAIT if wait is None else wait, is_outage=True)
    if error in _NOT_NOW:
        return Retry(reason)
    if error in _ABOUT_US:
        return Retry(reason, is_outage=True)
    return Unknown(reason) if error in _PERHAPS else Failed(reason)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _receipt(said: dict[str, Any]) -> str:
    words = f"message {said.get('ts')} in {said.get('channel')}"
    return "".join(each for each in words if each.isprintable())[:120]
