"""One lane of delivery: a connector's entries, claimed a handful at a time and tried one after another."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import count

from sqlalchemy import Engine

from connectors.outcome import Failed, Outcome, Unknown
from engine.identity import digest
from engine.outbox.circuit import Circuit
from engine.outbox.claim import Claim, claim
from engine.outbox.entry import Connector, Entry
from engine.outbox.pace import Pace
from engine.outbox.record import Settlement, hand_back, settle
from engine.outbox.retry import RetryDecision, decide
from engine.permit.policy import Policy, policy_of
from engine.settings import Settings

HANDFUL = 10
"""Entries claimed at once at most: a crash leaves the fate of no more than these unknown."""
SLOW_SECONDS = 1.0
"""A handful that takes longer is halved the next time, so that what is asked at the claim still holds."""


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


def report_of(states: Counter[str]) -> DeliveryReport:
    """The report from counts by outbox state."""
    return DeliveryReport(
        delivered=states["completed"],
        retried=states["retryable"],
        failed=states["discarded"],
        unknown=states["unknown"],
        cancelled=states["cancelled"],
    )


@dataclass
class Desk:
    """What all lanes of one deliverer share."""

    database: Engine
    settings: Settings
    clock: Callable[[], datetime]
    owner: str
    """Names this deliverer; each process has its own."""
    stopping: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=count)
    _held: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def holding(self) -> Iterator[str]:
        """The owner's name of a new claim; while it lasts, its lease is kept alive by signs of progress."""
        name = f"{self.owner}#{next(self._numbers)}"
        self.progress(name)
        try:
            yield name
        finally:
            with self._lock:
                self._held.pop(name, None)

    def progress(self, claim_owner: str) -> None:
        """Note that a claim is getting on."""
        with self._lock:
            self._held[claim_owner] = time.monotonic()

    def held(self, within: float) -> list[str]:
        """The claims that got on within the last `within` seconds."""
        since = time.monotonic() - within
        with self._lock:
            return [name for name, at in self._held.items() if at >= since]

    @cached_property
    def policy(self) -> Policy:
        """How often anybody is written to."""
        return policy_of(self.settings.email)

    def decide(self, outcome: Outcome, entry_id: str, attempts: int, now: datetime) -> RetryDecision:
        """What follows a try."""
        return decide(
            outcome,
            attempts=attempts,
            max_attempts=self.settings.email.max_attempts,
            now=now,
            on_unknown=self.settings.email.on_unknown,
            jitter=_jitter(entry_id, attempts),
        )


@dataclass
class Gate:
    """How much may go to one connector, shared by its lanes."""

    pace: Pace | None = None
    circuit: Circuit = field(default_factory=Circuit)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, wanted: int, now: datetime) -> int:
        """Take leave for up to `wanted` entries."""
        with self._lock:
            allowed = self.circuit.allows(wanted, now)
            if self.pace is not None:
                allowed = min(allowed, self.pace.available(now))
                self.pace = self.pace.taken(allowed, now)
            if allowed:
                self.circuit = self.circuit.probing(now)
            return allowed

    def give_back(self, unused: int, now: datetime) -> None:
        """Return leave that was not used."""
        with self._lock:
            if self.pace is not None and unused:
                self.pace = self.pace.taken(-unused, now)
            self.circuit = self.circuit.released()

    def note(self, outcome: Outcome, now: datetime) -> None:
        """Learn from a try."""
        with self._lock:
            self.circuit = self.circuit.after(outcome, now)

    def is_open(self, now: datetime) -> bool:
        """Whether another entry may follow."""
        with self._lock:
            return self.circuit.rests_until is None


@dataclass
class Lane:
    """One thread's worth of delivery to one connector; without a name, to all that are not configured."""

    desk: Desk
    name: str | None
    connector: Connector | None
    gate: Gate
    known: Sequence[str] = ()
    handful: int = HANDFUL
    """How many the next claim may take; adapts to how long a try takes."""

    def run(self, limit: int) -> Counter[str]:
        """Deliver up to `limit` entries; counts by the state they ended in, none when nothing was ready."""
        states: Counter[str] = Counter()
        while not self.desk.stopping.is_set() and (left := limit - states.total()) > 0:
            found = self._turn(left)
            if found is None:
                break
            states += found
        return states

    def _turn(self, limit: int) -> Counter[str] | None:
        now = self.desk.clock()
        allowed = self.gate.admit(min(self.handful, limit), now)
        if not allowed:
            return None
        with self.desk.holding() as owner:
            found = self._claim(owner, allowed, now)
            if found.is_empty:
                self.gate.give_back(allowed, now)
                return None
            began = time.monotonic()
            states = self._deliver(found.entries, owner)
            self._adapt(time.monotonic() - began, len(found.entries))
        self.gate.give_back(allowed - sum(states.values()), self.desk.clock())
        return states + Counter(cancelled=found.cancelled)

    def _claim(self, owner: str, limit: int, now: datetime) -> Claim:
        return claim(
            self.desk.database,
            now=now,
            owner=owner,
            limit=limit,
            hours=self.desk.settings.email_leaves,
            connector=self.name,
            known=self.known,
            policy=self.desk.policy,
        )

    def _adapt(self, seconds: float, tried: int) -> None:
        if seconds > SLOW_SECONDS:
            self.handful = max(1, self.handful // 2)
        elif tried == self.handful:
            self.handful = min(HANDFUL, self.handful * 2)

    def _deliver(self, entries: Sequence[Entry], owner: str) -> Counter[str]:
        """Try each, and note the answers together, or as soon as one has been waiting for a second."""
        states: Counter[str] = Counter()
        answered: list[Settlement] = []
        since = time.monotonic()
        for position, entry in enumerate(entries):
            if self.desk.stopping.is_set() or (not self.gate.is_open(self.desk.clock()) and position):
                hand_back(self.desk.database, entries[position:])
                break
            answered.append(self._try(entry))
            states[answered[-1].decision.state] += 1
            self.desk.progress(owner)
            if time.monotonic() - since > SLOW_SECONDS:
                settle(self.desk.database, answered)
                answered, since = [], time.monotonic()
        settle(self.desk.database, answered)
        return states

    def _try(self, entry: Entry) -> Settlement:
        now = self.desk.clock()
        if self.connector is None:
            outcome: Outcome = _not_configured(entry.connector)
        else:
            outcome = _tried(self.connector, entry, now)
            self.gate.note(outcome, self.desk.clock())
        ended_at = self.desk.clock()
        decision = self.desk.decide(outcome, entry.id, entry.attempts, ended_at)
        return Settlement(entry.id, entry.attempt_id, decision, ended_at)


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
