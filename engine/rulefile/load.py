"""The rules folder: every playbook in it, everything wrong with it, and versions pinned long ago."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from engine.conditions.catalogue import Catalogue
from engine.rulefile.folder import RULE, Walk, rule_text, template_reader
from engine.rulefile.known import Known
from engine.rulefile.model import Playbook
from engine.rulefile.mutes import Muter, circles, unknown_mutes
from engine.rulefile.parse_playbook import PINNED_CONDITIONS, Parsed, parse_playbook, parse_source
from engine.rulefile.problem import Problem, in_order, quote
from engine.rulefile.renames import rename_problems
from engine.rulefile.shared import (
    NOTHING_SHARED,
    SHARED_WORDS,
    Shared,
    is_shared,
    read_shared,
    unused_blueprints,
)
from engine.rulefile.source import Node, Source, read_source
from engine.rulefile.templates import FOLDER


@dataclass(frozen=True)
class Rules:
    """The playbooks of a folder."""

    playbooks: tuple[Playbook, ...]
    """Those without an error, by name."""
    files: Mapping[str, Mapping[str, str]]
    """By playbook name, the texts that pin its version."""
    problems: tuple[Problem, ...]
    roots: Mapping[str, Node | None] = field(default_factory=dict)
    """By playbook name, the tree of its file, with what a blueprint gives it."""
    names: frozenset[str] = frozenset()
    """Of all playbooks, those with errors included."""

    @property
    def is_sound(self) -> bool:
        """Whether every file can be used. Rules that cannot be used whole are not used at all."""
        return not any(each.is_error for each in self.problems)


class PinnedRuleError(ValueError):
    """A stored version of a playbook can no longer be read; the message has every problem."""


def load_rules(rules: Path, templates: Path, known: Known) -> Rules:
    """Read every rule file under `rules`. Never raises: what cannot be read is among the problems."""
    found = Walk()
    files = sorted(found.walk(rules))
    return _combine(files, found.problems, templates, known, others=frozenset)


def load_files(
    files: Iterable[Path],
    templates: Path,
    known: Known,
    *,
    others: Callable[[], Collection[str]] | None = None,
    beside: Mapping[str, Source] | None = None,
) -> Rules:
    """Read these rule files and folders alone.

    `others` finds the playbooks that they may name besides their own; without it names go unchecked.
    `beside` holds files whose conditions and blueprints they may use.
    """
    found = Walk()
    chosen = sorted({each for path in files for each in ([path] if path.is_file() else found.walk(path))})
    return _combine(chosen, found.problems, templates, known, others, beside or {})


def shared_files(rules: Path) -> dict[str, Source]:
    """The files under `rules` that hold conditions or blueprints, by path, as far as they can be read."""
    found = {}
    for file in sorted(Walk().walk(rules)):
        text = rule_text(file)
        if isinstance(text, str) and any(word in text for word in SHARED_WORDS):
            source = read_source(file.as_posix(), text)
            if is_shared(source.root):
                found[file.as_posix()] = source
    return found


def parse_pinned(files: Mapping[str, str], known: Known) -> Playbook:
    """Read a stored version from the texts that pin it. Raises PinnedRuleError when it no longer can be.

    The topics of emails are as they were then.
    """
    rule = next((path for path in files if path.endswith(RULE)), None)
    if rule is None:
        raise PinnedRuleError("the stored version has no rule file")
    find = partial(_pinned_template, files)
    shared = _pinned_conditions(files, known.catalogue)
    parsed = parse_playbook(rule, files[rule], replace(known, topics=()), templates=find, shared=shared)
    if parsed.playbook is None:
        raise PinnedRuleError("\n".join(str(each) for each in parsed.problems if each.is_error))
    return parsed.playbook


def _pinned_template(files: Mapping[str, str], path: str) -> str | None:
    return files.get(f"{FOLDER}/{path}")


def _pinned_conditions(files: Mapping[str, str], catalogue: Catalogue) -> Shared:
    if PINNED_CONDITIONS not in files:
        return NOTHING_SHARED
    source = read_source(PINNED_CONDITIONS, files[PINNED_CONDITIONS])
    return read_shared({PINNED_CONDITIONS: source}, catalogue)[0]


def _combine(
    files: Iterable[Path],
    problems: list[Problem],
    templates: Path,
    known: Known,
    others: Callable[[], Collection[str]] | None,
    beside: Mapping[str, Source] | None = None,
) -> Rules:
    """`beside` is None where these are all the files there are."""
    find = template_reader(templates)
    texts = _texts(files, problems)
    sources = {file: read_source(file, text) for file, text in texts.items()}
    shared = _shared(sources, beside or {}, known.catalogue, problems)
    if beside is None:
        problems += unused_blueprints(shared, [each.root for each in sources.values()])
    parsed = {
        file: parse_source(file, texts[file], source, known, templates=find, shared=shared)
        for file, source in sources.items()
        if not is_shared(source.root)
    }
    repeated = _repeated(parsed)
    kept = {
        each.playbook.name: each for path, each in parsed.items() if each.playbook and path not in repeated
    }
    return Rules(
        playbooks=tuple(each.playbook for _, each in sorted(kept.items()) if each.playbook),
        files={name: each.files for name, each in kept.items()},
        roots={name: each.root for name, each in kept.items()},
        problems=in_order(
            [
                *problems,
                *repeated.values(),
                *_mute_problems(parsed, others),
                *_rename_problems(parsed, others),
                *(one for each in parsed.values() for one in each.problems),
            ]
        ),
        names=frozenset(each.name for each in parsed.values() if each.name),
    )


def _texts(files: Iterable[Path], problems: list[Problem]) -> dict[str, str]:
    """The text of every file that can be read, by path."""
    found = {}
    for file in files:
        text = rule_text(file)
        if isinstance(text, Problem):
            problems.append(text)
        else:
            found[file.as_posix()] = text
    return found


def _shared(
    sources: Mapping[str, Source],
    beside: Mapping[str, Source],
    catalogue: Catalogue,
    problems: list[Problem],
) -> Shared:
    """What these files and those beside them share. Only the problems of these files are noted."""
    real = {os.path.realpath(file) for file in sources}
    own = {file: source for file, source in sources.items() if is_shared(source.root)}
    others = {file: source for file, source in beside.items() if os.path.realpath(file) not in real}
    shared, found = read_shared({**own, **others}, catalogue)
    problems += [each for each in found if each.file in own]
    return shared


def _mute_problems(
    parsed: Mapping[str, Parsed], others: Callable[[], Collection[str]] | None
) -> list[Problem]:
    muters = [Muter(path, each.name, each.mutes) for path, each in parsed.items() if each.name and each.mutes]
    found = circles(muters)
    if muters and others is not None:
        known = {each.name for each in parsed.values() if each.name} | set(others())
        found += unknown_mutes(muters, known)
    return found


def _rename_problems(
    parsed: Mapping[str, Parsed], others: Callable[[], Collection[str]] | None
) -> list[Problem]:
    formers = [former for each in parsed.values() for former in each.formers]
    live = {each.name for each in parsed.values() if each.name}
    return rename_problems(formers, live | set(others() if formers and others is not None else ()))


def _repeated(parsed: Mapping[str, Parsed]) -> dict[str, Problem]:
    """A problem for every file whose playbook has the name of another, by file."""
    by_name: dict[str, list[str]] = {}
    for path, each in parsed.items():
        if each.name:
            by_name.setdefault(each.name, []).append(path)
    found = {}
    for name, paths in by_name.items():
        for path in paths if len(paths) > 1 else ():
            other = next(each for each in paths if each != path)
            at = parsed[other].name_at
            message = (
                f"playbook {quote(name)}: {other}:{at[0]}:{at[1]} has the same name; rename one of the two"
            )
            found[path] = Problem(path, *parsed[path].name_at, message)
    return found
