"""Which states began shortly before a playbook went live, for `existing: {since: …}`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from engine.fold.account import AccountFold
from engine.fold.case import Record
from engine.fold.needs import needs
from engine.fold.openings import verdict_of
from engine.fold.view import BookView
from engine.fold.world import LivePlaybook, World
from engine.rulefile.model import Existing
from engine.state.book import Dossier, Needs, Start

Young = dict[str, dict[str, dict[str, datetime]]]
"""By account and playbook: the subjects whose state is young, with the instant it began."""


@dataclass(frozen=True)
class Arrival:
    """A playbook with `existing: {since: …}` takes stock of an account at an instant."""

    account_id: str
    live: LivePlaybook
    at: datetime

    @property
    def early(self) -> datetime:
        """The instant from which a state counts as young."""
        since = self.live.playbook.existing.since
        assert since is not None
        return self.at - since


EarlyBooks = Callable[[Needs, datetime, Mapping[str, Start], datetime], Mapping[str, Dossier]]
"""From needs, an instant long before, starts there and when late inputs are judged, to the dossiers."""


def recent_states(
    read: EarlyBooks,
    world: World,
    dossiers: Mapping[str, Dossier],
    arrivals: Iterable[Arrival],
) -> Young:
    """Fold the accounts in which such a state holds through the stretch before, with no effects."""
    found: Young = defaultdict(dict)
    groups: dict[tuple[datetime, datetime], list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        if _may_hold(world, arrival, dossiers[arrival.account_id]):
            groups[arrival.early, arrival.at].append(arrival)
    for (early, at), group in groups.items():
        lives = {each.live.playbook.name: each.live for each in group}
        wanted = needs([each.playbook for each in lives.values()], world.health)
        watching = _watching(world, lives, early)
        starts = {each.account_id: Start(early) for each in group}
        for account_id, dossier in read(wanted, early, starts, at).items():
            folded = AccountFold(watching, dossier, Record(), at, is_new=True).run()
            for episode in folded.episodes:
                if episode.is_open and episode.since > early:
                    by_subject = found[account_id].setdefault(episode.playbook, {})
                    by_subject[episode.subject_id] = episode.since
    return found


def _may_hold(world: World, arrival: Arrival, dossier: Dossier) -> bool:
    """Whether the state holds for one of the subjects, or inputs still to come might make it hold."""
    if any(each.at <= arrival.at for each in dossier.inputs):
        return True
    book, kind = dossier.book, arrival.live.playbook.subject
    tz = world.calendar(book.account).zone
    return any(
        verdict_of(arrival.live, BookView(book, kind, subject_id, arrival.at, tz))
        for subject_id in book.ids(kind)
    )


def _watching(world: World, lives: Mapping[str, LivePlaybook], since: datetime) -> World:
    """A world in which these playbooks only watch."""
    idle = {
        live.playbook.version: replace(
            live.playbook,
            existing=Existing("wait"),
            steps=(),
            exits=(),
            on=(),
            every=None,
            cooldown=None,
            run_per=None,
            group_by=None,
            anchor=None,
            mutes=None,
            repeat_every=None,
        )
        for live in lives.values()
    }
    watchers = tuple(LivePlaybook(each, since, since) for each in idle.values())
    return replace(world, live=watchers, pinned=idle.__getitem__, _reads={})
