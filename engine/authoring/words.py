"""The parts of a preview, and the rendering that notes what fails instead of stopping."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.render.templates import RenderError


@dataclass(slots=True)
class Written:
    """What one action would send or create."""

    to: str | None
    why: Sequence[str]
    facts: Mapping[str, str]
    title: str | None
    text: str | None
    html: str | None
    problems: list[str] = field(default_factory=list)


def collect(render: Callable[[], str], problems: list[str]) -> str | None:
    """What `render` gives, or None with its error among the problems."""
    try:
        return render()
    except RenderError as error:
        problems.append(str(error))
        return None
