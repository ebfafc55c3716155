"""Which version of a task somebody has read: a name that follows from what may change of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.clock.zones import format_instant
from engine.identity import digest

MOVING = (
    *("id", "state", "outcome", "note", "assignee", "role", "closed_at", "closed_by", "snoozed_until"),
    *("escalated_at", "escalated_from", "due_at"),
)
"""The columns that a version follows from."""


def task_version(task: Mapping[str, Any]) -> str:
    """The version of a task: the same exactly as long as nothing of it has changed, whoever changes it."""
    return digest("task version", *(_text(task[name]) for name in MOVING))


def _text(value: Any) -> str:
    if value is None:
        return "\x00"
    return format_instant(value) if isinstance(value, datetime) else str(value)
