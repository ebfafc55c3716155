"""One sample customer: everything about it that does not change, drawn from its number and the seed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from random import Random

from engine.sample import staff, words
from engine.sample.words import PLACES, Place

TERM = timedelta(days=365)
"""Every contract runs for a year."""

_GOLDEN, _ROOT_2, _ROOT_3 = 0.6180339887498949, 1.4142135623730951, 1.7320508075688772
"""Multiples of these, modulo one, spread evenly and independently of one another over a book of any size."""

_NORMAL_BOOK = 320
"""Up to this size the stories come at their full rate; larger books have as many, not more."""


class Story(StrEnum):
    """What happens to a customer, apart from everyday life."""

    STEADY = "steady"
    DIPPED = "dipped"
    """Was at risk for some weeks within the history, and recovered."""
    ADRIFT = "adrift"
    """Has been at risk for a long time."""
    NEAR_LIMIT = "near_limit"
    """Has been above 80 % of its limit for months."""
    CHURNED = "churned"
    DECLINES = "declines"
    """Drops below 40 in the last two weeks."""
    COLLAPSES = "collapses"
    """Drops below 20 in the last two weeks."""
    CANCELS = "cancels"
    """Asks to cancel in the last two weeks."""
    LOSES_CHAMPION = "loses_champion"
    GROWS = "grows"
    """Crosses 80 % of its limit in the last two weeks."""
    WENT_SILENT = "went_silent"
    """Its fourteenth day without a login lies in the last week."""
    GOES_SILENT = "goes_silent"
    """Its fourteenth day without a login lies in the coming days."""


_RECENT = frozenset(
    {
        Story.DECLINES, Story.COLLAPSES, Story.CANCELS, Story.LOSES_CHAMPION, Story.GROWS,
        Story.WENT_SILENT, Story.GOES_SILENT,
    }
)  # fmt: skip
"""Stories of the last days, of which a large book has no more than a normal one."""

_MANAGED_STORIES = (
    (Story.DECLINES, 0.06),
    (Story.COLLAPSES, 0.02),
    (Story.CANCELS, 0.03),
    (Story.LOSES_CHAMPION, 0.06),
    (Story.GROWS, 0.06),
    (Story.CHURNED, 0.05),
    (Story.DIPPED, 0.12),
    (Story.ADRIFT, 0.03),
    (Story.NEAR_LIMIT, 0.05),
)
_TECH_STORIES = (
    (Story.WENT_SILENT, 0.05),
    (Story.GOES_SILENT, 0.05),
    (Story.CHURNED, 0.08),
    (Story.DIPPED, 0.1),
    (Story.ADRIFT, 0.04),
    (Story.NEAR_LIMIT, 0.05),
)
_LEVELS = {
    Story.ADRIFT: (20, 31),
    Story.DECLINES: (50, 68),
    Story.COLLAPSES: (46, 60),
    Story.CANCELS: (50, 68),
    Story.CHURNED: (42, 58),
}
_ARR = {"high_touch": (100_000, 650_000), "low_touch": (15_000, 99_000), "tech_touch": (1_200, 14_500)}


@dataclass(frozen=True, slots=True)
class Customer:
    """The fixed facts of one customer, within a history that runs from `start` to `end`."""

    index: int
    id: str
    name: str
    segment: str
    story: Story
    place: Place
    industry: str
    plan: str
    arr: int
    """Per year."""
    seats: int
    limit: int
    start: datetime
    end: datetime
    customer_since: date
    renews_on: date
    """The next renewal after `end`."""
    csm: str | None
    ae: str | None
    exec_sponsor: str | None
    usual_health: int | None
    """The level its health returns to; None where nobody measures it."""
    share: tuple[float, float]
    """How much of its limit it uses, at the start of the history and at its end."""
    left_on: datetime | None
    """When a churned customer left."""

    @property
    def last(self) -> datetime:
        """The end of its own history."""
        return self.end if self.left_on is None else self.left_on

    def share_at(self, at: datetime) -> float:
        """How much of its limit it uses at that time, by and large."""
        first, last = self.share
        return first + (last - first) * ((at - self.start) / (self.end - self.start))

    @property
    def is_managed(self) -> bool:
        """Whether it has a CSM of its own."""
        return self.segment != "tech_touch"

    @property
    def domain(self) -> str:
        """Where its people's email addresses are: a reserved name, so nothing can reach a stranger."""
        return f"customer-{self.index + 1:05}.example"


