"""YAML text to a positioned tree."""

import time

import pytest

from engine.rulefile.problem import Problem
from engine.rulefile.source import (
    DEEPEST_NESTING,
    LARGEST_FILE,
    Mapping,
    Node,
    Scalar,
    Sequence,
    decode_text,
    read_source,
)


def tree(text: str) -> Node:
    """The tree of a text without problems."""
    source = read_source("a.yaml", text)
    assert source.problems == ()
    assert source.root is not None
    return source.root


def value(text: str) -> Node | None:
    """The value of the key `a`."""
    root = tree(text)
    assert isinstance(root, Mapping)
    return root.get("a")


def test_read_source_keeps_line_and_column_of_keys_and_values() -> None:
    """Lines and columns count from 1."""
    root = tree("a: 1\nb:\n  - x\n  - {c: y}\n")
    assert isinstance(root, Mapping)
    key, listed = root.entries["b"]
    assert (key.line, key.column) == (2, 1)
    assert isinstance(listed, Sequence)
    assert (listed.items[0].line, listed.items[0].column) == (3, 5)
    inner = listed.items[1]
    assert isinstance(inner, Mapping)
    assert inner.entries["c"] == (Scalar("c", True, 4, 6), Scalar("y", True, 4, 9))


@pytest.mark.parametrize(
    "word", ["on", "no", "yes", "off", "y", "12:30", "0123", "1_000", "2026-01-31", "=", "true"]
)
def test_read_source_leaves_words_as_text(word: str) -> None:
    """What older YAML took for flags, times and dates is text, as key and as value."""
    assert value(f"a: {word}") == Scalar(word, True, 1, 4)
    root = tree(f"{word}: a")
    assert isinstance(root, Mapping)
    assert list(root.entries) == [word]


@pytest.mark.parametrize(
    ("text", "content", "is_plain", "is_null"),
    [
        ("a: 40", "40", True, False),
        ('a: "40"', "40", False, False),
        ("a: ''", "", False, False),
        ("a:", "", True, True),
        ("a: ~", "~", True, True),
        ("a: null", "null", True, True),
        ('a: "null"', "null", False, False),
        ("a: |\n  x\n  y\n", "x\ny\n", False, False),
        ("a: >-\n  x\n  y\n", "x y", False, False),
        ('a: "\\u00e9\\n"', "é\n", False, False),
        ("a: x # y", "x", True, False),
        ("a: привет 你好 🎉", "привет 你好 🎉", True, False),
    ],
)
def test_read_source_reads_scalars(text: str, content: str, is_plain: bool, is_null: bool) -> None:
    """Quoted and block texts are told from plain ones, and nothing from something."""
    found = value(text)
    assert isinstance(found, Scalar)
    assert (found.text, found.is_plain, found.is_null) == (content, is_plain, is_null)


def test_read_source_takes_windows_line_ends() -> None:
    """A file saved on Windows reads the same."""
    assert tree("a: 1\r\nb: 2\r\n") == tree("a: 1\nb: 2\n")


def test_read_source_reports_every_repeated_key_and_keeps_the_first() -> None:
    """The tree stays usable, so that the other problems of the file are found as well."""
    source = read_source("a.yaml", "a: 1\na: 2\nb: {c: 1, c: 2}\n")
    assert [(each.line, each.column) for each in source.problems] == [(2, 1), (3, 11)]
    assert isinstance(source.root, Mapping)
    assert source.root.get("a") == Scalar("1", True, 1, 4)


def test_read_source_reports_every_alias_and_tag() -> None:
    """What is refused is refused everywhere at once."""
    source = read_source("a.yaml", "a: &x 1\nb: *x\nc: !t 2\n")
    assert source.root is None
    assert [each.line for each in source.problems] == [1, 2, 3]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{a: "])
def test_read_source_bounds_nesting(opening: str) -> None:
    """Deep nesting is a problem, not an exhausted stack."""
    source = read_source("a.yaml", opening * (LARGEST_FILE // len(opening)))
    assert source.root is None
    assert source.problems[0].message == f"nested more than {DEEPEST_NESTING} levels deep"


def test_read_source_takes_the_deepest_nesting_allowed() -> None:
    """The bound itself is still allowed."""
    assert read_source("a.yaml", "[" * DEEPEST_NESTING + "]" * DEEPEST_NESTING).problems == ()


def test_read_source_refuses_a_large_file() -> None:
    """The bound is on characters, and one more is too many."""
    assert read_source("a.yaml", "a" * LARGEST_FILE).problems == ()
    assert read_source("a.yaml", "a" * (LARGEST_FILE + 1)).problems[0].message.startswith("too large")


def test_read_source_of_aliases_within_aliases_takes_no_time() -> None:
    """A file that would unfold to billions of values is refused without unfolding it."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    started = time.monotonic()
    assert read_source("a.yaml", "\n".join(lines)).root is None
    assert time.monotonic() - started < 2


def test_decode_text_places_invalid_bytes() -> None:
    """The first byte that is no UTF-8 is named by line and column."""
    assert decode_text("a.yaml", "a: é".encode()) == "a: é"
    problem = decode_text("a.yaml", b"a: 1\nb: \xff\n")
    assert isinstance(problem, Problem)
    assert str(problem) == "a.yaml:2:4: not UTF-8 text; save the file as UTF-8"
