"""Posts texts to a Microsoft Teams channel by its workflow webhook, as Adaptive Cards."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from typing import Any

from connectors.exchange import exchange_to
from connectors.outcome import Failed, Outcome

LARGEST_BODY = 28 * 1024
"""Bytes that Teams takes of one message
(learn.microsoft.com, Webhooks and connectors, "Create and send messages")."""

_LINK = re.compile(r"<(https?://[^<>|\s]+)(?:\|([^<>]*))?>")
"""A link as message templates write it; a value from a customer has its brackets escaped."""


class TeamsConnector:
    """A workflow that posts to a channel when a webhook request is received. Its address is a secret."""

    def __init__(self, url: str, timeout: float = 10.0, *, allow_private: bool = False) -> None:
        """`timeout` is in seconds for the whole exchange. Raises ValueError for what is no web address."""
        self._exchange = exchange_to(
            url, timeout, "the Teams webhook", allow_private=allow_private, through_proxy=True
        )

    def close(self) -> None:
        """End what is under way in other threads."""
        self._exchange.close()

    def send(self, text: str, channel: str, key: str, now: datetime) -> Outcome:
        """Post `text`. The workflow knows its channel; `key` goes along as Idempotency-Key."""
        body = json.dumps(card(text)).encode()
        if len(body) > LARGEST_BODY:
            return Failed(f"the message has {len(body):,} bytes as a card; Teams takes {LARGEST_BODY:,}")
        return self._exchange.post(body, {"Idempotency-Key": key}, now)


def card(text: str) -> dict[str, Any]:
    """A card with one block for each line, in which nothing but a template's own links is more than text."""
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            {"type": "RichTextBlock", "spacing": "Small", "inlines": list(_runs(line))}
            for line in text.strip().splitlines() or [""]
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None}
    return {"type": "message", "attachments": [attachment | {"content": content}]}


def _runs(line: str) -> Iterator[dict[str, Any]]:
    """The parts of a line: text, and links."""
    end = 0
    for found in _LINK.finditer(line):
        if found.start() > end:
            yield _run(line[end : found.start()])
        yield _run(found[2] or found[1]) | {
            "selectAction": {"type": "Action.OpenUrl", "url": unescape(found[1])}
        }
        end = found.end()
    if end < len(line) or not line:
        yield _run(line[end:] or " ")


def _run(text: str) -> dict[str, Any]:
    return {"type": "TextRun", "text": unescape(text)}
