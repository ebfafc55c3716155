"""What the files of a rules folder share: conditions and blueprints."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from engine.conditions.catalogue import Catalogue
from engine.rulefile.asked import Place
from engine.rulefile.blueprints import BLUEPRINT_KEY, USE_KEY, Blueprint, read_blueprint
from engine.rulefile.notes import Notes
from engine.rulefile.parse_conditions import read_condition
from engine.rulefile.problem import Problem, quote
from engine.rulefile.scope import Scope
from engine.rulefile.shared_conditions import (
    CONDITIONS_KEY,
    Definition,
    SharedConditions,
    in_reading_order,
    list_definitions,
    repeated,
)
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Scalar, Source
from engine.rulefile.templates import Templates


@dataclass(frozen=True)
class Shared:
    """Everything that a playbook may use from other files, by name."""

    conditions: Mapping[str, Definition] = field(default_factory=dict)
    blueprints: Mapping[str, Blueprint] = field(default_factory=dict)


NOTHING_SHARED = Shared()

SHARED_WORDS = (BLUEPRINT_KEY, CONDITIONS_KEY)
"""One of these stands in every file that shares something."""


def is_shared(root: Node | None) -> bool:
    """Whether a file holds shared conditions or a blueprint rather than a playbook."""
    if not isinstance(root, MappingNode):
        return False
    has_conditions = CONDITIONS_KEY in root.entries and "playbook" not in root.entries
    return has_conditions or BLUEPRINT_KEY in root.entries


def read_shared(files: Mapping[str, Source], catalogue: Catalogue) -> tuple[Shared, list[Problem]]:
    """What these files share, and everything wrong with them. Never raises."""
    problems = [one for source in files.values() for one in source.problems]
    roots = {file: source.root for file, source in files.items() if isinstance(source.root, MappingNode)}
    conditions = _conditions(
        {file: root for file, root in roots.items() if BLUEPRINT_KEY not in root.entries}, catalogue, problems
    )
    blueprints = _blueprints(
        {file: root for file, root in roots.items() if BLUEPRINT_KEY in root.entries}, problems
    )
    return Shared(conditions, blueprints), problems


def _conditions(
    roots: Mapping[str, Node], catalogue: Catalogue, problems: list[Problem]
) -> dict[str, Definition]:
    listed = []
    for file, root in roots.items():
        notes = Notes(file)
        listed.append(list_definitions(root, notes))
        problems += notes.problems
    problems += repeated(listed)
    found = {name: replace(each, is_sound=False) for names in listed for name, each in names.items()}
    templates = Templates(lambda path: None, Notes(""))
    for definition in in_reading_order(found, problems):
        noted = _problems(definition, found, catalogue, templates)
        problems += noted
        found[definition.name] = replace(definition, is_sound=not any(each.is_error for each in noted))
    return found


def _problems(
    definition: Definition, known: Mapping[str, Definition], catalogue: Catalogue, templates: Templates
) -> list[Problem]:
    """What is wrong with a shared condition whatever playbook uses it."""
    notes = Notes(definition.file)
    scope = Scope(notes, catalogue, (), templates, None, {}, SharedConditions(known))
    place = Place(f"{CONDITIONS_KEY}.{definition.name}")
    notes.attempt(lambda node: read_condition(node, scope, place), definition.node, definition.name)
    return notes.problems


def _blueprints(roots: Mapping[str, MappingNode], problems: list[Problem]) -> dict[str, Blueprint]:
    found: dict[str, Blueprint] = {}
    for file, root in roots.items():
        notes = Notes(file)
        blueprint = read_blueprint(root, notes)
        problems += notes.problems
        other = found.setdefault(blueprint.name, blueprint) if blueprint else None
        if blueprint and other and other is not blueprint:
            problems += _repeated([(blueprint, other), (other, blueprint)])
    return found


def _repeated(pairs: Iterable[tuple[Blueprint, Blueprint]]) -> list[Problem]:
    return [
        Problem(
            one.file,
            one.line,
            one.column,
            f"blueprint {quote(one.name)}: {other.place} has the same name; rename one of the two",
        )
        for one, other in pairs
    ]


def unused_blueprints(shared: Shared, roots: Iterable[Node | None]) -> list[Problem]:
    """A warning for every blueprint that none of these files uses: what it says is never checked."""
    named = [root.get(USE_KEY) for root in roots if isinstance(root, MappingNode)]
    used = {each.text.strip() for each in named if isinstance(each, Scalar)}
    message = "no playbook uses this blueprint, so what it says is not checked"
    return [
        Problem(each.file, each.line, each.column, f"blueprint {quote(name)}: {message}", "warning")
        for name, each in shared.blueprints.items()
        if name not in used
    ]
