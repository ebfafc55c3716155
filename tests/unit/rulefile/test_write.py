"""Trees as YAML text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rulefile.source import Mapping, Node, Scalar, Sequence, read_source
from engine.rulefile.write import WIDEST, yaml_text


def node(value: Any) -> Node:
    """A tree of a plain value; a text in a tuple is one without quotes."""
    if isinstance(value, dict):
        return Mapping({key: (Scalar(key, False, 1, 1), node(each)) for key, each in value.items()}, 1, 1)
    if isinstance(value, list):
        return Sequence(tuple(map(node, value)), 1, 1)
    return Scalar(value[0], True, 1, 1) if isinstance(value, tuple) else Scalar(value, False, 1, 1)


def shape(found: Node | None) -> Any:
    """What a tree says, without places; a text that may be a number or a flag in a tuple."""
    if isinstance(found, Mapping):
        return {key: shape(each) for key, (_, each) in found.entries.items()}
    if isinstance(found, Sequence):
        return [shape(each) for each in found.items]
    assert isinstance(found, Scalar)
    return (found.text,) if found.is_plain else found.text


_REFUSED = [*map(chr, range(0x200E, 0x2070)), "\ufeff", "\ufffe", "\uffff"]
_LETTERS = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=_REFUSED
)
TEXTS = st.text(_LETTERS, max_size=12)
PLAIN = st.sampled_from([("40",), ("true",), ("T-90",), ("1e3",), ("80%",), ("2bd",), ("a b",)])
TREES: st.SearchStrategy[Any] = st.recursive(
    PLAIN | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


@given(TREES)
def test_yaml_text_reads_as_the_same_tree(tree: Any) -> None:
    """Whatever the texts hold, and whether or not they were in quotes."""
    source = read_source("a.yaml", yaml_text(node(tree)))
    assert source.problems == ()
    assert shape(source.root) == tree


@pytest.mark.parametrize(
    "text", ["null", "~", "", "no", "- a", "a: b", "#a", "*", "@x", "a\nb", "{{ x }}", '"']
)
def test_yaml_text_quotes_what_could_mean_something_else(text: str) -> None:
    """A text stays a text."""
    assert shape(read_source("a.yaml", yaml_text(node({"a": text}))).root) == {"a": text}


def test_yaml_text_breaks_long_lists_only() -> None:
    """What fits on a line stays on it."""
    assert yaml_text(node({"a": [("1",), ("2",)]})) == '"a": [1, 2]\n'
    long = yaml_text(node({"a": [("1" * 60,), ("2" * 60,)]}))
    assert long == f'"a":\n  - {"1" * 60}\n  - {"2" * 60}\n'
    assert all(len(line) <= WIDEST for line in long.splitlines())
