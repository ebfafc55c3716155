"""An account's health, kept at what the configured model makes of it where no source gives it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from engine.conditions.catalogue import Kind, Value
from engine.fold.case import Case
from engine.health.model import BAND, GIVEN, HEALTH, SOURCE, LiveHealth
from engine.health.score import KeptScore, Score, awaited, next_boundary, score
from engine.state.book import ChangeInput

_ALWAYS = frozenset(
    (Kind.ACCOUNT, name) for name in ("exists", HEALTH.name, GIVEN.name, "timezone", "country")
)
"""What can move an account's health whatever the components are."""


class Scoring:
    """Follows the account of one fold. Use once."""

    def __init__(self, case: Case, takes_up: Mapping[str, Value | None], *, is_new: bool) -> None:
        """`takes_up` holds what sources said of health before the model that goes live in this fold."""
        self._case = case
        self._takes_up = takes_up
        self._last: Score | Value | None = None
        self._boundary: datetime | None = None
        live = case.world.health
        self._places = _ALWAYS if live is None else _ALWAYS | live.model.places()
        self._goes_live_at = None if live is None else _go_live(live, case.now, is_new=is_new)
        if live is not None and live.model.computes and self._goes_live_at is None and self._exists:
            self._look(live, case.book.account.get(GIVEN.name))

    @property
    def _exists(self) -> bool:
        return self._case.book.account_id in self._case.book.subjects[Kind.ACCOUNT]

    def instants(self) -> Iterator[datetime]:
        """When time alone may move the score."""
        for each in (self._goes_live_at, self._boundary):
            if each is not None:
                yield each

    @property
    def is_due(self) -> bool:
        """Whether time alone asks for a look now."""
        return any(each <= self._case.now for each in self.instants())

    def feeds_move(self) -> None:
        """Have a look now: a source has got further, which may have made a component good again."""
        if self._boundary is None or self._boundary > self._case.now:
            self._boundary = self._case.now

    def awaited(self) -> Iterator[tuple[str, datetime]]:
        """The sources that the score waits for, each with the watermark that it has to reach."""
        live = self._case.world.health
        if live is not None and live.model.computes and self._exists:
            yield from awaited(live.model, self._case.view(Kind.ACCOUNT, self._case.book.account_id))

    def follow(self, fields: set[tuple[Kind, str]]) -> list[ChangeInput]:
        """What the account's health becomes now that `fields` have changed; empty when it stays."""
        case, live = self._case, self._case.world.health
        if live is None or live.changed_at > case.now:
            return []
        if not self.is_due and self._places.isdisjoint(fields):
            return []
        goes_live, self._goes_live_at = self.is_due and self._goes_live_at is not None, None
        if not self._exists or not (goes_live or live.model.computes):
            return []
        taken = dict(self._takes_up) if goes_live else {}
        known = case.standing(Kind.ACCOUNT, case.book.account_id)
        given = taken.get(GIVEN.name, known.get(GIVEN.name))
        self._look(live, given, keeps=True)
        wanted: Value | None = (
            given if given is not None else self._last.score if isinstance(self._last, Score) else None
        )
        values = {HEALTH.name: wanted}
        if live.model.computes:
            band = live.model.bands.of(wanted if isinstance(wanted, Decimal) else None)
            values = {**taken, **values, BAND: None if band is None else band.name}
        return case.compute(values, SOURCE)

    def _look(self, live: LiveHealth, given: Value | None, *, keeps: bool = False) -> None:
        """Compute the score unless one is given, and when time alone will move it; keep what is new."""
        case, was = self._case, self._last
        self._last, self._boundary = given, None
        if given is None and live.model.computes:
            view = case.view(Kind.ACCOUNT, case.book.account_id)
            self._last, self._boundary = score(live.model, view), next_boundary(live.model, view)
        if not keeps or self._last == was:
            return
        if isinstance(self._last, Score):
            found = KeptScore(case.book.account_id, case.now, self._last.score, self._last.parts)
            case.scores.append(found)
        elif isinstance(was, Score):
            case.scores.append(KeptScore(case.book.account_id, case.now, None, None))


def _go_live(live: LiveHealth, since: datetime, *, is_new: bool) -> datetime | None:
    """When, in a fold from `since` on, the model has its first look at the account."""
    if live.changed_at > since:
        return live.changed_at
    return since if is_new else None
