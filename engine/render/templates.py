"""Renders templates by path, and one-line templates such as task titles, within bounds."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType, TracebackType
from typing import Any

from jinja2 import Template, TemplateSyntaxError

from engine.render.budget import Budget
from engine.render.sandbox import BoundedContext, Sandbox

LONGEST_SOURCE = 64 * 1024
LONGEST_LINE = 500
"""Characters of a rendered line; a longer one is cut."""

_SHORT = 4_000
"""Characters up to which a text's code is kept for other renderers; longer ones would fill the memory."""
_COMPILER = Sandbox()

_NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+")


class RenderError(Exception):
    """A template cannot be read or rendered. `place` is `PATH:LINE`."""

    def __init__(self, place: str, message: str) -> None:
        self.place = place
        self.message = message
        super().__init__(f"{place}: {message}")


class Renderer:
    """The templates of one version of a playbook, compiled when first used."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """`files` are template texts by path, such as `templates/tasks/outreach.md.j2`."""
        self._files = files
        self._sandbox = Sandbox()
        self._compiled: dict[tuple[str, str], Template] = {}

    def render(self, path: str, context: Mapping[str, Any]) -> str:
        """The template at `path` filled in from `context`. Raises RenderError."""
        if path not in self._files:
            raise RenderError(path, "there is no such template")
        return self._filled(self._files[path], path, context)

    def line(self, source: str, context: Mapping[str, Any], place: str = "title") -> str:
        """The one-line template `source` filled in; line breaks and control characters become spaces.

        `place` is where the source stands, for the message of a RenderError.
        """
        return one_line(self._filled(source, place, context))

    def has(self, path: str) -> bool:
        """Whether there is a template at `path`."""
        return path in self._files

    def mentions(self, path: str, word: str) -> bool:
        """Whether the template at `path`, if there is one, has the word."""
        return re.search(rf"\b{re.escape(word)}\b", self._files.get(path, "")) is not None

    def check(self, path: str) -> RenderError | None:
        """What keeps the template at `path` from being read, if anything does."""
        if path not in self._files:
            return RenderError(path, "there is no such template")
        return self.check_line(self._files[path], path)

    def check_line(self, source: str, place: str = "title") -> RenderError | None:
        """What keeps the template `source` from being read, if anything does."""
        try:
            self._template(source, place)
        except RenderError as error:
            return error
        return None

    def _filled(self, source: str, place: str, context: Mapping[str, Any]) -> str:
        template = self._template(source, place)
        values = template.new_context(dict(context))
        assert isinstance(values, BoundedContext)
        values.budget = Budget()
        chunks: list[str] = []
        try:
            for chunk in template.root_render_func(values):
                values.budget.print(chunk)
                chunks.append(chunk)
        except Exception as error:  # whatever a template can provoke is the template's mistake
            raise RenderError(f"{place}:{_line_of(error.__traceback__, template)}", _words(error)) from error
        return "".join(chunks)

    def _template(self, source: str, place: str) -> Template:
        found = self._compiled.get((place, source))
        if found is None:
            found = self._compiled[(place, source)] = self._read(source, place)
        return found

    def _read(self, source: str, place: str) -> Template:
        if len(source) > LONGEST_SOURCE:
            raise RenderError(f"{place}:1", f"is longer than {LONGEST_SOURCE:,} characters")
        try:
            code = _short_code(source, place) if len(source) <= _SHORT else _code(source, place)
            return Template.from_code(self._sandbox, code, dict(self._sandbox.globals))
        except TemplateSyntaxError as error:
            raise RenderError(f"{place}:{error.lineno}", error.message or "is no template") from error
        except (SyntaxError, RecursionError, MemoryError, ValueError, OverflowError) as error:
            raise RenderError(f"{place}:1", "is nested too deeply, or holds a number too long") from error


def _code(source: str, place: str) -> CodeType:
    return _COMPILER.compile(source, name=place, filename=place)


_short_code = lru_cache(maxsize=1_000)(_code)
"""All sandboxes compile alike: a text is compiled once, however many renderers read it."""


def one_line(text: str) -> str:
    """`text` on one line: line breaks, tabs and control characters become single spaces."""
    line = _NOT_PRINTABLE.sub(" ", text).strip()
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1].rstrip() + "…"


def _line_of(trace: TracebackType | None, template: Template) -> int:
    """The template's line in which an error arose: the innermost frame that runs compiled template code."""
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == template.filename:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


def _words(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, ZeroDivisionError):
        return "divides by zero"
    if isinstance(error, ArithmeticError):
        return "calculates something that has no result"
    return str(error) or type(error).__name__
