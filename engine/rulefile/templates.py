"""The templates a playbook names: found, checked, and collected for its version."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.render.document import NotJsonError, read_document
from engine.render.templates import Renderer, RenderError
from engine.rulefile.notes import Notes
from engine.rulefile.problem import quote
from engine.rulefile.source import Node

FOLDER = "templates"
"""Under this folder a pinned version keeps its templates."""


class Templates:
    """Reads templates by their path relative to the templates folder, each once."""

    def __init__(self, find: Callable[[str], str | None], notes: Notes) -> None:
        """`find` returns None for a template that does not exist; it may raise OSError or ValueError."""
        self.texts: dict[str, str] = {}
        self._find = find
        self._notes = notes
        self._renderer = Renderer({})
        self._tried: set[str] = set()

    def require(self, path: str, node: Node) -> None:
        """Collect the template at `path`. A missing one is noted at `node`, a broken one at its own line."""
        self._collect(path, node, is_required=True)

    def allow(self, path: str, node: Node) -> None:
        """Collect the template at `path` if there is one. A broken one is noted at its own line."""
        self._collect(path, node, is_required=False)

    def check_title(self, title: str, node: Node) -> None:
        """Note a broken template of one line that stands in the rule file itself."""
        error = self.fault(title)
        if error:
            self._notes.add(node, f"title: is no valid template: {error}")

    def fault(self, line: str) -> str | None:
        """What keeps a template of one line from being read, if anything does."""
        error = self._renderer.check_line(line)
        return error.message if error else None

    def check_json(self, path: str, names: Mapping[str, Any]) -> None:
        """Note a template that gives no JSON with these values; one that cannot be rendered is left alone."""
        if path not in self.texts or path in self._tried:
            return
        self._tried.add(path)
        shown = f"{FOLDER}/{path}"
        try:
            read_document(Renderer({shown: self.texts[path]}).render(shown, names))
        except RenderError:
            return
        except NotJsonError as error:
            self._notes.add_at(shown, error.line, 1, f"gives no JSON: {error}")

    def _check(self, path: str, found: str) -> None:
        error = self._renderer.check_line(found, path)
        if error:
            line = int(error.place.rpartition(":")[2])
            self._notes.add_at(path, line, 1, f"is no valid template: {error.message}")

    def _collect(self, path: str, node: Node, *, is_required: bool) -> None:
        if path in self.texts:
            return
        shown = quote(f"{FOLDER}/{path}")
        try:
            found = self._find(path)
        except (OSError, ValueError) as error:
            self._notes.add(node, f"template {shown} cannot be read: {error}")
            return
        if found is not None:
            self.texts[path] = found
            self._check(f"{FOLDER}/{path}", found)
        elif is_required:
            self._notes.add(node, f"template {shown} does not exist; create it, or correct the name")
