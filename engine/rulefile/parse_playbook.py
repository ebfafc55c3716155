"""One rule file to a playbook: every check, every problem, and the version that pins it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from engine.conditions.catalogue import Kind
from engine.rulefile.blueprints import USE_KEY, expanded
from engine.rulefile.known import Known
from engine.rulefile.model import Guard, Leave, Playbook, Step
from engine.rulefile.mutes import MutedName, muted_names
from engine.rulefile.notes import Notes, RefusedError, Table
from engine.rulefile.parse_every import note_every
from engine.rulefile.parse_running import read_anchor, read_running
from engine.rulefile.parse_steps import outcomes_by_step, read_steps
from engine.rulefile.parse_trigger import read_trigger
from engine.rulefile.parse_values import choice, longer_than_zero, slug, whole
from engine.rulefile.parse_values import text as line
from engine.rulefile.problem import Problem, in_order
from engine.rulefile.relocate import depth
from engine.rulefile.renames import FormerName, former_names, read_former
from engine.rulefile.scope import Scope
from engine.rulefile.shared import NOTHING_SHARED, Shared
from engine.rulefile.shared_conditions import SharedConditions
from engine.rulefile.source import DEEPEST_NESTING, LARGEST_FILE, Node, Sequence, Source, read_source
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.templates import FOLDER, Templates
from engine.rulefile.write import yaml_text

PLAYBOOK_KEYS = (
    "playbook",
    "renamed_from",
    "title",
    "owner",
    "review_every",
    "subject",
    "priority",
    "audience",
    "when",
    "on",
    "every",
    "for",
    "on_missing",
    "existing",
    "keep_active_for",
    "cooldown",
    "repeat_every",
    "mode",
    "run_per",
    "group_by",
    "anchor",
    "late",
    "guard",
    "mutes",
    "steps",
    "exit",
)
PINNED_CONDITIONS = "<shared conditions>"
"""Under this name a pinned version keeps the shared conditions it uses; no file can be called so."""

SUBJECTS = (Kind.ACCOUNT, Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET, Kind.SOURCE)


@dataclass(frozen=True)
class Parsed:
    """What came of one rule file."""

    playbook: Playbook | None
    """None when there is any error."""
    problems: tuple[Problem, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    """The texts that pin this version: the rule file under its path, templates under `templates/`."""
    name: str | None = None
    """The playbook's name, as far as it could be read."""
    name_at: tuple[int, int] = (1, 1)
    """Line and column of the name."""
    mutes: tuple[MutedName, ...] = ()
    """The playbooks it names under `mutes:`."""
    formers: tuple[FormerName, ...] = ()
    """The names it had before."""
    root: Node | None = None
    """Its tree, with what a blueprint gives it."""


def parse_playbook(
    file: str,
    text: str,
    known: Known,
    *,
    templates: Callable[[str], str | None],
    shared: Shared = NOTHING_SHARED,
) -> Parsed:
    """Read one rule file. Never raises: whatever is wrong comes back as problems, all at once.

    `templates` finds a template's text by its path relative to the templates folder; `shared` has the
    conditions and blueprints of other files.
    """
    return parse_source(file, text, read_source(file, text), known, templates=templates, shared=shared)


def parse_source(
    file: str,
    text: str,
    source: Source,
    known: Known,
    *,
    templates: Callable[[str], str | None],
    shared: Shared = NOTHING_SHARED,
) -> Parsed:
    """`parse_playbook` of a text that was read before."""
    notes = Notes(file)
    found = Templates(templates, notes)
    conditions = SharedConditions(shared.conditions)
    scope = Scope(notes, known.catalogue, known.roles, found, None, {}, conditions, known.topics)
    root, text = _unfolded(source.root, text, scope, shared)
    table = _table(root, notes)
    if table is None:
        return Parsed(None, in_order([*source.problems, *notes.problems]))
    notes.playbook = _name(table)
    scope = replace(scope, subject=_subject(table), steps=outcomes_by_step(table.node.get("steps")))
    playbook = _playbook(table, scope, known.guard)
    pinning = _conditions(table, scope)
    problems = in_order([*source.problems, *notes.problems])
    files = {
        file: text,
        **{f"{FOLDER}/{path}": content for path, content in found.texts.items()},
        **pinning,
    }
    pinned = None
    if playbook is not None and not any(each.is_error for each in problems):
        pinned = replace(playbook, version=_version(text, {**found.texts, **pinning}))
    formers = former_names(root, notes.playbook, file)
    return Parsed(pinned, problems, files, notes.playbook, _place(table), muted_names(root), formers, root)


