"""The templates a playbook names: found, checked for syntax, and collected for its version."""

import re
from collections.abc import Callable

from jinja2 import TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment

from engine.rulefile.notes import Notes
from engine.rulefile.problem import quote
from engine.rulefile.source import LARGEST_FILE, Node

FOLDER = "templates"
"""Under this folder a pinned version keeps its templates."""

EMAIL_PARTS = ("subject.txt.j2", "body.html.j2", "body.txt.j2")

_SAFE_PATH = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


class Templates:
    """Reads templates by their path relative to the templates folder, each once."""

    def __init__(self, find: Callable[[str], str | None], notes: Notes) -> None:
        self.texts: dict[str, str] = {}
        self._find = find
        self._notes = notes
        self._environment = SandboxedEnvironment()

    def require_email(self, name: str, node: Node) -> None:
        """Note every part of the email `name` that is missing or broken."""
        for part in EMAIL_PARTS:
            self.require(f"emails/{name}/{part}", node)

    def require(self, path: str, node: Node) -> None:
        """Collect the template at `path`; note at `node` that it is missing, where it is broken that it is."""
        waiting = [path]
        while waiting:
            current = waiting.pop()
            if current not in self.texts:
                waiting.extend(self._collect(current, node))

    def check_title(self, title: str, node: Node) -> None:
        """Note that a template of one line, written in the rule file itself, is broken."""
        if message := self._fault(title)[1]:
            self._notes.add(node, f"title: {message}")

    def _collect(self, path: str, node: Node) -> list[str]:
        """Keep one template and return the paths of those it includes."""
        found = self._read(path, node)
        if found is None:
            return []
        self.texts[path] = found
        line, message = self._fault(found)
        if message:
            self._notes.add_at(f"{FOLDER}/{path}", line, 1, message)
            return []
        return self._included(path, found)

    def _read(self, path: str, node: Node) -> str | None:
        """The text, or None with the reason noted at the line that names the template."""
        try:
            found = self._find(path) if _SAFE_PATH.fullmatch(path) else None
        except (OSError, ValueError) as error:
            self._notes.add(node, f"template {quote(f'{FOLDER}/{path}')} cannot be read: {error}")
            return None
        if found is None:
            self._notes.add(
                node, f"template {quote(f'{FOLDER}/{path}')} does not exist; create it or mend the name"
            )
        elif len(found) > LARGEST_FILE or "\x00" in found:
            self._notes.add(node, f"template {quote(f'{FOLDER}/{path}')} is too large or not text")
            return None
        return found

    def _fault(self, source: str) -> tuple[int, str]:
        """The line and the words of what is wrong with a template; no words when it is sound."""
        try:
            self._environment.parse(source)
        except TemplateSyntaxError as error:
            return error.lineno, f"not a valid template: {error.message}"
        except RecursionError:
            return 1, "not a valid template: nested too deeply"
        except (TemplateError, ValueError, OverflowError, MemoryError) as error:
            return 1, f"not a valid template: {error}"
        return 1, ""

    def _included(self, path: str, source: str) -> list[str]:
        """The templates that this one includes or extends; note those whose name is computed."""
        found = []
        for name in meta.find_referenced_templates(self._environment.parse(source)):
            if name is None:
                message = "the name of an included template is computed; write it out"
                self._notes.add_at(f"{FOLDER}/{path}", 1, 1, message)
            else:
                found.append(name)
        return sorted(found)
