"""Which playbooks keep which others quiet: read in each file, and checked over all of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from engine.rulefile.model import Mutes, OpenSteps, Playbook
from engine.rulefile.notes import RefusedError
from engine.rulefile.parse_values import choice, slug
from engine.rulefile.problem import Problem, nearest, quote
from engine.rulefile.scope import Scope
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Scalar, Sequence

MUTES_KEYS = ("playbooks", "open_steps")


@dataclass(frozen=True, slots=True)
class MutedName:
    """A playbook named under `mutes:`, and where."""

    name: str
    line: int
    column: int


def read_mutes(node: Node, scope: Scope, own_name: str | None) -> Mutes:
    """`{playbooks: [NAME, …], open_steps: hold | cancel}`. Raises RefusedError."""
    table = scope.notes.table(node, MUTES_KEYS, "mutes")
    names = table.required("playbooks", lambda each: _names(each, scope, own_name), "mutes")
    steps = table.optional("open_steps", choice(OpenSteps), OpenSteps.HOLD)
    return Mutes(names or (), OpenSteps(steps))


def _names(node: Node, scope: Scope, own_name: str | None) -> tuple[str, ...]:
    found: list[str] = scope.notes.each(slug, node, "playbooks")
    repeated = [name for name, count in Counter(found).items() if count > 1]
    if repeated:
        raise RefusedError(node, f"names {quote(repeated[0])} twice; keep one of them")
    if own_name in found:
        raise RefusedError(node, "the playbook mutes itself; remove its own name")
    return tuple(found)


def muted_names(root: Node | None) -> tuple[MutedName, ...]:
    """The names under `mutes:` of a rule file with their places, as far as they can be read."""
    mutes = root.get("mutes") if isinstance(root, MappingNode) else None
    listed = mutes.get("playbooks") if isinstance(mutes, MappingNode) else None
    if not isinstance(listed, Sequence):
        return ()
    return tuple(
        MutedName(each.text, each.line, each.column) for each in listed.items if isinstance(each, Scalar)
    )


@dataclass(frozen=True, slots=True)
class Muter:
    """A file whose playbook keeps others quiet."""

    file: str
    name: str
    mutes: tuple[MutedName, ...]


def unknown_mutes(muters: Iterable[Muter], known: Collection[str]) -> list[Problem]:
    """A problem for every name that no playbook has."""
    return [
        Problem(muter.file, each.line, each.column, _unknown(muter, each, known))
        for muter in muters
        for each in muter.mutes
        if each.name not in known
    ]


def _unknown(muter: Muter, muted: MutedName, known: Collection[str]) -> str:
    near = nearest(muted.name, sorted(known))
    mend = f" (did you mean {quote(near)}?)" if near else "; name a playbook of the rules folder"
    return f"playbook {quote(muter.name)}: mutes: unknown playbook {quote(muted.name)}{mend}"


def circles(muters: Collection[Muter]) -> list[Problem]:
    """A problem for every way in which playbooks mute one another in a circle."""
    by_name = {each.name: each for each in muters}
    found: dict[frozenset[str], Problem] = {}
    for start in sorted(by_name):
        for muted in by_name[start].mutes:
            path = _way(by_name, muted.name, start)
            if path is not None and muted.name != start:
                found.setdefault(frozenset(path), _circle(by_name[start], muted, [start, *path]))
    return list(found.values())


def _way(by_name: Mapping[str, Muter], start: str, goal: str) -> list[str] | None:
    """The shortest way along mutes from one playbook to another, both included."""
    came_from: dict[str, str | None] = {start: None}
    waiting = [start]
    for name in waiting:
        if name == goal:
            way = [name]
            while (before := came_from[way[-1]]) is not None:
                way.append(before)
            return way[::-1]
        for muted in by_name[name].mutes if name in by_name else ():
            if muted.name not in came_from:
                came_from[muted.name] = name
                waiting.append(muted.name)
    return None


def _circle(muter: Muter, muted: MutedName, path: list[str]) -> Problem:
    words = ", which mutes ".join(quote(each) for each in path[1:])
    message = f"playbook {quote(muter.name)}: mutes {words}: a circle; remove one of them"
    return Problem(muter.file, muted.line, muted.column, message)


def mute_levels(playbooks: Iterable[Playbook]) -> dict[str, int]:
    """How deep each playbook stands below those that mute it: 0 where none does.

    Within one instant lower levels are judged first, so that what mutes comes before what it mutes.
    """
    muted_by: dict[str, list[str]] = {}
    for each in playbooks:
        muted_by.setdefault(each.name, [])
        for name in each.mutes.playbooks if each.mutes is not None else ():
            muted_by.setdefault(name, []).append(each.name)
    levels = dict.fromkeys(muted_by, 0)
    for _ in muted_by:
        deeper = {
            name: 1 + max((levels[each] for each in muters), default=-1) for name, muters in muted_by.items()
        }
        if deeper == levels:
            break
        levels = deeper
    return levels