def _unfolded(root: Node | None, text: str, scope: Scope, shared: Shared) -> tuple[Node | None, str]:
    """The tree and the text of the playbook that a file means, which may come from a blueprint."""
    if not isinstance(root, MappingNode) or USE_KEY not in root.entries:
        return root, text
    scope.notes.playbook = _name(Table(root, scope.notes))
    unfolded = expanded(root, shared.blueprints, scope)
    if unfolded is None:
        return None, text
    if depth(unfolded) > DEEPEST_NESTING:
        scope.notes.add(root, f"nested more than {DEEPEST_NESTING} levels deep with its blueprint")
        return None, text
    return unfolded, yaml_text(unfolded)


def _conditions(table: Table, scope: Scope) -> dict[str, str]:
    """The text that pins the shared conditions used."""
    tree = scope.conditions.used_tree()
    if tree is None:
        return {}
    text = yaml_text(tree)
    if len(text) > LARGEST_FILE:
        scope.notes.add(table.node, f"uses shared conditions of more than {LARGEST_FILE:,} characters")
    return {PINNED_CONDITIONS: text}


def _version(text: str, others: Mapping[str, str]) -> str:
    """A hash over everything used, each with its length, so that no two sets look alike."""
    found = sha256()
    for path, content in [("", text), *sorted(others.items())]:
        found.update(f"{path}\0{len(content)}\0{content}".encode())
    return found.hexdigest()


def _table(root: Node | None, notes: Notes) -> Table | None:
    if root is None:
        return None
    return notes.attempt(lambda node: notes.table(node, PLAYBOOK_KEYS, "a playbook"), root, "the file")


def _name(table: Table) -> str | None:
    """The name by which problems call the playbook."""
    node = table.node.get("playbook")
    try:
        return slug(node) if node else None
    except RefusedError:
        return None


def _place(table: Table) -> tuple[int, int]:
    node = table.node.get("playbook")
    return (node.line, node.column) if node else (1, 1)


def _subject(table: Table) -> Kind | None:
    kind = table.required("subject", choice(SUBJECTS), "a playbook")
    return Kind(kind) if kind else None


def _playbook(table: Table, scope: Scope, guard: Guard) -> Playbook | None:
    """The playbook without its version; None when a part it cannot be without is missing."""
    name = table.required("playbook", slug, "a playbook")
    anchor = table.maybe("anchor", lambda node: read_anchor(node, scope))
    steps = table.required("steps", lambda node: read_steps(node, scope, "anchor" in table), "a playbook")
    parts = {**_about(table, scope), **read_trigger(table, scope), **read_running(table, scope, guard)}
    _check_together(table, scope)
    _check_end(table, scope, steps or (), parts)
    if name is None or not steps or scope.subject is None:
        return None
    parts.setdefault("title", name.replace("-", " ").replace("_", " ").capitalize())
    file = scope.notes.file
    return Playbook(
        name=name, subject=scope.subject, steps=steps, anchor=anchor, file=file, version="", **parts
    )


def _about(table: Table, scope: Scope) -> dict[str, Any]:
    """Who the playbook belongs to."""
    own = scope.notes.playbook
    title = table.maybe("title", line)
    return {
        "renamed_from": table.optional("renamed_from", lambda node: read_former(node, scope, own), ()),
        "owner": table.optional("owner", line, ""),
        "review_every": table.maybe("review_every", longer_than_zero),
        "priority": table.optional("priority", whole(0, 100), 50),
        **({"title": title} if title else {}),
    }


def _check_together(table: Table, scope: Scope) -> None:
    """Note keys that only make sense beside others."""
    notes = scope.notes
    if not any(key in table for key in ("when", "on", "every")):
        message = 'a playbook needs "when" (a state), "on" (a moment) or "every" (the calendar) to start'
        notes.add(table.node, message)
    note_every(table)
    if "owner" not in table:
        notes.add(table.node, "no owner; say who maintains it", "warning")
    for key in ("for", "existing", "on_missing", "keep_active_for", "repeat_every"):
        if key in table and "when" not in table:
            notes.add(table.key(key), f'{key}: has no effect without "when"', "warning")
    for key in ("run_per", "group_by"):
        if "repeat_every" in table and key in table:
            message = f"repeat_every: cannot stand beside {key}, which lets a run start only once; remove one"
            notes.add(table.key("repeat_every"), message)
    if "group_by" in table and scope.subject is Kind.ACCOUNT:
        notes.add(table.key("group_by"), "group_by: has no effect when the subject is an account", "warning")


def _check_end(table: Table, scope: Scope, steps: tuple[Step, ...], parts: Mapping[str, Any]) -> None:
    """Note a run that nothing could end: its steps all repeat, and it has no exit."""
    written = table.node.get("steps")
    is_whole = isinstance(written, Sequence) and len(steps) == len(written.items)
    can_end = "exit" in table or parts.get("leave") is Leave.EXIT
    if is_whole and not can_end and all(step.repeats for step in steps):
        message = "every step repeats, so a run would never end; add an exit, or a step without repeat"
        scope.notes.add(table.key("steps"), message)
