"""Looking into text: parts of it, and its form."""

from fnmatch import fnmatchcase
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.conditions.catalogue import BUILT_IN
from engine.conditions.operators import OPERATORS
from engine.conditions.text_operators import has_form
from engine.conditions.tree import Predicate
from engine.match.synthetic import SyntheticView

EMAIL = BUILT_IN.get("contact.email")


def ask(operator: str, value: str) -> Predicate:
    """A question about a contact's address."""
    return Predicate(operator, "when", field=EMAIL, value=value)


def seeing(text: str | None) -> SyntheticView:
    """A contact with this address."""
    return SyntheticView(values={"contact.email": text})


@pytest.mark.parametrize(
    ("operator", "wanted", "actual", "expected"),
    [
        ("contains", "acme", "kim@acme.example", True),
        ("contains", "ACME", "kim@Acme.example", True),
        ("contains", "kim@acme.example", "kim@acme.example", True),
        ("contains", "strasse", "Hauptstraße", True),
        ("contains", "*", "kim", False),
        ("contains", "acme", "kim@acm.example", False),
        ("contains", "acme", "", False),
        ("contains", "acme", None, None),
        ("matches", "*@acme.example", "Kim@ACME.example", True),
        ("matches", "*@acme.example", "@acme.example", True),
        ("matches", "*@acme.example", "kim@acme.example.org", False),
        ("matches", "kim*", "kim", True),
        ("matches", "kim*", "a kim", False),
        ("matches", "aba*aba", "aba", False),
        ("matches", "aba*aba", "abaaba", True),
        ("matches", "k*m*e", "kim lee", True),
        ("matches", "k.m*", "kim", False),
        ("matches", "[k]im*", "kim", False),
        ("matches", "*acme*", None, None),
    ],
)
def test_text_operator_at_its_edges(
    operator: str, wanted: str, actual: str | None, expected: bool | None
) -> None:
    """Capitals do not matter, only the star is special, and a missing text gives no answer."""
    row, predicate = OPERATORS[operator], ask(operator, wanted)
    assert row.evaluate(predicate, seeing(actual)) is expected
    assert row.fact(predicate, seeing(actual)) == (None if expected is None else int(expected))


@pytest.mark.parametrize(
    ("operator", "actual", "reason"),
    [
        ("contains", "kim@acme", "contact email is kim@acme (contains acme)"),
        ("contains", "kim", "contact email is kim (does not contain acme)"),
        ("contains", None, "contact email is missing"),
        ("matches", "ACME", "contact email is ACME (matches acme)"),
        ("matches", "kim", "contact email is kim (does not match acme)"),
    ],
)
def test_text_operator_says_what_it_found(operator: str, actual: str | None, reason: str) -> None:
    """The text, and how it answers."""
    predicate = ask(operator, "acme")
    assert OPERATORS[operator].reason(predicate, seeing(actual)) == reason
    assert OPERATORS[operator].words(predicate) == f"contact email {operator} acme"


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_form_is_the_shell_s(pattern: str, text: str) -> None:
    """Stars mean what they mean in names of files."""
    assert has_form(text, pattern) is fnmatchcase(text, pattern)


def test_form_takes_one_pass_over_a_long_text() -> None:
    """A pattern that would keep a backtracking matcher busy for years."""
    began = perf_counter()
    assert not has_form("a" * 100_000, "*a" * 200 + "*b")
    assert perf_counter() - began < 1
