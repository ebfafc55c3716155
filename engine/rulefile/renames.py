"""The names that playbooks had before: read in each file, and checked over all of them."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from engine.rulefile.notes import RefusedError
from engine.rulefile.parse_values import slug
from engine.rulefile.problem import Problem, quote
from engine.rulefile.scope import Scope
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Scalar, Sequence


@dataclass(frozen=True, slots=True)
class FormerName:
    """A name under `renamed_from:`, of which playbook and where."""

    name: str
    playbook: str
    file: str
    line: int
    column: int


def read_former(node: Node, scope: Scope, own_name: str | None) -> tuple[str, ...]:
    """`renamed_from: NAME`, or a list of names. Raises RefusedError."""
    listed = isinstance(node, Sequence)
    found: list[str] = scope.notes.each(slug, node, "renamed_from") if listed else [slug(node)]
    repeated = [name for name, count in Counter(found).items() if count > 1]
    if repeated:
        raise RefusedError(node, f"names {quote(repeated[0])} twice; keep one of them")
    if own_name in found:
        raise RefusedError(node, "is the playbook's own name; write the one it had before, or remove the key")
    return tuple(found)


def former_names(root: Node | None, playbook: str | None, file: str) -> tuple[FormerName, ...]:
    """The names under `renamed_from:` of a rule file with their places, as far as they can be read."""
    written = root.get("renamed_from") if isinstance(root, MappingNode) else None
    listed = written.items if isinstance(written, Sequence) else [written]
    return tuple(
        FormerName(each.text.strip(), playbook or "", file, each.line, each.column)
        for each in listed
        if isinstance(each, Scalar)
    )


def rename_problems(formers: Iterable[FormerName], live: Collection[str]) -> list[Problem]:
    """A problem for every former name that a playbook still has, or that two playbooks claim."""
    claimed: dict[str, FormerName] = {}
    found = []
    for each in formers:
        first = claimed.setdefault(each.name, each)
        told = None
        if each.name in live:
            told = f"there is still a playbook {quote(each.name)}; remove it, or this key"
        elif first.playbook != each.playbook:
            told = f"{quote(first.playbook)} was {quote(each.name)} too; only one can go on with its past"
        if told is not None:
            about = f"playbook {quote(each.playbook)}: " if each.playbook else ""
            found.append(Problem(each.file, each.line, each.column, f"{about}renamed_from: {told}"))
    return found
