"""Problems and the words in them."""

import pytest

from engine.rulefile.problem import Problem, alternatives, in_order, nearest, quote


def test_problem_prints_file_line_column_and_message() -> None:
    """Editors jump to this form; a warning says that it is one."""
    assert str(Problem("rules/a.yaml", 14, 9, "wrong")) == "rules/a.yaml:14:9: wrong"
    assert str(Problem("rules/a.yaml", 1, 1, "odd", "warning")) == "rules/a.yaml:1:1: warning: odd"


def test_in_order_sorts_by_position_and_drops_repeats() -> None:
    """Lines are ordered as numbers, files by name."""
    late, early = Problem("a", 10, 1, "x"), Problem("a", 9, 30, "y")
    other = Problem("b", 1, 1, "z")
    assert in_order([other, late, early, late]) == (early, late, other)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("usage", '"usage"'),
        ("a\nb\t", '"a\\nb\\t"'),
        ("\u200b\u202e", '"\\u200b\\u202e"'),
        ("x" * 100, '"' + "x" * 60 + '…"'),
        ("日本", '"日本"'),
    ],
)
def test_quote_stays_on_one_line_and_shows_what_is_invisible(text: str, quoted: str) -> None:
    """A message never breaks a line or hides a character."""
    assert quote(text) == quoted


@pytest.mark.parametrize(
    ("name", "found"),
    [("belw", "below"), ("BELOW", "below"), ("at most", "at_most"), ("zebra", None), ("b" * 1000, None)],
)
def test_nearest_finds_slips_of_the_pen(name: str, found: str | None) -> None:
    """Only names that are near are suggested."""
    assert nearest(name, ["below", "at_most"]) == found


def test_alternatives_joins_names_in_words() -> None:
    """One, two or more."""
    assert [alternatives("a"), alternatives("ab"), alternatives("abc")] == ["a", "a or b", "a, b or c"]
