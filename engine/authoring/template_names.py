"""Names that a template uses and nothing gives it, found without rendering it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from engine.conditions.catalogue import Catalogue, Kind
from engine.render.filters import FILTERS, TESTS
from engine.rulefile.problem import nearest, quote


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
    reader = Environment()
    reader.filters |= FILTERS
    reader.tests |= TESTS
    try:
        tree = reader.parse(source)
        given = meta.find_undeclared_variables(tree) - {"range"}
    except TemplateSyntaxError:
        return
    asked = _asked_about(tree)
    for node in tree.find_all(nodes.Name):
        if node.name in given and node.name not in names and node.name not in asked:
            yield Stray(node.lineno, f"there is no {quote(node.name)} in {where}{_hint(node.name, names)}")
    for owner, part, line in _parts(tree):
        known = names.get(owner) if owner in given else None
        if known is not None and part not in known:
            path = f"{owner}.{part}"
            near = nearest(part, known)
            hint = f" (did you mean {quote(f'{owner}.{near}')}?)" if near else ""
            yield Stray(line, f"there is no {quote(path)}{hint}")


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
