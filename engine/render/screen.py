"""What of Jinja's language a template may use, and where its work is counted."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jinja2 import TemplateSyntaxError, nodes

from engine.render.filters import FILTERS, TESTS

_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.For,
    nodes.Assign,
    nodes.With,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Keyword,
    nodes.Filter,
    nodes.Test,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Call,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
)

DEEPEST = 200
"""Nodes within each other: a sum, a filter or a loop is one. Writing code for many more takes seconds."""


def screen(tree: nodes.Template) -> None:
    """Refuse what is not on the list, and wrap whatever could grow in the filters that count it.

    Raises TemplateSyntaxError with the line.
    """
    _check(tree)
    _count(tree)


def _check(tree: nodes.Template) -> None:
    """Refuse what is not on the list. Raises TemplateSyntaxError with the line."""
    for node in _walk(tree):
        problem = _problem(node)
        if problem:
            raise TemplateSyntaxError(problem, node.lineno or 1)


def _problem(node: nodes.Node) -> str | None:
    if not isinstance(node, _ALLOWED):
        return f'"{type(node).__name__.lower()}" is not available in templates'
    if isinstance(node, nodes.For) and node.recursive:
        return 'a "recursive" loop is not available in templates'
    if isinstance(node, nodes.Name) and (node.name.startswith("_") or node.name == "self"):
        return f'"{node.name}" is not available in templates'
    if isinstance(node, nodes.Filter) and (node.name not in FILTERS or node.node is None):
        return _no_such("filter", node.name, FILTERS)
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return _no_such("test", node.name, TESTS)
    return None


def _no_such(what: str, name: str, known: Mapping[str, Callable[..., Any]]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f'there is no {what} "{name}"' + (f' (did you mean "{near[0]}"?)' if near else "")


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    """Every node, parents before their children, in time proportional to their number.

    Raises TemplateSyntaxError where they are too deep within each other.
    """
    waiting = [(node, 0)]
    while waiting:
        found, depth = waiting.pop()
        if depth > DEEPEST:
            raise TemplateSyntaxError("is nested too deeply", found.lineno or 1)
        yield found
        waiting.extend((each, depth + 1) for each in reversed(list(found.iter_child_nodes())))


def _count(tree: nodes.Template) -> None:
    """Wrap whatever could grow in the filters that count it, innermost first."""
    for node in reversed(list(_walk(tree))):
        weight = 1 + sum(1 for _ in _walk(node)) if isinstance(node, nodes.For) else 0
        for field, value in list(node.iter_fields()):
            setattr(node, field, _replaced(value))
        if isinstance(node, nodes.For):
            node.iter = _filter(node.iter, "_loop", nodes.Const(weight, lineno=node.lineno))
        elif isinstance(node, nodes.Operand):
            node.expr = _filter(node.expr, "_searched" if node.op in ("in", "notin") else "_weighed")
        elif isinstance(node, nodes.Compare):
            node.expr = _filter(node.expr, "_weighed")
        elif isinstance(node, nodes.Test):
            node.node = _filter(node.node, "_weighed")
    if tree.environment is not None:
        tree.set_environment(tree.environment)


def _replaced(value: Any) -> Any:
    if isinstance(value, list):
        return [_replaced(each) for each in value]
    if isinstance(value, nodes.Concat):
        return _filter(nodes.List(value.nodes, lineno=value.lineno), "_concat")
    if isinstance(value, nodes.List) or (isinstance(value, nodes.Tuple) and value.ctx == "load"):
        return _filter(value, "_flat")
    return value


def _filter(node: Any, name: str, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)
