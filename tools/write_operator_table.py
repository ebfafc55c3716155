"""Writes docs/operators.md from the rows that the tests prove. Run it from anywhere; it takes no options."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from engine.conditions.operators import OPERATORS  # noqa: E402
from tests.operator_edges import EDGES, Edge, answer_words  # noqa: E402

DOCUMENT = ROOT / "docs" / "operators.md"

_HEAD = """\
# The operators at their edges

What each operator answers where it could be doubted: at equality, with a value missing, a part of zero, in
another time zone, with data learned late. Written by `tools/write_operator_table.py` from the rows that the
tests prove; what the operators are for stands in [rule-language.md](rule-language.md#operators). Answers on
plain numbers hold for money, percent, dates and instants too.
"""


def document() -> str:
    """The text of docs/operators.md."""
    sections = [_section(keyword) for keyword in OPERATORS]
    return "\n".join([_HEAD, *sections])


def _section(keyword: str) -> str:
    rows = [each for each in EDGES if each.predicate.operator == keyword]
    table = "\n".join(_row(each) for each in rows)
    return f"## {keyword.replace('_', ' ')}\n\n| question | what is so | answer |\n|---|---|---|\n{table}\n"


def _row(edge: Edge) -> str:
    return f"| `{edge.question}` | {edge.situation} | {answer_words(edge)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
