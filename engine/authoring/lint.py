"""What is legal in playbooks and unwise: warnings, never errors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.authoring.lint_conditions import condition_warnings
from engine.authoring.lint_effects import effect_warnings
from engine.authoring.lint_emails import email_warnings
from engine.authoring.lint_overlap import overlaps, purposes
from engine.authoring.lint_people import actions_of, people_warnings
from engine.authoring.template_names import Stray, known_names, stray_names
from engine.authoring.warning import Warned
from engine.conditions.catalogue import Catalogue, Kind
from engine.rulefile.effects import RecordAction, UpdateAction, lines_of
from engine.rulefile.load import Rules
from engine.rulefile.model import Playbook, TaskAction
from engine.rulefile.places import place_of
from engine.rulefile.problem import Problem, in_order, quote
from engine.rulefile.source import Node
from engine.rulefile.templates import FOLDER
from engine.settings import Settings


@dataclass(frozen=True)
class _File:
    """A playbook with its texts and the tree of its file."""

    playbook: Playbook
    texts: Mapping[str, str]
    root: Node | None

    def problem(self, warned: Warned) -> Problem:
        line, column = place_of(self.root, warned.path)
        return self.at(self.playbook.file, line, column, warned.message)

    def at(self, file: str, line: int, column: int, message: str) -> Problem:
        return Problem(file, line, column, f"playbook {quote(self.playbook.name)}: {message}", "warning")


def lint(
    rules: Rules, settings: Settings, catalogue: Catalogue, changed_at: Mapping[str, datetime], now: datetime
) -> tuple[Problem, ...]:
    """Every warning about the sound playbooks among `rules`, in order.

    `changed_at` has the last change of each rule file by its path.
    """
    files = {
        each.name: _File(each, rules.files[each.name], rules.roots[each.name]) for each in rules.playbooks
    }
    names = _Names(catalogue)
    found: list[Problem] = []
    for file in files.values():
        found += map(file.problem, condition_warnings(file.playbook))
        found += map(file.problem, people_warnings(file.playbook, settings, catalogue))
        found += map(file.problem, effect_warnings(file.playbook))
        found += map(file.problem, _overdue(file.playbook, changed_at, now))
        found += _strays(file, names)
        for path, line, words in email_warnings(file.playbook, file.texts, settings, catalogue):
            found.append(file.at(path, line, 1, words))

    def place(playbook: Playbook, path: str) -> str:
        line, column = place_of(files[playbook.name].root, path)
        return f"{playbook.file}:{line}:{column}"

    found += [files[playbook.name].problem(warned) for playbook, warned in overlaps(rules.playbooks, place)]
    found += [files[playbook.name].problem(warned) for playbook, warned in purposes(rules.playbooks, place)]
    return in_order(found)


def _overdue(playbook: Playbook, changed_at: Mapping[str, datetime], now: datetime) -> Iterator[Warned]:
    changed = changed_at.get(playbook.file)
    if playbook.review_every is None or changed is None or now < changed + playbook.review_every.elapsed:
        return
    days = (now - changed).days
    yield Warned(
        "review_every",
        f"review_every: last changed {days} days ago; look it over, and note the day in the file",
    )


@dataclass(frozen=True)
class _Names:
    """Looks for stray names, in each template once."""

    catalogue: Catalogue
    _found: dict[tuple[str, Kind, bool], tuple[Stray, ...]] = field(default_factory=dict)

    def strays(self, source: str, subject: Kind, *, is_email: bool = False) -> tuple[Stray, ...]:
        key = (source, subject, is_email)
        if key not in self._found:
            known = known_names(self.catalogue, subject, is_email=is_email)
            where = f"{'an email' if is_email else 'a template'} of a playbook about {subject}s"
            self._found[key] = tuple(stray_names(source, known, where))
        return self._found[key]


def _strays(file: _File, names: _Names) -> Iterator[Problem]:
    """Names in titles and templates that nothing gives them."""
    subject = file.playbook.subject
    for path, action in actions_of(file.playbook):
        lines = [("task.title", action.title)] if isinstance(action, TaskAction) else []
        if isinstance(action, RecordAction | UpdateAction):
            lines += lines_of(action)
        for part, line in lines:
            for stray in names.strays(line, subject):
                key = part.removeprefix("task.").removeprefix("record.properties.").removeprefix("update.")
                yield file.problem(Warned(f"{path}.{part}", f"{key}: {stray.message}"))
    for path, text in file.texts.items():
        if path.startswith(f"{FOLDER}/"):
            is_email = path.startswith("templates/emails/")
            for stray in names.strays(text, subject, is_email=is_email):
                yield file.at(path, stray.line, 1, stray.message)
