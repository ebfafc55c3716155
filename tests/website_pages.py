"""Every address of the console that answers a person, read off the table of who may call what.

A page without parameters is found by itself, and so is one whose parameters have examples here.
"""

import re
from collections.abc import Iterator, Mapping

from engine.api.permissions import ROUTES

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "account_id": ("acme", "hostile", "a%2Fb%20c%3Fd"),
    "name": ("at-risk",),
    "entry_id": ("o1", "o2"),
    "task_id": ("t-late", "t-hostile"),
}
"""What stands in an address for a parameter, as the seeded book has it."""

VARIANTS = (
    "/queue?assignee=dana",
    "/queue?group=snoozed",
    "/queue?assignee=nobody",
    "/accounts?q=nothing+of+that+name",
    "/why?playbook=at-risk&account=acme",
    "/why?playbook=at-risk&account=nobody",
    "/mail?state=discarded",
    "/nowhere",
)
"""Addresses that show another side of a page."""

_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")
_PROGRAMS = ("/api/", "/healthz", "/readyz")


def page_paths() -> list[str]:
    """The paths that are looked at and are not for programs, as the table has them."""
    gets = [each.removeprefix("GET ") for each in ROUTES if each.startswith("GET ")]
    return sorted(each for each in gets if not each.startswith(_PROGRAMS))


def addresses(examples: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Addresses for every path, with more examples. Raises KeyError for a parameter that has none."""
    known = {**EXAMPLES, **examples}
    return [*(each for path in page_paths() for each in _filled(path, known)), *VARIANTS]


def _filled(path: str, examples: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The path with each example in turn; each of several parameters takes its own, or its last."""
    names = _PARAMETER.findall(path)
    missing = [name for name in names if name not in examples]
    if missing:
        raise KeyError(f"{path}: give an example of {missing[0]} in tests/website_pages.py")
    for turn in range(max((len(examples[name]) for name in names), default=1)):
        filled = path
        for name in names:
            chosen = examples[name][min(turn, len(examples[name]) - 1)]
            filled = re.sub(rf"{{{name}(:\w+)?}}", chosen, filled)
        yield filled
