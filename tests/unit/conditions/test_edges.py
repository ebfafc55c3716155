"""The table of operators and edges holds, is complete, and is what the document says."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.conditions.evaluate import evaluate
from engine.conditions.operators import OPERATORS, Argument
from engine.match.question import question
from engine.match.shard import Shard
from tests.operator_edges import EDGES, Edge
from tests.operator_narrowing import database_words, write_edge

ROOT = Path(__file__).parents[3]
NEVER_UNKNOWN = {"changed_within"}
STEPS = (Argument.STEP_STATE, Argument.STEP_OUTCOME)
STATES = [each for each in EDGES if not each.is_moment]
MOMENTS = [each for each in EDGES if each.is_moment]


def named(edge: Edge) -> str:
    """A row's name in the report."""
    return f"{edge.question} {edge.situation}"


@pytest.mark.parametrize("edge", STATES, ids=named)
def test_edge_of_a_state(edge: Edge) -> None:
    """The reference evaluator answers as the document says."""
    assert evaluate(edge.predicate, edge.view) is edge.answer


@pytest.mark.parametrize("edge", MOMENTS, ids=named)
def test_edge_of_a_moment(edge: Edge) -> None:
    """The change or event is so many moments."""
    assert edge.moments() == edge.answer


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")
def test_edges_are_the_same_to_durable_rules() -> None:
    """The matching engine answers every row as the reference does."""
    asked = {edge.question: edge.predicate for edge in STATES}
    rules = list(asked)
    for start in range(0, len(rules), 20):
        some = {rule: asked[rule] for rule in rules[start : start + 20]}
        rows = [each for each in STATES if each.question in some]
        questions = [question(each.question, "acme", each.predicate, each.view, None) for each in rows]
        answers = Shard("edges", some).answers([(each.rule, each.facts) for each in questions])
        assert answers == [each.answer for each in rows]


def test_edges_are_never_contradicted_by_the_database(database: Engine) -> None:
    """What it is sure of is the answer, on both kinds alike; it may be unsure of any."""
    sure = {"yes": True, "no": False, "unknown": None}
    found = set()
    with database.begin() as connection:
        for edge in STATES:
            write_edge(connection, edge)
            words = database_words(connection, edge)
            if words in sure:
                assert edge.answer is sure[words], (edge.question, edge.situation)
            found.add(words)
    assert found == {*sure, "unsure", "not asked"}


@pytest.mark.parametrize("keyword", list(OPERATORS))
def test_edges_cover_each_operator(keyword: str) -> None:
    """Both answers, and where there is such a thing unknown."""
    found = {each.answer for each in EDGES if each.predicate.operator == keyword}
    row = OPERATORS[keyword]
    if row.is_moment:
        assert {0, 1} <= found
    else:
        assert {True, False} <= found
        assert (None in found) is (keyword not in NEVER_UNKNOWN and row.argument not in STEPS)


def test_document_is_what_the_table_says() -> None:
    """Run tools/write_operator_table.py after a change."""
    path = ROOT / "tools" / "write_operator_table.py"
    spec = importlib.util.spec_from_file_location("write_operator_table", path)
    assert spec is not None
    assert spec.loader is not None
    tool: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.DOCUMENT.read_text(encoding="utf-8") == tool.document()
