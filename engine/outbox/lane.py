"""One lane of delivery: a connector's entries, claimed a handful at a time and tried one after another."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from itertools import count

from sqlalchemy import Engine

from connectors.outcome import Failed, Outcome, Unknown
from engine.identity import digest
from engine.outbox.claim import LEASE, Claim, claim
from engine.outbox.entry import Connector, Entry
from engine.outbox.gate import Gate
from engine.outbox.insist import insist
from engine.outbox.record import Settlement, hand_back, settle
from engine.outbox.retry import RetryDecision, decide
from engine.permit.policy import Policy, policy_of
from engine.settings import Settings

HANDFUL = 10
"""Entries claimed at once at most: a crash leaves the fate of no more than these unknown."""
SLOW_SECONDS = 1.0
"""What a handful has not tried by then goes back, so that what is asked at the claim still holds."""


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
class Lane:
    """One thread's worth of delivery to one connector; without a name, to all that are not configured."""

    desk: Desk
    name: str | None
    connector: Connector | None
    gate: Gate
    known: Sequence[str] = ()
    handful: int = HANDFUL
    """How many the next claim may take; adapts to how long a try takes."""
    _untried: deque[Entry] = field(default_factory=deque)
    _doubtful: list[str] = field(default_factory=list)
    """Claims of which the database did not say whether it has them."""

    def run(self, limit: int) -> Counter[str]:
        """Deliver up to `limit` entries; counts by the state they ended in, none when nothing was ready."""
        states: Counter[str] = Counter()
        while not self.desk.stopping.is_set() and (left := limit - states.total()) > 0:
            found = self._turn(left)
            if found is None:
                break
            states += found
        return states

    def hand_back(self) -> None:
        """Give up what has been claimed and not begun, while a try may be under way in another thread."""
        rest = list(iter(self._next, None))
        try:
            for owner in {each.lease_owner for each in rest}:
                hand_back(self.desk.database, owner, [each.id for each in rest])
        except BaseException:
            self._untried.extend(rest)
            raise

    def _turn(self, limit: int) -> Counter[str] | None:
        now = self.desk.clock()
        leave = self.gate.admit(min(self.handful, limit), now)
        if not leave.count:
            return None
        states: Counter[str] = Counter()
        try:
            with self.desk.holding() as owner:
                found = self._claim(owner, leave.count, now)
                self._deliver(found.entries, owner, states)
        finally:
            self.gate.give_back(leave, leave.count - states.total(), self.desk.clock())
        return None if found.is_empty else states + Counter(cancelled=found.cancelled)

    def _claim(self, owner: str, limit: int, now: datetime) -> Claim:
        while self._doubtful:
            hand_back(self.desk.database, self._doubtful[0])
            self._doubtful.pop(0)
        self._doubtful.append(owner)
        found = claim(
            self.desk.database,
            now=now,
            owner=owner,
            limit=limit,
            hours=self.desk.settings.email_leaves,
            connector=self.name,
            known=self.known,
            policy=self.desk.policy,
        )
        self._doubtful.pop()
        return found

    def _adapt(self, seconds: float, tried: int) -> None:
        if seconds > SLOW_SECONDS:
            self.handful = max(1, self.handful // 2)
        elif tried == self.handful:
            self.handful = min(HANDFUL, self.handful * 2)

    def _deliver(self, entries: Sequence[Entry], owner: str, states: Counter[str]) -> None:
        """Try each, note the answers together, count them in `states`; what finds no time goes back."""
        answered: list[Settlement] = []
        watch = _Watch(self.desk.clock)
        self._untried.extend(entries)
        while self._goes_on(watch, bool(answered)) and (entry := self._next()):
            answered.append(self._try(entry))
            states[answered[-1].decision.state] += 1
            self.desk.progress(owner)
        try:
            self._insist(partial(settle, self.desk.database, answered), owner)
        finally:
            self._insist(self.hand_back, owner)
        if answered:
            self._adapt(watch.seconds(), len(answered))

    def _next(self) -> Entry | None:
        try:
            return self._untried.popleft()
        except IndexError:
            return None

    def _goes_on(self, watch: "_Watch", has_tried: bool) -> bool:
        """Whether there is leave and time for another: the first has as long as its lease is sure to hold."""
        if self.desk.stopping.is_set():
            return False
        if has_tried:
            return self.gate.is_open() and watch.seconds() <= SLOW_SECONDS
        return watch.seconds() < LEASE.total_seconds() / 2

    def _insist(self, write: Callable[[], None], owner: str) -> None:
        insist(write, lambda: self.desk.progress(owner), self.desk.stopping)

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


@dataclass
class _Watch:
    """Says how long ago it was made, also where the machine slept meanwhile."""

    clock: Callable[[], datetime]
    _began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._began_at = self.clock()

    def seconds(self) -> float:
        """By the clock that stops in a sleep, or by the one that may be set, whichever says more."""
        return max(time.monotonic() - self._began, (self.clock() - self._began_at).total_seconds())


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
