"""Real rule files, tests and templates with pieces cut out and put in give problems, never an exception."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.conditions.catalogue import BUILT_IN
from engine.rehearsal.parse import parse_tests
from engine.render.templates import Renderer, RenderError
from engine.rulefile.known import Known
from engine.rulefile.model import Guard
from engine.rulefile.parse_playbook import parse_source
from engine.rulefile.shared import is_shared, read_shared
from engine.rulefile.source import read_source
from tests.hostile_inputs import ROOT

RULES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules").rglob("*.yaml"))]
TEXTS = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "templates").rglob("*.j2"))]
CONDITIONS = """\
conditions:
  customer: {any: [{field: account.stage, is_missing: true}, {field: account.stage, equals: active}]}
  risk: {all: [{condition: customer}, {field: account.health, below: 40}]}
"""
BLUEPRINT = """\
blueprint: b
parameters:
  days: {type: number, default: 30, min: 7, about: How long.}
  who: {type: list, items: enum, of: account.segment}
subject: account
audience: {all: [{field: account.segment, in: {param: who}}, {condition: risk}]}
when: {field: account.last_touch_at, days_since: {above: {param: days}}}
steps: [{id: s, day: 0, task: {to: csm, title: {param: days, as: "{} days"}}}]
"""
INSTANCE = "playbook: p\nuse: b\nwith: {days: 9, who: [high_touch]}\n"
FILES = {"c.yaml": CONDITIONS, "b.yaml": BLUEPRINT, "p.yaml": INSTANCE}

YAML_PIECES = st.sampled_from(
    [*"{}[]:,-?&*!|>'\"%@`#~\n\t ", "\r\n", ": ", "- ", "\n  ", "{{", "}}", "<<: *a", "&a ", "*a", "!!str ",
     "\0",
     "\ufeff", "\u2028", "\ud800", "null", "{param: days}", "{param: x, as: '{}'}", "{condition: risk}",
     "{condition: customer}", "use: b\n", "with: {}\n", "blueprint: b\n", "conditions:\n", "playbook: p\n",
     "9" * 400]
)  # fmt: skip
JINJA_PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{#", "#}", "-%}", "|", ".", "(", ")", "[", "]", "~", "*", "'", '"', "\n",
     " if ", " else ",
     "{% for x in range(9999999999) %}", "{% endfor %}", "{% if 1 %}", "{% endif %}", "{% set a = a ~ a %}",
     "{% include 'title' %}", "{{ account }}", "{{ 'a' * 1000000000 }}", "range(", "loop", "account.name",
     "|default(",
     "|join(", "|replace('a', 'b')", "__class__", "9" * 400, "\0", "\ud800", "é"]
)  # fmt: skip
PROOF = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LONG = settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))

Edits = list[tuple[int, int, str]]


def edits(pieces: st.SearchStrategy[str]) -> st.SearchStrategy[Edits]:
    """Where something is cut out, how much, and what is put there."""
    edit = st.tuples(st.integers(0, 20_000), st.integers(0, 30), pieces | st.text(max_size=4))
    return st.lists(edit, min_size=1, max_size=5)


def edited(text: str, changes: Edits) -> str:
    """The text with these edits."""
    for start, length, put in changes:
        at = start % (len(text) + 1)
        text = text[:at] + put + text[at + length :]
    return text


def read_all(files: dict[str, str]) -> None:
    """Read a folder of rule files as the loader does."""
    sources = {name: read_source(name, text) for name, text in files.items()}
    shared, problems = read_shared(
        {name: each for name, each in sources.items() if is_shared(each.root)}, BUILT_IN
    )
    for name, source in sources.items():
        if not is_shared(source.root):
            parsed = parse_source(
                name,
                files[name],
                source,
                Known(BUILT_IN, ["csm"], Guard(25, timedelta(hours=1))),
                templates=lambda path: "x",
                shared=shared,
            )
            problems += parsed.problems
            assert (parsed.playbook is None) is any(each.is_error for each in parsed.problems)
    for each in problems:
        assert "\n" not in str(each)
        str(each).encode()


def check_rules(which: int, changes: Edits) -> None:
    """A shipped rule file or test file, edited, read as both."""
    text = edited(RULES[which % len(RULES)], changes)
    read_all({"a.yaml": text})
    for each in parse_tests("a.test.yaml", text, BUILT_IN).problems:
        str(each).encode()


def check_shared(name: str, changes: Edits) -> None:
    """Shared conditions, a blueprint and a playbook made of it, one of them edited."""
    read_all({**FILES, name: edited(FILES[name], changes)})


def check_template(which: int, changes: Edits, context: dict[str, Any]) -> None:
    """A shipped template, edited, filled in as text and as HTML."""
    text = edited(TEXTS[which % len(TEXTS)], changes)
    for path in ("templates/tasks/a.md.j2", "templates/emails/a/body.html.j2"):
        try:
            Renderer({path: text}).render(path, context)
        except RenderError as error:
            str(error).encode("utf-8", "surrogatepass")


WHICH = st.integers(0, 200)
NAMES = st.sampled_from(sorted(FILES))
VALUES = st.none() | st.text(max_size=9) | st.integers()
CONTEXTS = st.fixed_dictionaries({"account": st.dictionaries(st.sampled_from(["name", "arr", "x"]), VALUES)})


@PROOF
@given(WHICH, edits(YAML_PIECES))
def test_edited_rule_files_give_problems(which: int, changes: Edits) -> None:
    """Never an exception."""
    check_rules(which, changes)


@PROOF
@given(NAMES, edits(YAML_PIECES))
def test_edited_shared_files_give_problems(name: str, changes: Edits) -> None:
    """Never an exception, in the file edited or in those that use it."""
    check_shared(name, changes)


@PROOF
@given(WHICH, edits(JINJA_PIECES), CONTEXTS)
def test_edited_templates_give_text_or_an_error(which: int, changes: Edits, context: dict[str, Any]) -> None:
    """Never another exception."""
    check_template(which, changes, context)


@pytest.mark.soak
@LONG
@given(WHICH, NAMES, edits(YAML_PIECES), edits(JINJA_PIECES), CONTEXTS)
def test_edited_files_at_length(
    which: int, name: str, changes: Edits, written: Edits, context: dict[str, Any]
) -> None:
    """The same, for an hour rather than for seconds."""
    check_rules(which, changes)
    check_shared(name, changes)
    check_template(which, written, context)
