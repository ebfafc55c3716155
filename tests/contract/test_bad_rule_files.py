"""Broken rule files, each with the exact problems it must give; and that no file gives an exception."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from engine.conditions.catalogue import BUILT_IN, Field, FieldType, Kind
from engine.rulefile.known import Known
from engine.rulefile.model import Guard
from engine.rulefile.parse_playbook import PLAYBOOK_KEYS, Parsed, parse_playbook
from engine.rulefile.source import LARGEST_FILE

FOLDER = Path(__file__).parent / "bad_rules"
GOOD = (FOLDER / "good.yaml").read_text(encoding="utf-8")
CATALOGUE = BUILT_IN.extended([Field(Kind.ACCOUNT, "logins_30d", FieldType.NUMBER, "logins", is_custom=True)])
TEMPLATES = {
    "tasks/guide.md.j2": "Call.",
    "tasks/broken.md.j2": "One\n{% if %}\n",
    "emails/hello/subject.txt.j2": "Hello",
    "emails/hello/body.html.j2": "<p>Hello</p>",
    "emails/hello/body.txt.j2": "Hello",
    "messages/alert.txt.j2": "!",
    "webhooks/open.json.j2": '{"name": "{{ account.name }}"\n"x": 1}',
}


def find_template(path: str) -> str | None:
    """One of TEMPLATES; one that exists but cannot be read."""
    if path == "tasks/unreadable.md.j2":
        raise ValueError("not UTF-8 text, or too large")
    return TEMPLATES.get(path)


def parse(text: str) -> Parsed:
    """Read `text` as the rule file rules/usage.yaml."""
    return parse_playbook(
        "rules/usage.yaml",
        text,
        Known(CATALOGUE, ["csm", "csm_manager", "ae"], Guard(25, timedelta(hours=1)), ["usage", "account"]),
        templates=find_template,
    )


def broken(row: dict[str, Any]) -> str:
    """The good file with one row's changes: a whole file, a key's value, a line more, or a text replaced."""
    if "file" in row:
        return str(row["file"])
    text = GOOD
    when = next(line for line in GOOD.splitlines() if line.startswith("when: "))
    for key in ("audience", "when", "on"):
        if key in row:
            line = next(line for line in GOOD.splitlines() if line.startswith(f"{key}: "))
            text = text.replace(line, f"{key}: {row[key]}", 1)
    if "add" in row:
        text = text.replace(when, f"{when}\n{row['add']}", 1)
    for change in row.get("changes", ()):
        for old, new in change.items():
            assert old in text
            text = text.replace(old, new, 1)
    return text


def rows() -> list[Any]:
    """Every row of every table."""
    found = []
    for table in sorted(FOLDER.glob("*.table.yaml")):
        for row in YAML(typ="safe", pure=True).load(table.read_text(encoding="utf-8")):
            found.append(pytest.param(row, id=f"{table.name.split('.')[0]}: {row['case']}"))
    return found


def test_parse_good_file_has_no_problems() -> None:
    """The file that every row breaks is sound itself."""
    assert parse(GOOD).problems == ()


@pytest.mark.parametrize("row", rows())
def test_parse_broken_file_gives_exactly_these_problems(row: dict[str, Any]) -> None:
    """Every problem is found, at its line and column, in these words."""
    parsed = parse(broken(row))
    assert [str(each) for each in parsed.problems] == row["problems"]
    has_errors = any(": warning: " not in each for each in row["problems"])
    assert (parsed.playbook is None) is has_errors


def check_sane(parsed: Parsed) -> None:
    """A playbook exactly when there is no error; every problem on one line, at a real place."""
    assert (parsed.playbook is None) is any(each.is_error for each in parsed.problems)
    for each in parsed.problems:
        assert each.line >= 1
        assert each.column >= 1
        assert "\n" not in str(each)
        str(each).encode()


FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_WORDS = """
all any none field event step count sum where name contact below between of in within is outcome days_until
id day at after if task email message to title template due since then escalate drops_below recovers_at is_set
account.health account.stage
subscription.usage 80% 40 30d T-90 csm true usage-drop account null ~ guide login - 1e999999
"""
WORDS = st.sampled_from([*PLAYBOOK_KEYS, *_WORDS.split(), "outreach + 2bd", "{{ x", ""])
NODES: st.SearchStrategy[Any] = st.recursive(
    WORDS | st.text(max_size=8) | st.integers() | st.none() | st.booleans() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)


@FUZZ
@given(st.text(max_size=300))
@example("? [a]\n: b")
@example("&a [*a]")
@example("%TAG ! tag:x,2000:\n---\n!x")
@example('"\\x"')
@example("- !<")
@example("{" * 2000)
@example("[" * LARGEST_FILE)
@example("- " * 5000)
@example("? " * 5000)
@example("a:\n" * 3 + " |99")
@example("\ud800")
def test_parse_random_text_never_raises(text: str) -> None:
    """Whatever the bytes of a file decode to, problems come back."""
    check_sane(parse(text))


@FUZZ
@given(st.text(alphabet="abc:-[]{}#&*!|>'\"%@`?, \n\t~<=0123.\\", max_size=200))
def test_parse_random_punctuation_never_raises(text: str) -> None:
    """Text made of what YAML gives a meaning to gives problems, never an exception."""
    check_sane(parse(text))


def as_flow(node: Any) -> str:
    """The value as YAML in one line, texts left without quotes where they may be misread."""
    if isinstance(node, dict):
        return "{" + ", ".join(f"{as_flow(key)}: {as_flow(value)}" for key, value in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(as_flow, node)) + "]"
    return "" if node is None else str(node)


@FUZZ
@given(st.dictionaries(WORDS, NODES, max_size=8))
def test_parse_random_structure_never_raises(tree: dict[str, Any]) -> None:
    """Right words in the wrong places give problems, never an exception."""
    check_sane(parse("\n".join(f"{key}: {as_flow(value)}" for key, value in tree.items())))


@FUZZ
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 12), st.text(max_size=6) | WORDS), max_size=4
    )
)
def test_parse_mutated_file_never_raises(edits: list[tuple[int, int, str]]) -> None:
    """A good file with pieces cut out and put in gives problems, never an exception."""
    text = GOOD
    for start, length, put in edits:
        text = text[:start] + put + text[start + length :]
    check_sane(parse(text))


@FUZZ
@given(st.integers(0, 200), NODES)
def test_parse_file_with_a_value_exchanged_never_raises(index: int, node: Any) -> None:
    """A good file in which one value is another value gives problems, never an exception."""
    places = [place for place, letter in enumerate(GOOD) if letter == ":" and GOOD[place + 1] == " "]
    start = places[index % len(places)] + 2
    end = min(place for place in (GOOD.find(mark, start) for mark in (",", "}", "\n")) if place > 0)
    check_sane(parse(GOOD[:start] + as_flow(node) + GOOD[end:]))
