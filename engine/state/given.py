"""What sources say of health, kept apart from what it is where it is computed.

`account.health` is what sources say or, where they say nothing, the computed score. What they say has a
history of its own in `account.given_health`, in which saying the same again, or again that nothing is
known, is no news.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from engine.conditions.catalogue import Field, Kind, Value
from engine.health.model import GIVEN, HEALTH
from engine.state.chain import Folded, Link


def also_given(
    kind: Kind, fields: Mapping[str, Field], values: Mapping[str, Value | None]
) -> dict[str, Value | None]:
    """The values of a source's entry, with what they say of health under `given_health` too.

    That nothing is given leaves the account's health to be computed. Where health is not computed, the
    catalogue has no such field, and the values stay as they are.
    """
    if kind is not Kind.ACCOUNT or GIVEN.name not in fields or HEALTH.name not in values:
        return dict(values)
    given = values[HEALTH.name]
    kept = {name: each for name, each in values.items() if name != HEALTH.name or given is not None}
    return {**kept, GIVEN.name: given}


def news(links: Iterable[Link], said: Iterable[Link], given: Folded) -> list[Link]:
    """The links of health, without those by which a source repeats what it `said` before.

    What is new is written even where a computed score happened to be the same.
    """
    spoken, fresh = {_times(each) for each in said}, {_times(each) for each in given.written}
    return [
        replace(each, insists=True) if _times(each) in fresh else each
        for each in links
        if _times(each) in fresh or _times(each) not in spoken
    ]


def _times(link: Link) -> tuple[datetime, datetime]:
    return link.effective_at, link.recorded_at