def draw_customer(index: int, draw: Random, *, accounts: int, end: datetime, history: timedelta) -> Customer:
    """The customer of that number."""
    segment = _segment(index)
    place = draw.choice(PLACES)
    low, high = _ARR[segment]
    arr = round(low + (high - low) * draw.random() ** 2, -2)
    seats = max(3, int(arr / draw.uniform(350, 700)))
    story = _story(segment, (index + 0.5) * _ROOT_3 % 1, min(1.0, _NORMAL_BOOK / accounts))
    since = (end - timedelta(days=draw.randint(30, 1500))).date()
    first_day = max(end - history, _morning(end, since))
    return Customer(
        index=index,
        id=f"acc-{index + 1:05}",
        name=words.company(index),
        segment=segment,
        story=story,
        place=place,
        industry=draw.choice(words.INDUSTRIES),
        plan=draw.choice(words.PLANS[segment]),
        arr=int(arr),
        seats=seats,
        limit=seats * 100,
        start=first_day,
        end=end,
        customer_since=since,
        renews_on=end.date() + timedelta(days=3 + int(index * _ROOT_2 % 1 * (TERM.days - 4))),
        csm=_one(staff.ids_of("csm"), index) if segment != "tech_touch" else None,
        ae=_one(staff.ids_of("ae"), index) if segment != "tech_touch" else None,
        exec_sponsor=_one(staff.ids_of("exec_sponsor"), index) if segment == "high_touch" else None,
        usual_health=_usual_health(story, draw) if draw.random() > 0.02 else None,
        share=_share(story, draw),
        left_on=_leaving(first_day, end, draw) if story is Story.CHURNED else None,
    )


def _usual_health(story: Story, draw: Random) -> int:
    if story in _LEVELS:
        return draw.randint(*_LEVELS[story])
    low, high = draw.choices(((50, 60), (61, 79), (80, 94)), (15, 45, 40))[0]
    return draw.randint(low, high)


def _share(story: Story, draw: Random) -> tuple[float, float]:
    if story is Story.NEAR_LIMIT:
        return draw.uniform(0.6, 0.75), draw.uniform(0.85, 0.97)
    if story is Story.GROWS:
        return draw.uniform(0.3, 0.5), draw.uniform(0.70, 0.76)
    now = draw.uniform(0.3, 0.74)
    return now * draw.uniform(0.4, 1.1), now


def _leaving(start: datetime, end: datetime, draw: Random) -> datetime:
    return start + (end - start) * draw.uniform(0.4, 0.95)


def _morning(end: datetime, day: date) -> datetime:
    return end.replace(year=day.year, month=day.month, day=day.day, hour=7, minute=0, second=0, microsecond=0)


def _segment(index: int) -> str:
    """Spread evenly over the numbers: 12 % high, 33 % low and 55 % tech touch."""
    share = (index * _GOLDEN) % 1
    if share < 0.12:
        return "high_touch"
    return "low_touch" if share < 0.45 else "tech_touch"


def _story(segment: str, place: float, scale: float) -> Story:
    for story, share in _TECH_STORIES if segment == "tech_touch" else _MANAGED_STORIES:
        place -= share * (scale if story in _RECENT else 1.0)
        if place < 0:
            return story
    return Story.STEADY


def _one(ids: tuple[str, ...], index: int) -> str:
    return ids[index % len(ids)]
