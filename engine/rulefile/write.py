"""A tree of keys and values as YAML text that reads as the same tree again."""

import json
import re
from collections.abc import Iterator

from engine.rulefile.source import Mapping, Node, Scalar, Sequence

WIDEST = 100
"""Characters of a line that holds a whole list or mapping."""

_BARE = re.compile(r"-?[A-Za-z0-9_+.](?:[A-Za-z0-9_+.%/ -]*[A-Za-z0-9_+.%/-])?", re.ASCII)
"""Text that means itself in YAML wherever it stands."""


def yaml_text(root: Node) -> str:
    """The tree as one YAML document. A null is written as `null`, however it was spelled."""
    if isinstance(root, Mapping) and root.entries:
        return "".join(f"{line}\n" for line in _mapping_lines(root))
    return f"{_flow(root)}\n"


def _mapping_lines(node: Mapping) -> Iterator[str]:
    for key, value in node.entries.values():
        name = _scalar(key)
        flow = _flow(value)
        if _is_short(value, f"{name}: {flow}"):
            yield f"{name}: {flow}"
        else:
            yield f"{name}:"
            yield from (f"  {line}" for line in _lines(value))


def _lines(node: Node) -> Iterator[str]:
    """A list or mapping that is not empty, over several lines."""
    if isinstance(node, Mapping):
        yield from _mapping_lines(node)
    elif isinstance(node, Sequence):
        for item in node.items:
            flow = _flow(item)
            lines = iter([flow] if _is_short(item, flow) else _lines(item))
            yield f"- {next(lines)}"
            yield from (f"  {line}" for line in lines)


def _is_short(node: Node, line: str) -> bool:
    parts = node.entries if isinstance(node, Mapping) else node.items if isinstance(node, Sequence) else ()
    return not parts or len(line) <= WIDEST


def _flow(node: Node) -> str:
    """The node on one line."""
    if isinstance(node, Scalar):
        return _scalar(node)
    if isinstance(node, Sequence):
        return "[" + ", ".join(map(_flow, node.items)) + "]"
    return "{" + ", ".join(f"{_scalar(key)}: {_flow(value)}" for key, value in node.entries.values()) + "}"


def _scalar(node: Scalar) -> str:
    if node.is_null:
        return "null"
    if node.is_plain and _BARE.fullmatch(node.text):
        return node.text
    return json.dumps(node.text, ensure_ascii=False)
