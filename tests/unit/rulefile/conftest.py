"""A small rule file that tests put their own parts into."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import pytest

from engine.conditions.catalogue import BUILT_IN, Field, FieldType, Kind
from engine.conditions.tree import Condition
from engine.rulefile.known import Known
from engine.rulefile.model import Guard, Playbook
from engine.rulefile.parse_playbook import Parsed, parse_playbook

CATALOGUE = BUILT_IN.extended([Field(Kind.METRIC, "logins", FieldType.NUMBER, "logins", is_custom=True)])


class Parse(Protocol):
    """Reads a rule file."""

    def __call__(
        self, text: str, *, templates: Callable[[str], str | None] = ..., file: str = ...
    ) -> Parsed: ...


@pytest.fixture
def parse() -> Parse:
    """Reads a rule file; every template exists unless others are given."""

    def read(
        text: str, *, templates: Callable[[str], str | None] = lambda path: path, file: str = "rules/a.yaml"
    ) -> Parsed:
        return parse_playbook(
            file,
            text,
            Known(CATALOGUE, ["csm", "csm_manager", "exec_sponsor"], Guard(25, timedelta(hours=1))),
            templates=templates,
        )

    return read


@pytest.fixture
def sound(parse: Parse) -> Callable[..., Playbook]:
    """The playbook of a small sound rule file with other `parts`, by key; it may have no problem."""

    def read(**parts: str) -> Playbook:
        parsed = parse(rule_file(**parts))
        assert [str(each) for each in parsed.problems] == []
        assert parsed.playbook is not None
        return parsed.playbook

    return read


@pytest.fixture
def condition(sound: Callable[..., Playbook]) -> Callable[[str], Condition]:
    """The condition that a text under `when` is read as, for a subscription."""

    def read(text: str) -> Condition:
        found = sound(subject="subscription", when=text).when
        assert found is not None
        return found

    return read


@pytest.fixture
def messages(parse: Parse) -> Callable[..., list[str]]:
    """The problems of a rule file made of `parts`, without places."""

    def read(**parts: str) -> list[str]:
        return [each.message for each in parse(rule_file(**parts)).problems]

    return read


def rule_file(**parts: str) -> str:
    """A sound rule file in which `parts` replace or follow its keys; an empty part leaves its key out."""
    keys = {
        "playbook": "small",
        "title": "Small",
        "owner": "ops",
        "subject": "account",
        "when": "{field: account.health, below: 40}",
        "steps": "[{id: call, day: 0, task: {to: csm, title: Call}}]",
    }
    return "".join(f"{key}: {value}\n" for key, value in {**keys, **parts}.items() if value)
