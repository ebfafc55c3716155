"""One delivery pass: what is ready goes to its connectors, and every answer is noted."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from connectors.outcome import Failed, Outcome, Retry, Unknown
from engine.identity import digest
from engine.outbox.claim import Begun, Claim, begin, claim, hand_back
from engine.outbox.entry import Connector, Entry
from engine.outbox.record import CRASHED, record, recover
from engine.outbox.retry import RetryDecision, decide
from engine.settings import Settings

CLAIMED_AT_ONCE = 10
OUTAGE = 2
"""After this many tries in a row that found the way blocked, a connector rests until the next pass."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """How many entries ended a pass in which way."""

    delivered: int = 0
    retried: int = 0
    failed: int = 0
    unknown: int = 0
    cancelled: int = 0

    @property
    def handled(self) -> int:
        """All of them together."""
        return self.delivered + self.retried + self.failed + self.unknown + self.cancelled


def deliver_batch(
    database: Engine,
    connectors: Mapping[str, Connector],
    settings: Settings,
    *,
    now: datetime | Callable[[], datetime],
    owner: str,
    limit: int = 100,
) -> DeliveryReport:
    """Deliver up to `limit` entries that are ready; `owner` names this deliverer, each process its own.

    `now` is an instant, or a clock that is asked before and after each try. Whatever goes wrong with an
    entry is written to it, and stops no other.
    """
    clock = now if callable(now) else lambda: now
    return _Pass(database, connectors, settings, clock, owner).run(limit)


class _Pass:
    """The counts of one pass, and which connectors it has found blocked."""

    def __init__(
        self,
        database: Engine,
        connectors: Mapping[str, Connector],
        settings: Settings,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        self._database = database
        self._connectors = connectors
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._counts: Counter[str] = Counter()
        self._outages: Counter[str] = Counter()

    def run(self, limit: int) -> DeliveryReport:
        self._recover()
        left = limit
        while left > 0:
            found = self._claim(min(left, CLAIMED_AT_ONCE))
            if found.is_empty:
                break
            left -= len(found.entries) + found.cancelled
            for entry in found.entries:
                self._deliver(entry)
        return self._report()

    def _recover(self) -> None:
        now = self._clock()
        for decision in recover(
            self._database, now, lambda entry_id, attempts: self._decide(CRASHED, entry_id, attempts, now)
        ):
            self._counts[decision.state] += 1

    def _claim(self, limit: int) -> Claim:
        found = claim(
            self._database,
            now=self._clock(),
            owner=self._owner,
            limit=limit,
            hours=self._within_working_hours,
            without=self._blocked(),
        )
        self._counts["cancelled"] += found.cancelled
        return found

    def _within_working_hours(self, instant: datetime, timezone: str | None, country: str | None) -> datetime:
        """The first instant not before `instant` at which an email may leave for an account there."""
        return self._settings.calendar(timezone, country).within_hours(instant)

    def _blocked(self) -> frozenset[str]:
        return frozenset(name for name, count in self._outages.items() if count >= OUTAGE)

    def _deliver(self, entry: Entry) -> None:
        if entry.connector in self._blocked():
            hand_back(self._database, entry)
            return
        connector = self._connectors.get(entry.connector)
        if connector is None:
            self._settle(entry, None, _not_configured(entry.connector), entry.attempts)
            return
        begun = begin(self._database, entry, self._clock())
        if not isinstance(begun, Begun):
            self._counts["cancelled"] += begun.is_cancelled
            return
        outcome = _tried(connector, entry, self._clock())
        self._note_outage(entry.connector, outcome)
        self._settle(entry, begun.attempt_id, outcome, begun.attempts)

    def _note_outage(self, connector: str, outcome: Outcome) -> None:
        if isinstance(outcome, Retry) and outcome.is_outage:
            self._outages[connector] += 1
        else:
            self._outages[connector] = 0

    def _settle(self, entry: Entry, attempt_id: int | None, outcome: Outcome, attempts: int) -> None:
        now = self._clock()
        decision = self._decide(outcome, entry.id, attempts, now)
        record(self._database, entry.id, attempt_id, decision, now)
        self._counts[decision.state] += 1

    def _decide(self, outcome: Outcome, entry_id: str, attempts: int, now: datetime) -> RetryDecision:
        return decide(
            outcome,
            attempts=attempts,
            max_attempts=self._settings.email.max_attempts,
            now=now,
            on_unknown=self._settings.email.on_unknown,
            jitter=_jitter(entry_id, attempts),
        )

    def _report(self) -> DeliveryReport:
        return DeliveryReport(
            delivered=self._counts["completed"],
            retried=self._counts["retryable"],
            failed=self._counts["discarded"],
            unknown=self._counts["unknown"],
            cancelled=self._counts["cancelled"],
        )


def _tried(connector: Connector, entry: Entry, now: datetime) -> Outcome:
    try:
        return connector.deliver(entry, now)
    except Exception as error:  # one entry's surprise must not stop the others
        return Unknown(f"the connector failed unexpectedly ({type(error).__name__})")


def _not_configured(name: str) -> Failed:
    return Failed(f'there is no connector "{name}"; add it under connectors: in config.yaml, then requeue')


def _jitter(entry_id: str, attempts: int) -> float:
    """A spread that differs between entries and tries, and is the same on every machine."""
    return int(digest(entry_id, str(attempts)), 16) / 2**64
