"""Which states began shortly before a playbook went live, for `existing: {since: …}`."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from engine.conditions.catalogue import Catalogue
from engine.fold.account import AccountFold
from engine.fold.case import Record
from engine.fold.world import LivePlaybook, World, needs
from engine.rulefile.model import Existing, Playbook
from engine.state.book import BookReader, Start

Young = dict[str, dict[str, dict[str, datetime]]]
"""By account and playbook: the subjects whose state is young, with the instant it began."""


def recent_states(
    connection: Connection,
    catalogue: Catalogue,
    world: World,
    arriving: Iterable[tuple[str, LivePlaybook, datetime]],
) -> Young:
    """Fold each arriving (account, playbook, go-live) through the stretch before, with no effects."""
    found: Young = defaultdict(dict)
    for live, at, account_ids in _grouped(arriving):
        assert live.playbook.existing.since is not None
        early = at - live.playbook.existing.since
        watching = _watching(world, live.playbook, early)
        dossiers = BookReader(catalogue, needs([live.playbook])).read(
            connection, {each: Start(early) for each in account_ids}, late_at=at
        )
        for account_id, dossier in dossiers.items():
            folded = AccountFold(watching, dossier, Record(), at, is_new=True).run()
            found[account_id][live.playbook.name] = {
                each.subject_id: each.since for each in folded.episodes if each.is_open and each.since > early
            }
    return found


def _grouped(
    arriving: Iterable[tuple[str, LivePlaybook, datetime]],
) -> list[tuple[LivePlaybook, datetime, list[str]]]:
    groups: dict[tuple[str, datetime], tuple[LivePlaybook, datetime, list[str]]] = {}
    for account_id, live, at in arriving:
        groups.setdefault((live.playbook.name, at), (live, at, []))[2].append(account_id)
    return list(groups.values())


def _watching(world: World, playbook: Playbook, since: datetime) -> World:
    """A world in which the playbook only watches."""
    idle = replace(
        playbook,
        existing=Existing("wait"),
        steps=(),
        exits=(),
        on=(),
        cooldown=None,
        run_per=None,
        group_by=None,
        anchor=None,
    )
    return replace(world, live=(LivePlaybook(idle, since, since),), pinned=lambda _: idle)
