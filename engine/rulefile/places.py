"""From a part of a playbook back to the line and column that say it."""

import re

from engine.rulefile.source import Mapping, Node, Scalar, Sequence

_PART = re.compile(r"([^\[\]]+)(?:\[(\d+)\])?")


def place_of(root: Node | None, path: str) -> tuple[int, int]:
    """Line and column of a path such as `steps.call.if.all[0]`, or of the nearest part around it."""
    node = root
    found = (1, 1)
    is_step = False
    for part in path.split("."):
        child = _step_named(node, part) if is_step else _child(node, part)
        if child is None:
            return found
        is_step = part == "steps" and node is root
        node, found = child, (child.line, child.column)
    return found


def _child(node: Node | None, part: str) -> Node | None:
    matched = _PART.fullmatch(part)
    child = node.get(matched[1]) if isinstance(node, Mapping) and matched else None
    if matched is None or matched[2] is None:
        return child
    index = int(matched[2])
    return child.items[index] if isinstance(child, Sequence) and index < len(child.items) else None


def _step_named(node: Node | None, name: str) -> Node | None:
    for item in node.items if isinstance(node, Sequence) else ():
        written = item.get("id") if isinstance(item, Mapping) else None
        if isinstance(written, Scalar) and written.text.strip() == name:
            return item
    return None
