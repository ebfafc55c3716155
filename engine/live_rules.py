"""The playbooks a running service decides by: read from the folder, exchanged whole or not at all."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, select

from engine.rulefile.load import Known, PinnedRuleError, Rules, load_rules, parse_pinned
from engine.rulefile.model import Guard, Playbook
from engine.rulefile.problem import Problem
from engine.settings import Settings
from engine.state.database import reading
from engine.state.tables import PlaybookVersion, Rulebook

log = logging.getLogger("tminus.rules")

Stamp = Mapping[str, tuple[int, int]]
"""Time of change and size of every file, by path."""


class LiveRules:
    """The set in force, and what is wrong with the files that would follow it.

    A folder with an error in it changes nothing: the set in force stays, and the problems are told.
    """

    def __init__(self, load: Callable[[], Rules], folders: tuple[Path, ...], in_force: Rules) -> None:
        self._load = load
        self._folders = folders
        self._stamp = _stamp(folders)
        self._rules = in_force

    @property
    def current(self) -> Rules:
        """The set in force, with the problems of the folder as it was last read."""
        return self._rules

    def is_changed(self) -> bool:
        """Whether a file was added, changed or removed since the folders were last read."""
        return _stamp(self._folders) != self._stamp

    def refresh(self) -> None:
        """Read the folders again where they changed."""
        stamp = _stamp(self._folders)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        loaded = self._load()
        _tell(loaded.problems)
        if loaded.is_sound:
            self._rules = loaded
            log.info("The rules changed; %d playbooks are in force.", len(loaded.playbooks))
        else:
            self._rules = replace(self._rules, problems=loaded.problems)
            log.warning("The rules changed and have problems, so the playbooks in force stay as they were.")


def open_rules(database: Engine, settings: Settings, guard: Guard) -> LiveRules:
    """The rules of a starting service.

    Where the folder has an error, the set that was in force when the service last ran stays in force; before
    there was one, the playbooks without an error are.
    """
    known: Known = {"catalogue": settings.catalogue(), "roles": tuple(settings.roles), "guard": guard}

    def load() -> Rules:
        return load_rules(settings.rules, settings.templates, **known)

    folders = (settings.rules, settings.templates)
    loaded = load()
    _tell(loaded.problems)
    if loaded.is_sound:
        return LiveRules(load, folders, loaded)
    kept = _last_in_force(database, known)
    if not kept.playbooks:
        return LiveRules(load, folders, loaded)
    log.warning("The rules have problems, so the playbooks in force stay as they were.")
    return LiveRules(load, folders, replace(kept, problems=loaded.problems))


def _last_in_force(database: Engine, known: Known) -> Rules:
    rulebook, version = Rulebook.__table__, PlaybookVersion.__table__  # type: ignore[attr-defined]
    query = (
        select(rulebook.c.playbook, version.c.files)
        .join(version, version.c.version == rulebook.c.version)
        .order_by(rulebook.c.playbook)
    )
    with reading(database) as connection:
        stored = {row.playbook: row.files for row in connection.execute(query)}
    playbooks = tuple(_readable(stored, known))
    return Rules(playbooks, {each.name: stored[each.name] for each in playbooks}, ())


def _readable(stored: Mapping[str, Mapping[str, str]], known: Known) -> Iterator[Playbook]:
    for name, files in stored.items():
        try:
            yield parse_pinned(files, **known)
        except PinnedRuleError as error:
            log.error('The stored version of playbook "%s" can no longer be read: %s', name, error)


def _stamp(folders: tuple[Path, ...]) -> Stamp:
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            try:
                status = path.stat()
            except OSError:
                continue
            found[path.as_posix()] = (status.st_mtime_ns, status.st_size)
    return found


def _tell(problems: tuple[Problem, ...]) -> None:
    for each in problems:
        log.log(logging.ERROR if each.is_error else logging.WARNING, "%s", each)
