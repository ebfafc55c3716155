"""The live set of playbooks: what the folder says, what is pinned, and since when each decides."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from engine.admit.pauses import is_paused
from engine.conditions.catalogue import Catalogue
from engine.conditions.tree import Condition
from engine.fold.world import LivePlaybook, every_condition, moment_condition
from engine.narrow.going_live import ask_for_look, look_at_all
from engine.narrow.resting import may_concern
from engine.permit.unsubscribe import UnsubscribeLinks, unsubscribe_links
from engine.render.email import LAYOUT
from engine.render.templates import Renderer
from engine.rulefile.configured import known_to, read_rules
from engine.rulefile.load import Rules, parse_pinned
from engine.rulefile.model import Playbook
from engine.rulefile.problem import Problem
from engine.settings import Settings
from engine.state.database import reading
from engine.state.feedings import feeding_goes_live, is_feeding_current
from engine.state.feeds import read_feeds
from engine.state.healths import health_goes_live, is_health_current, live_health
from engine.state.renaming import carry_over, has_past
from engine.state.sources import declare_sources
from engine.state.tables import PlaybookVersion, Rulebook, Run
from engine.state.upsert import upsert

_LOG = logging.getLogger(__name__)
_RULEBOOK: Any = Rulebook.__table__  # type: ignore[attr-defined]
_VERSION: Any = PlaybookVersion.__table__  # type: ignore[attr-defined]
_RUN: Any = Run.__table__  # type: ignore[attr-defined]


def read_layout(settings: Settings) -> dict[str, str]:
    """The layout of today's emails under its path; empty where there is none."""
    file = Path(settings.templates) / LAYOUT.removeprefix("templates/")
    return {LAYOUT: file.read_text(encoding="utf-8")} if file.is_file() else {}


@dataclass
class Library:
    """Playbooks and templates by version, read once and kept.

    The loaded set changes as a whole or not at all: while a file is broken, the versions last live go on.
    """

    settings: Settings
    catalogue: Catalogue
    database: Engine
    rules: Rules = field(init=False)
    _playbooks: dict[str, Playbook] = field(default_factory=dict)
    _files: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _renderers: dict[str, Renderer] = field(default_factory=dict)
    titles: Renderer = field(default_factory=lambda: Renderer({}))
    """Renders one-line titles, whatever version they are of."""
    _seen: object = None
    _links: UnsubscribeLinks | None = None

    def __post_init__(self) -> None:
        self._seen = self._fingerprint()
        self.rules = self._kept(read_rules(self.settings, self.catalogue))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the files as they were last read."""
        return self.rules.problems

    def use(self, rules: Rules) -> None:
        """Take this set in place of the folder's."""
        self.rules = self._kept(rules)

    def is_stale(self) -> bool:
        """Whether any file has changed since the files were read."""
        return self._fingerprint() != self._seen

    def refresh(self) -> bool:
        """Read the files again if any has changed. True when they were read."""
        now = self._fingerprint()
        if now == self._seen:
            return False
        self._seen = now
        self.rules = self._kept(read_rules(self.settings, self.catalogue))
        return True

    def _kept(self, rules: Rules) -> Rules:
        for playbook in rules.playbooks:
            self._playbooks[playbook.version] = playbook
            self._files[playbook.version] = rules.files[playbook.name]
        return rules

    def _fingerprint(self) -> object:
        """Names, sizes and times of all files that playbooks are made of."""
        found = []
        for folder in (self.settings.rules, self.settings.templates):
            for file in sorted(Path(folder).rglob("*")):
                try:
                    status = file.stat()
                except OSError:
                    continue
                found.append((str(file), status.st_mtime_ns, status.st_size))
        return found

    def playbook(self, version: str) -> Playbook:
        """The playbook of a version. Raises PinnedRuleError when it can no longer be read."""
        if version not in self._playbooks:
            found = parse_pinned(self.files(version), known_to(self.settings, self.catalogue))
            self._playbooks[version] = replace(found, name=self._name(version) or found.name)
        return self._playbooks[version]

    def _name(self, version: str) -> str | None:
        """What the playbook of a stored version is called by now."""
        with reading(self.database) as connection:
            query = select(_VERSION.c.playbook).where(_VERSION.c.version == version)
            return connection.scalar(query)

    def rename(self, old: str, new: str) -> None:
        """Call the versions of a playbook by its new name."""
        for version, each in self._playbooks.items():
            if each.name == old:
                self._playbooks[version] = replace(each, name=new)

    def files(self, version: str) -> Mapping[str, str]:
        """The texts that pin a version. Raises KeyError when it was never stored."""
        if version not in self._files:
            with reading(self.database) as connection:
                files = connection.scalar(select(_VERSION.c.files).where(_VERSION.c.version == version))
            if files is None:
                raise KeyError(version)
            self._files[version] = files
        return self._files[version]

    def renderer(self, version: str) -> Renderer:
        """The templates of a version, within the layout of today."""
        if version not in self._renderers:
            self._renderers[version] = Renderer({**self.files(version), **read_layout(self.settings)})
        return self._renderers[version]

    def unsubscribe_url(self, contact_id: str, topic: str) -> str:
        """The link by which the contact leaves the topic."""
        if self._links is None:
            self._links = unsubscribe_links(self.database, self.settings.console.public_url)
        return self._links.url(contact_id, topic)


