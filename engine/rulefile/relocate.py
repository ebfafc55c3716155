"""Parts of one file put to use in another: they count at the place of use, and remember where they stand."""

from dataclasses import replace

from engine.rulefile.source import Mapping, Node, Scalar, Sequence


def relocated(node: Node, at: Node, what: str, file: str) -> Node:
    """`node` of `file` as if it stood at `at`; problems with it will name `what` and its place in `file`."""
    via = node.via or f"{what}, {file}:{node.line}:{node.column}"
    if isinstance(node, Scalar):
        return replace(node, line=at.line, column=at.column, via=via)
    if isinstance(node, Sequence):
        items = tuple(relocated(each, at, what, file) for each in node.items)
        return Sequence(items, at.line, at.column, via)
    entries = {
        name: (_key(key, at, what, file), relocated(value, at, what, file))
        for name, (key, value) in node.entries.items()
    }
    return Mapping(entries, at.line, at.column, via)


def _key(key: Scalar, at: Node, what: str, file: str) -> Scalar:
    via = key.via or f"{what}, {file}:{key.line}:{key.column}"
    return replace(key, line=at.line, column=at.column, via=via)


def size(node: Node) -> int:
    """How many keys and values a tree has."""
    if isinstance(node, Scalar):
        return 1
    if isinstance(node, Sequence):
        return 1 + sum(map(size, node.items))
    return 1 + sum(1 + size(value) for _, value in node.entries.values())


def depth(node: Node) -> int:
    """How many lists and mappings lie within one another."""
    if isinstance(node, Scalar):
        return 0
    inner = node.items if isinstance(node, Sequence) else [value for _, value in node.entries.values()]
    return 1 + max(map(depth, inner), default=0)
