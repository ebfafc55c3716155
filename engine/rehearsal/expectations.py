"""What a test expects to have happened."""

from collections.abc import Callable

from engine.rehearsal.script import KEYS, Category, Expectation, Wanted
from engine.rulefile.notes import Notes, RefusedError
from engine.rulefile.parse_values import choice, scalar, slug, text, whole
from engine.rulefile.source import Node, Scalar, Sequence

EXPECT_KEYS = ("starts", *KEYS, "ended", "open", "held", "why", "others")
NOTHING = "nothing"


def read_expectation(node: Node, notes: Notes) -> Expectation:
    """`expect: {starts: 1, tasks: [{step: review}], ended: recovered}`, or `expect: nothing`."""
    if isinstance(node, Scalar) and node.text == NOTHING:
        return Expectation(node.line, node.column, 0, ())
    table = notes.table(node, EXPECT_KEYS, "expect")
    items = {key: tuple(_items(table.node.get(key), notes, key)) for key in KEYS if key in table}
    is_strict = table.optional("others", choice(["forbid", "allow"]), "forbid") == "forbid"
    return Expectation(
        node.line,
        node.column,
        table.maybe("starts", whole(0, 1000)),
        table.maybe("ended", _texts(slug)),
        items,
        table.maybe("open", _texts(text)),
        table.maybe("held", whole(0, 1000)),
        table.maybe("why", text),
        is_strict,
    )


def _items(node: Node | None, notes: Notes, category: Category) -> list[Wanted]:
    if isinstance(node, Sequence) and not node.items:
        return []
    return notes.each(lambda item: _wanted(item, notes, category), node, category) if node else []


def _wanted(node: Node, notes: Notes, category: Category) -> Wanted:
    """`{step: review, due: 2026-03-03}`, or only `review`; of a record its event, of an update its field."""
    if isinstance(node, Scalar):
        first = KEYS[category][0]
        return Wanted({first: slug(node) if first == "step" else text(node)})
    table = notes.table(node, KEYS[category], f"a member of {category}")
    parts = {key: table.maybe(key, lambda each: scalar(each).text.strip()) for key in KEYS[category]}
    return Wanted({key: value for key, value in parts.items() if value is not None})


def _texts(read: Callable[[Node], str]) -> Callable[[Node], tuple[str, ...]]:
    """A reader of one value or a list of them; an empty list is none."""

    def read_all(node: Node) -> tuple[str, ...]:
        if isinstance(node, Sequence):
            return tuple(read(item) for item in node.items)
        if isinstance(node, Scalar):
            return (read(node),)
        raise RefusedError(node, "takes a value or a list of values")

    return read_all
