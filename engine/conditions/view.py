"""What a condition can see: one subject at one instant."""

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.conditions.catalogue import Field, Value
from engine.conditions.tree import Predicate


class View(Protocol):
    """One subject, its account and, within a run, its steps, as known at `now`."""

    @property
    def now(self) -> datetime:
        """The instant of judgement, in UTC."""

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone."""

    def value(self, field: Field) -> Value | None:
        """The field's value, or None when it is missing."""

    def is_latched(self, predicate: Predicate) -> bool | None:
        """Whether a threshold with recovery is latched; a function of the field's history alone."""

    def last_event(self, name: str) -> datetime | None:
        """When the account's newest event of that name happened."""

    def step_state(self, step: str) -> str | None:
        """`waiting`, `open`, `done`, `skipped` or `cancelled`; None outside a run."""

    def step_outcome(self, step: str) -> str | None:
        """The outcome a person chose for the step's task."""
