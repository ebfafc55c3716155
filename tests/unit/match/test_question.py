"""Questions as flat facts."""

from decimal import Decimal

from engine.conditions.catalogue import BUILT_IN
from engine.conditions.tree import Group, Predicate
from engine.match.question import Question, question
from engine.match.synthetic import SyntheticView


def test_question_leaves_missing_properties_out() -> None:
    """Properties are numbered in the order of the file; a missing value has none."""
    names = ("account.health", "account.csm", "account.strategic")
    fields = [BUILT_IN.get(each) for each in names]
    wanted = (Decimal(40), "ann", True)
    members = tuple(
        Predicate("equals", "when", field=field, value=value)
        for field, value in zip(fields, wanted, strict=True)
    )
    view = SyntheticView(values={"account.health": Decimal("12.5"), "account.strategic": False})
    found = question("at-risk when", "account a1", Group("any", members, "when"), view, None)
    assert found == Question("at-risk when", "account a1", {"p0": 12_500_000, "p2": 0}, None)
