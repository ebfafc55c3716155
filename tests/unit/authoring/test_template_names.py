"""What the lint says a template can name is what a run gives it."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.authoring.template_names import known_names
from engine.conditions.catalogue import BUILT_IN, Kind
from engine.fold.actions import perform
from engine.fold.case import Case
from engine.fold.context import context
from engine.rulefile.parse_playbook import SUBJECTS
from engine.runs.run import Run
from engine.state.book import Book
from engine.worlds import build_world
from tests.builders import SLIDE, START, company

MAIL = SLIDE.split("steps:")[0] + (
    "steps:\n  - {id: mail, day: 0, email: {to: any, template: hello, topic: tips}}\n"
)


def case_of(database: Engine, folder: Path) -> tuple[Case, Any]:
    """An account with one of everything, and the playbook of an email."""
    built = company(database, folder, [MAIL])
    with database.connect() as connection:
        world = build_world(connection, built.library, ())
    kim = {"name": "Kim", "email": "kim@acme.example"}
    subjects: Any = {kind: {"x": {}} for kind in SUBJECTS}
    subjects |= {Kind.CONTACT: {"x": kim}, Kind.ACCOUNT: {"acme": {"name": "Acme"}}}
    return Case(world, Book("acme", subjects), START, START, {}, {}), built.library.rules.playbooks[0]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_known_names_are_those_of_a_run(sqlite_database: Engine, tmp_path: Path, subject: Kind) -> None:
    """No more and no fewer, whatever the playbook is about."""
    case, playbook = case_of(sqlite_database, tmp_path)
    subject_id = "acme" if subject is Kind.ACCOUNT else "x"
    run = Run("r", "acme", "slide", playbook.version, subject.value, subject_id, "", 1, "open", START)
    given = context(case, playbook, run)
    known = known_names(BUILT_IN, subject, is_email=False)
    assert set(known) == set(given)
    for name in ("account", subject.value, "playbook", "run"):
        assert known[name] == set(given[name])


def test_known_names_of_an_email_are_those_it_is_composed_from(
    sqlite_database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also whom it goes to, and the link by which they leave."""
    case, playbook = case_of(sqlite_database, tmp_path)
    run = Run("r", "acme", "slide", playbook.version, "account", "acme", "", 1, "open", START)
    seen: list[set[str]] = []

    def compose(_version: str, _name: str, names: Any) -> dict[str, str]:
        seen.append(set(names))
        return {"subject": "", "html": "", "text": ""}

    object.__setattr__(case.world, "compose", compose)
    perform(case, playbook, run, "mail", playbook.steps[0].action, "why")
    assert seen == [set(known_names(BUILT_IN, Kind.ACCOUNT, is_email=True))]
