"""Writes docs/operators.md from the rows that the tests prove. Run it from anywhere; it takes no options."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sqlalchemy import Connection  # noqa: E402
from sqlmodel import SQLModel  # noqa: E402

from engine.conditions.operators import OPERATORS  # noqa: E402
from engine.state.database import open_database  # noqa: E402
from tests.operator_edges import EDGES, Edge, answer_words  # noqa: E402
from tests.operator_narrowing import database_words, write_edge  # noqa: E402

DOCUMENT = ROOT / "docs" / "operators.md"

_HEAD = """\
# The operators at their edges

What each operator answers where it could be doubted: at equality, with a value missing, a part of zero, in
another time zone, with data learned late, with a source that lags behind. Written by
`tools/write_operator_table.py` from the rows that the tests prove; what the operators are for stands in
[rule-language.md](rule-language.md#operators). Answers on plain numbers
hold for money, percent, dates and instants too.

The last column is what the database says in SQL, before an account is read. Where it says *no* or
*unknown* of the condition of a new playbook, the account need not be read for it. It is *unsure* where only
the time zone or the past can tell. Moments and steps are not asked about.
"""


def document() -> str:
    """The text of docs/operators.md."""
    database = open_database("sqlite://")
    SQLModel.metadata.create_all(database)
    with database.connect() as connection:
        sections = [_section(connection, keyword) for keyword in OPERATORS]
    database.dispose()
    return "\n".join([_HEAD, *sections])


def _section(connection: Connection, keyword: str) -> str:
    rows = [each for each in EDGES if each.predicate.operator == keyword]
    table = "\n".join(_row(connection, each) for each in rows)
    head = "| question | what is so | answer | in SQL |\n|---|---|---|---|"
    return f"## {keyword.replace('_', ' ')}\n\n{head}\n{table}\n"


def _row(connection: Connection, edge: Edge) -> str:
    write_edge(connection, edge)
    words = f"{answer_words(edge)} | {database_words(connection, edge)}"
    return f"| `{edge.question}` | {edge.situation} | {words} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
