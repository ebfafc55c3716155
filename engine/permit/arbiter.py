"""Who is written to now where not everybody may be: caps over rolling windows, by priority. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["person", "account"]
Who: TypeAlias = tuple[Kind, str]
"""Whose emails are counted together: a person by address, or an account by id."""

YIELD = timedelta(minutes=1)
"""After this an email is looked at again that let a more important one go first."""
YIELDS = "a more important email goes first"


@dataclass(frozen=True, slots=True)
class Bound:
    """At most so many emails within any stretch of that length."""

    most: int
    window: timedelta
    per: str
    """The length as it was written."""


Bounds: TypeAlias = Mapping[Kind, Sequence[Bound]]


@dataclass(frozen=True, slots=True)
class Wish:
    """An email that is ready to go."""

    id: str
    who: tuple[Who, ...]
    """Everybody it counts for."""
    priority: int
    since: datetime
    """How long it has been waiting."""
    is_here: bool = True
    """Whether the answer is wanted; one that is not here takes its place in the order only."""


@dataclass(frozen=True, slots=True)
class Wait:
    """An email that does not go now: when to ask again, and why."""

    until: datetime
    why: str


Left: TypeAlias = Mapping[Who, Sequence[tuple[datetime, str]]]
"""For everybody, when which emails left or may have left; those long ago may be missing."""


Counted: TypeAlias = Callable[[Who], Iterable[tuple[datetime, str]]]


@dataclass
class _Count:
    """Emails that left, and those that go now or are promised to."""

    left: Left
    added: dict[Who, list[tuple[datetime, str]]] = field(default_factory=dict)

    def of(self, who: Who) -> Iterable[tuple[datetime, str]]:
        yield from self.left.get(who, ())
        yield from self.added.get(who, ())

    def add(self, wish: Wish, now: datetime) -> None:
        for who in wish.who:
            self.added.setdefault(who, []).append((now, wish.id))


def arbitrate(wishes: Iterable[Wish], left: Left, bounds: Bounds, now: datetime) -> dict[str, Wait]:
    """Which of the emails that are here have to wait; the others may go at once, all of them together.

    Whoever has the higher priority goes first, and of equals who has been waiting longest. An email that
    only one elsewhere keeps from going waits for a moment: by then that one has gone, or has not.
    """
    gone, promised = _Count(left), _Count(left)
    waits: dict[str, Wait] = {}
    for wish in sorted(wishes, key=lambda each: (-each.priority, each.since, each.id)):
        wait = wait_of(wish, gone.of, bounds, now)
        if wait is None and wait_of(wish, promised.of, bounds, now) is not None:
            wait = Wait(now + YIELD, YIELDS)
        if wait is None:
            promised.add(wish, now)
            if wish.is_here:
                gone.add(wish, now)
        elif wish.is_here:
            waits[wish.id] = wait
    return waits


def is_open(wish: Wish, left: Left, bounds: Bounds, now: datetime) -> bool:
    """Whether what has left so far keeps the email from going."""
    return wait_of(wish, _Count(left).of, bounds, now) is None


def wait_of(wish: Wish, count_of: Counted, bounds: Bounds, now: datetime) -> Wait | None:
    """Until when the bound that opens last keeps an email waiting; None where none does."""
    found: Wait | None = None
    for who in wish.who:
        for bound in bounds.get(who[0], ()):
            since = now - bound.window
            recent = sorted(at for at, entry in count_of(who) if at > since and entry != wish.id)
            if len(recent) >= bound.most:
                until = recent[-bound.most] + bound.window
                if found is None or until > found.until:
                    found = Wait(until, _why(who[0], bound))
    return found


def _why(kind: Kind, bound: Bound) -> str:
    emails = "1 email" if bound.most == 1 else f"{bound.most} emails"
    whom = "this person" if kind == "person" else "this account"
    return f"the cap of {emails} to {whom} per {bound.per}"