def live_set(connection: Connection, library: Library) -> tuple[LivePlaybook, ...]:
    """The playbooks that decide now, as the database has them; those that rest owe what they decide."""
    rows = connection.execute(select(_RULEBOOK).order_by(_RULEBOOK.c.playbook)).all()
    return tuple(LivePlaybook(library.playbook(row.version), row.live_since, row.changed_at) for row in rows)


def is_current(connection: Connection, library: Library) -> bool:
    """Whether what decides is what the files and the settings say."""
    return (
        is_rulebook_current(connection, library)
        and is_health_current(connection, library.settings.health)
        and is_feeding_current(connection, library.settings.sources)
    )


def decides(connection: Connection, library: Library) -> bool:
    """Whether anything is live: a playbook, or a way of computing health."""
    return bool(live_set(connection, library)) or live_health(connection, library.catalogue) is not None


def is_rulebook_current(connection: Connection, library: Library) -> bool:
    """Whether the live set is what the files say. While one is broken, or none is left, it stays as it is."""
    if not library.rules.is_sound or not library.rules.playbooks:
        return True
    rows = connection.execute(select(_RULEBOOK.c.playbook, _RULEBOOK.c.version)).all()
    return {row.playbook: row.version for row in rows} == {
        each.name: each.version for each in library.rules.playbooks
    }


def go_live(connection: Connection, library: Library, at: datetime) -> None:
    """Let the files and the settings decide from `at` on, and have a look where that may matter."""
    if not is_feeding_current(connection, library.settings.sources):
        _feeding_goes_live(connection, library, at)
    if not is_health_current(connection, library.settings.health):
        health_goes_live(connection, library.settings.health, at)
        _LOG.info("another way of computing health is live")
        look_at_all(connection, at)
    if not is_rulebook_current(connection, library):
        _playbooks_go_live(connection, library, at)


def _feeding_goes_live(connection: Connection, library: Library, at: datetime) -> None:
    """Let the settings say what rests on which source, and look at all accounts where a rule asks for it."""
    moved = feeding_goes_live(connection, library.settings.sources, at)
    declare_sources(connection, library.catalogue, library.settings.sources, at)
    _LOG.info("other settings of the sources are live")
    playbooks = [each.playbook for each in live_set(connection, library)] + followed(connection, library)
    if may_concern(moved, playbooks, live_health(connection, library.catalogue)):
        look_at_all(connection, at)


def followed(connection: Connection, library: Library) -> list[Playbook]:
    """The versions that open runs follow."""
    query = select(_RUN.c.version).where(_RUN.c.state == "open").distinct()
    return [library.playbook(version) for version in connection.scalars(query)]


def _playbooks_go_live(connection: Connection, library: Library, at: datetime) -> None:
    known = {row.playbook: row for row in connection.execute(select(_RULEBOOK)).all()}
    wanted = {each.name: each for each in library.rules.playbooks}
    gone = set(known) - set(wanted)
    for each in wanted.values():
        _take_over(connection, library, each, known)
    upsert(
        connection,
        _VERSION,
        [
            {
                "version": each.version,
                "playbook": each.name,
                "files": dict(library.rules.files[each.name]),
                "first_seen_at": at,
            }
            for each in wanted.values()
        ],
        keep=True,
    )
    changed = [
        {
            "playbook": name,
            "version": each.version,
            "live_since": known[name].live_since if name in known else at,
            "changed_at": at,
            "paused": is_paused(connection, name),
        }
        for name, each in wanted.items()
        if name not in known or known[name].version != each.version
    ]
    upsert(connection, _RULEBOOK, changed)
    if gone:
        connection.execute(_RULEBOOK.delete().where(_RULEBOOK.c.playbook.in_(gone)))
    moved = [wanted[str(each["playbook"])] for each in changed]
    feeds = read_feeds(connection, at)
    ask_for_look(connection, at, moved, {each.name for each in moved} | gone, feeds)
    _LOG.info("%d playbooks live, %d changed, %d gone", len(wanted), len(changed), len(gone))


def _take_over(connection: Connection, library: Library, playbook: Playbook, known: dict[str, Any]) -> None:
    """Give a playbook that is new the past of the names it had before."""
    if playbook.name in known or not playbook.renamed_from:
        return
    if has_past(connection, playbook.name):
        _LOG.warning("playbook %s has a past of its own, so renamed_from changes nothing", playbook.name)
        return
    former = [each for each in playbook.renamed_from if each in known or has_past(connection, each)]
    for old in former[:1]:
        carry_over(connection, old, playbook.name)
        library.rename(old, playbook.name)
        if old in known:
            known[playbook.name] = known[old]
        _LOG.info("playbook %s goes on as %s", old, playbook.name)


def named_conditions(live: tuple[LivePlaybook, ...]) -> dict[str, Condition]:
    """Every condition that can change an episode, by the name under which the matcher knows it."""
    found: dict[str, Condition] = {}
    for each in live:
        if each.condition is not None:
            found[f"{each.playbook.name}/when"] = each.condition
        for index in range(len(each.playbook.on)):
            condition = moment_condition(each.playbook, index)
            if condition is not None:
                found[f"{each.playbook.name}/on[{index}]"] = condition
        on_day = every_condition(each.playbook) if each.playbook.every is not None else None
        if on_day is not None:
            found[f"{each.playbook.name}/every"] = on_day
    return found


INSTANT_AFTER = timedelta(microseconds=1)
"""A changed set goes live an instant after the tick that found it: the old one decides up to that tick."""
