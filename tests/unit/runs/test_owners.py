"""Who a task goes to."""

import pytest

from engine.runs.owners import Person, Team
from engine.settings import Role
from tests.builders import ROLES

PEOPLE = {
    "dana": Person("dana", "Dana", manager="max"),
    "max": Person("max", "Max", role="csm_manager"),
    "solo": Person("solo", "Solo"),
}
TEAM = Team(
    {
        **{name: Role(**spec) for name, spec in ROLES.items()},  # type: ignore[arg-type]
        "round": Role(fallback="about"),
        "about": Role(fallback="round"),
        "own_boss": Role(manager_of="own_boss"),
    },
    PEOPLE,
)


@pytest.mark.parametrize(
    ("role", "csm", "expected"),
    [
        ("csm", "dana", "dana"),
        ("csm", None, "team:cs_pool"),
        ("csm", "", "team:cs_pool"),
        ("csm", "somebody", "somebody"),
        ("csm_manager", "dana", "max"),
        ("csm_manager", "solo", "team:cs_ops"),
        ("csm_manager", "somebody", "team:cs_ops"),
        ("csm_manager", None, "team:cs_ops"),
        ("cs_pool", "dana", "team:cs_pool"),
        ("nobody", "dana", "team:nobody"),
        ("round", "dana", "team:about"),
        ("own_boss", "dana", "team:own_boss"),
    ],
)
def test_owner_is_found_by_role_or_falls_back(role: str, csm: str | None, expected: str) -> None:
    """By field, by manager, by fallback; fallbacks that go in a circle end in a queue."""
    assert TEAM.owner(role, {} if csm is None else {"csm": csm}) == expected
