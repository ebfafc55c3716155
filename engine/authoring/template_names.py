"""Names that a template uses and nothing gives it, found without rendering it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from engine.conditions.catalogue import Catalogue, Kind
from engine.render.filters import FILTERS, TESTS
from engine.rulefile.problem import nearest, quote

_READER = Environment()
_READER.filters |= FILTERS
_READER.tests |= TESTS


@dataclass(frozen=True, slots=True)
class Stray:
    """A name that is not there, on a line of the template."""

    line: int
    message: str


def known_names(catalogue: Catalogue, subject: Kind, *, is_email: bool) -> dict[str, frozenset[str] | None]:
    """What a template of a playbook about `subject` can name, each with its parts where they are known."""

    def parts(kind: Kind) -> frozenset[str]:
        return frozenset([*catalogue.of_kind(kind), "id"])

    found: dict[str, frozenset[str] | None] = {
        "account": parts(Kind.ACCOUNT),
        "playbook": frozenset(["name", "title"]),
        "run": frozenset(["started_at", "reason"]),
        "today": None,
        "brand": None,
        "footer": None,
        "champion": parts(Kind.CONTACT),
        "csm": frozenset(["name", "email"]),
        subject.value: parts(subject),
    }
    if is_email:
        found |= {"contact": parts(Kind.CONTACT), "unsubscribe_url": None}
    return found


def stray_names(source: str, names: Mapping[str, frozenset[str] | None], where: str) -> Iterator[Stray]:
    """Every name in `source` that is not among `names`; `where` says what the template is."""
    try:
        tree = _READER.parse(source)
        suspects = _suspects(tree, names)
        given = meta.find_undeclared_variables(tree) if suspects else set()
    except TemplateSyntaxError:
        return
    for owner, part, line in suspects:
        if owner not in given:
            continue
        if part is None:
            yield Stray(line, f"there is no {quote(owner)} in {where}{_hint(owner, names)}")
        else:
            near = nearest(part, names[owner] or ())
            hint = f" (did you mean {quote(f'{owner}.{near}')}?)" if near else ""
            yield Stray(line, f"there is no {quote(f'{owner}.{part}')}{hint}")


def _suspects(
    tree: nodes.Template, names: Mapping[str, frozenset[str] | None]
) -> list[tuple[str, str | None, int]]:
    """Names, and parts of names, that are not known; whether the template makes them itself is not asked yet.

    Most templates have none, which spares them the question, as dear as compiling them.
    """
    asked = {*_asked_about(tree), "range"}
    used = ((node.name, node.lineno) for node in tree.find_all(nodes.Name))
    found: list[tuple[str, str | None, int]] = [
        (name, None, line) for name, line in used if name not in names and name not in asked
    ]
    for owner, part, line in _parts(tree):
        known = names.get(owner)
        if known is not None and part not in known:
            found.append((owner, part, line))
    return found


def _hint(name: str, names: Mapping[str, object]) -> str:
    near = nearest(name, names)
    return f" (did you mean {quote(near)}?)" if near else ""


def _asked_about(tree: nodes.Template) -> set[str]:
    """Names the template itself asks about with `is defined`, because it serves several kinds of playbook."""
    tests = (each for each in tree.find_all(nodes.Test) if each.name in ("defined", "undefined"))
    return {each.node.name for each in tests if isinstance(each.node, nodes.Name)}


def _parts(tree: nodes.Template) -> Iterator[tuple[str, str, int]]:
    """Every `owner.part` and `owner["part"]` with its line."""
    for dotted in tree.find_all(nodes.Getattr):
        if isinstance(dotted.node, nodes.Name):
            yield dotted.node.name, dotted.attr, dotted.lineno
    for keyed in tree.find_all(nodes.Getitem):
        if isinstance(keyed.node, nodes.Name) and isinstance(keyed.arg, nodes.Const):
            yield keyed.node.name, str(keyed.arg.value), keyed.lineno
