"""Caps, hours and opt-outs over random weeks, against an oracle that looks at every quarter of an hour."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.permit.arbiter import Bound, Bounds, Who, Wish, arbitrate
from engine.settings import Settings

BEGIN = datetime(2026, 6, 29, tzinfo=UTC)
"""The Monday of a week with Independence Day in it, on Friday the third."""
STEP = timedelta(minutes=15)
STEPS = 12 * 96
HOLIDAYS = {date(2026, 7, 3)}
OFFSETS = {"UTC": 0, "America/New_York": -4, "Asia/Tokyo": 9}
"""Hours in which these are ahead of UTC in summer."""
SETTINGS = Settings()


@dataclass(frozen=True)
class Email:
    """One that becomes ready at a step."""

    name: str
    person: int
    account: int
    priority: int
    ready: int


@dataclass(frozen=True)
class Weeks:
    """A schedule: emails, where people are, from which step on they want none, and the caps."""

    emails: tuple[Email, ...]
    zones: Mapping[int, str]
    gone: Mapping[int, int]
    caps: Mapping[str, tuple[tuple[int, int], ...]]
    """By kind, so many within so many hours."""


@st.composite
def weeks(draw: st.DrawFn) -> Weeks:
    """Up to 25 emails to three people of two accounts."""
    numbers = st.integers(0, 2)
    emails = tuple(
        Email(f"e{index:02}", draw(numbers), draw(st.integers(0, 1)), draw(st.sampled_from([10, 50, 90])), at)
        for index, at in enumerate(draw(st.lists(st.integers(0, 7 * 96), min_size=1, max_size=25)))
    )
    cap = st.tuples(st.integers(1, 3), st.sampled_from([3, 24, 60, 120]))
    caps = {kind: tuple(draw(st.lists(cap, max_size=2))) for kind in ("person", "account")}
    zones = {each: draw(st.sampled_from(sorted(OFFSETS))) for each in range(3)}
    gone = draw(st.dictionaries(numbers, st.integers(0, STEPS)))
    return Weeks(emails, zones, gone, caps)


@given(weeks())
def test_arbitrate_sends_what_a_plain_reading_of_the_rules_sends(found: Weeks) -> None:
    """The same emails at the same steps, whether each is asked about all the time or only when it may go."""
    assert _by_arbiter(found) == _by_oracle(found)


def _by_arbiter(found: Weeks) -> dict[str, int]:
    """Asks about an email again only at the time the last answer named."""
    bounds: Bounds = {
        "person": tuple(Bound(most, timedelta(hours=hours), "x") for most, hours in found.caps["person"]),
        "account": tuple(Bound(most, timedelta(hours=hours), "x") for most, hours in found.caps["account"]),
    }
    left: dict[Who, list[tuple[datetime, str]]] = defaultdict(list)
    due = {each.name: BEGIN + each.ready * STEP for each in found.emails}
    sent: dict[str, int] = {}
    for step in range(STEPS):
        now = BEGIN + step * STEP
        here = []
        for each in found.emails:
            if due.get(each.name, BEGIN + STEPS * STEP) > now:
                continue
            if found.gone.get(each.person, STEPS) <= step:
                del due[each.name]
                continue
            leaves = SETTINGS.email_leaves(now, (found.zones[each.person],), "US", "tips")
            if leaves > now:
                due[each.name] = leaves
                continue
            who: tuple[Who, ...] = (("person", str(each.person)), ("account", str(each.account)))
            here.append(Wish(each.name, who, each.priority, BEGIN + each.ready * STEP))
        waits = arbitrate(here, left, bounds, now)
        for wish in here:
            if wish.id in waits:
                due[wish.id] = waits[wish.id].until
                assert due[wish.id] > now
            else:
                sent[wish.id] = step
                del due[wish.id]
                for one in wish.who:
                    left[one].append((now, wish.id))
    return sent


def _by_oracle(found: Weeks) -> dict[str, int]:
    """Asks about every email at every step."""
    sent: dict[str, int] = {}
    for step in range(STEPS):
        ready = [each for each in found.emails if each.ready <= step and each.name not in sent]
        for email in sorted(ready, key=lambda each: (-each.priority, each.ready, each.name)):
            is_wanted = found.gone.get(email.person, STEPS) > step
            if is_wanted and _is_open(found.zones[email.person], step) and _is_free(found, sent, email, step):
                sent[email.name] = step
    return sent


def _is_open(zone: str, step: int) -> bool:
    there = BEGIN.replace(tzinfo=None) + step * STEP + timedelta(hours=OFFSETS[zone])
    return there.weekday() < 5 and there.date() not in HOLIDAYS and 8 <= there.hour < 18


def _is_free(found: Weeks, sent: Mapping[str, int], email: Email, step: int) -> bool:
    for kind, caps in found.caps.items():
        same = [
            sent[each.name]
            for each in found.emails
            if each.name in sent and getattr(each, kind) == getattr(email, kind)
        ]
        for most, hours in caps:
            if sum(1 for at in same if at > step - hours * 4) >= most:
                return False
    return True
