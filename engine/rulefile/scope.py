"""What the parts of one rule file may name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from engine.conditions.catalogue import OF_A_METRIC, Catalogue, Field, Kind, seen_from
from engine.rulefile.notes import Notes, RefusedError
from engine.rulefile.parse_properties import is_property, property_of
from engine.rulefile.parse_values import slug, text
from engine.rulefile.problem import alternatives, quote
from engine.rulefile.shared_conditions import SharedConditions
from engine.rulefile.source import Node
from engine.rulefile.templates import Templates


@dataclass(frozen=True)
class Scope:
    """Fields, roles, templates and steps that can be named from anywhere in the file."""

    notes: Notes
    catalogue: Catalogue
    roles: Collection[str]
    templates: Templates
    subject: Kind | None
    """None when the file does not say it rightly; then every field may be named."""
    steps: Mapping[str, tuple[str, ...]]
    """The outcomes of every step's task, by the step's id."""
    conditions: SharedConditions = field(default_factory=SharedConditions)
    topics: Collection[str] = ()
    """What an email may be about; empty where none is declared."""

    @property
    def visible(self) -> tuple[Kind, ...]:
        """The kinds whose fields the subject can see; all of them where it is not known."""
        if self.subject is None:
            return tuple(Kind)
        return seen_from(self.subject)

    def field(self, node: Node) -> Field:
        """The field a path names. Raises RefusedError when there is none or the subject cannot see it."""
        if self.subject is Kind.EVENT or (self.subject is None and is_property(node)):
            return property_of(node)
        found = self._known(node, self.visible)
        if found.kind not in self.visible:
            seen = alternatives(f"{kind}.*" for kind in self.visible)
            mend = f"use a field of {seen}"
            if self.subject is Kind.ACCOUNT:
                mend += ', or count what the account has with "count:"'
            message = f"{quote(found.path)} cannot be seen from a {self.subject}; {mend}"
            raise RefusedError(node, message, stands_alone=True)
        return found

    def field_of(self, node: Node, kinds: Collection[Kind]) -> Field:
        """The field a path names, of one of `kinds` whatever the subject. Raises RefusedError."""
        found = self._known(node, kinds)
        if found.kind not in kinds:
            of = alternatives(f"{kind}.*" for kind in kinds)
            raise RefusedError(node, f"{quote(found.path)} is one value; name a field of {of}")
        return found

    def _known(self, node: Node, kinds: Collection[Kind]) -> Field:
        path = text(node)
        if is_property(node):
            message = f'{quote(path)} is what one event carries, so it stands in "where" of an event'
            raise RefusedError(node, message, stands_alone=True)
        found = self.catalogue.fields.get(path)
        if found is None and self.subject is Kind.METRIC:
            found = OF_A_METRIC.get(path)
        if found is None:
            hint = self._field_hint(path, kinds)
            raise RefusedError(node, f"unknown field {quote(path)}{hint}", stands_alone=True)
        return found

    def _field_hint(self, path: str, kinds: Collection[Kind]) -> str:
        """What to do about an unknown path: the nearest field of these kinds."""
        kind, dot, name = path.rpartition(".")
        seen = [each for each in self.catalogue.fields.values() if each.kind in kinds]
        siblings = {each.name: each.path for each in reversed(seen) if not dot or each.kind == kind}
        near = self.notes.suggestion(name, siblings)
        if near:
            return f" (did you mean {quote(siblings[near])}?)"
        if kind == Kind.METRIC:
            return "; declare the metric under fields in config.yaml"
        return "" if siblings else self.notes.hint(path, (each.path for each in seen))

    def role(self, node: Node) -> str:
        """One of our own roles. Raises RefusedError."""
        name = text(node)
        if name not in self.roles:
            hint = self.notes.hint(name, self.roles) or f"; the roles are {alternatives(sorted(self.roles))}"
            raise RefusedError(node, f"unknown role {quote(name)}{hint}")
        return name

    def topic(self, node: Node) -> str:
        """A topic of emails. Raises RefusedError where topics are declared and it is none of them."""
        name = slug(node)
        if self.topics and name not in self.topics:
            hint = (
                self.notes.hint(name, self.topics)
                or f"; email.topics in config.yaml has {alternatives(sorted(self.topics))}"
            )
            raise RefusedError(node, f"unknown topic {quote(name)}{hint}")
        return name

    def step(self, node: Node) -> str:
        """The id of a step of this playbook. Raises RefusedError."""
        name = text(node)
        if name not in self.steps:
            raise RefusedError(
                node, f"unknown step {quote(name)}{self.notes.hint(name, self.steps)}", stands_alone=True
            )
        return name
