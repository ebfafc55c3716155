"""The playbooks that ship pass their own tests, and those leave nothing out."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.rehearsal.parse import parse_tests
from engine.rehearsal.run import find_tests, rehearse
from engine.render.email import LAYOUT, compose_email
from engine.render.templates import Renderer
from engine.rulefile.configured import read_rules
from engine.rulefile.load import Rules
from engine.rulefile.model import EmailAction, Playbook, TaskAction
from engine.settings import Settings, load_settings

ROOT = Path(__file__).parents[3]
NAMES = (
    "anniversary",
    "at-risk",
    "champion-departure",
    "ebr",
    "expansion-usage",
    "monthly-digest",
    "nps-survey",
    "qbr",
    "quarterly-value",
    "re-engagement",
    "renewal-high-touch",
)


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The configuration that ships."""
    found = load_settings(ROOT / "config.yaml")
    return found.model_copy(update={"rules": ROOT / "rules", "templates": ROOT / "templates"})


@pytest.fixture(scope="module")
def rules(settings: Settings) -> Rules:
    """The playbooks that ship."""
    return read_rules(settings, settings.catalogue())


def _playbook(rules: Rules, name: str) -> Playbook:
    return next(each for each in rules.playbooks if each.name == name)


def _test_file(name: str) -> Path:
    return next(each for each in find_tests([ROOT / "rules"]) if each.name == f"{name}.test.yaml")


def test_shipped_playbooks_have_no_problem(rules: Rules) -> None:
    """Not even a warning."""
    assert [str(each) for each in rules.problems] == []
    assert {each.name for each in rules.playbooks} >= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_shipped_playbook_passes_its_tests(settings: Settings, name: str) -> None:
    """What the tests beside it say, happens."""
    (report,) = rehearse([_test_file(name)], settings, settings.catalogue())
    assert [str(each) for each in report.problems] == []
    assert [str(one) for each in report.results for one in each.failures] == []


@pytest.mark.parametrize("name", NAMES)
def test_shipped_tests_expect_every_step_and_every_exit(settings: Settings, rules: Rules, name: str) -> None:
    """No step and no outcome of a playbook is left untried."""
    file = _test_file(name)
    expected = [
        move.expectation
        for test in parse_tests(file.as_posix(), file.read_text(), settings.catalogue()).tests
        for move in test.timeline
        if move.expectation is not None
    ]
    steps = {
        wanted.parts.get("step")
        for each in expected
        for category in ("tasks", "emails", "messages")
        for wanted in each.items.get(category, ())  # type: ignore[call-overload]
    }
    playbook = _playbook(rules, name)
    messages = {each.id for each in playbook.steps if not isinstance(each.action, TaskAction | EmailAction)}
    assert {each.id for each in playbook.steps} - steps <= messages
    assert {each.outcome for each in playbook.exits} <= {one for each in expected for one in each.ended or ()}


BARE: dict[str, Any] = {
    "account": {"id": "acme", "name": "Acme"},
    "contact": {"id": "kim"},
    "subscription": {
        "id": "sub",
        "renews_on": date(2026, 6, 29),
        "usage": Decimal(85),
        "limit": Decimal(100),
    },
    "source": {"id": "usage", "name": "usage"},
    "champion": None,
    "csm": None,
    "playbook": {"name": "p", "title": "P"},
    "run": {"started_at": datetime(2026, 3, 2, 14, tzinfo=UTC), "reason": "health drops below 40"},
    "today": date(2026, 3, 2),
    "brand": "Acme",
    "footer": "Acme Inc.",
    "unsubscribe_url": "https://acme.example/u/1",
}
RICH: dict[str, Any] = {
    **BARE,
    "account": {
        **{
            name: Decimal(50)
            for name in ("health", "arr", "seats", "seats_used", "open_tickets", "csat", "adoption")
        },
        **BARE["account"],
        "renews_on": date(2026, 6, 29),
        "last_active_at": datetime(2026, 2, 20, tzinfo=UTC),
    },
    "contact": {"id": "kim", "name": "Kim <O'Lee>", "title": "Head of IT", "email": "kim@acme.example"},
    "subscription": {
        **BARE["subscription"],
        "seats": Decimal(10),
        "seats_used": Decimal(9),
        "arr": Decimal(120_000),
        "plan": "Business",
        "signed": True,
        "auto_renew": True,
    },
    "source": {
        **BARE["source"],
        "watermark": datetime(2026, 2, 20, tzinfo=UTC),
        "last_sync_at": datetime(2026, 2, 21, tzinfo=UTC),
        "rows": Decimal(900),
        "rejected": Decimal(3),
    },
    "champion": {"id": "kim", "name": "Kim <O'Lee>", "email": "kim@acme.example"},
    "csm": {"name": "Dana Whitlock", "email": "dana@ours.example"},
}


def _templates(rules: Rules) -> Iterator[tuple[Renderer, str]]:
    layout = (ROOT / LAYOUT).read_text()
    for files in rules.files.values():
        renderer = Renderer({**files, LAYOUT: layout})
        yield from ((renderer, path) for path in files if path.startswith("templates/"))


@pytest.mark.parametrize("context", [BARE, RICH], ids=["bare", "rich"])
def test_shipped_templates_render_whatever_is_known(rules: Rules, context: dict[str, Any]) -> None:
    """Neither an account with little data nor one with all of it breaks a template."""
    for renderer, path in _templates(rules):
        text = renderer.render(path, context)
        assert text.strip()
        assert not {"{{", "{%", "None", "Decimal"} & set(text.split()), path


def test_shipped_emails_are_whole(rules: Rules) -> None:
    """Subject, HTML and text are there, escaped, with a way to unsubscribe."""
    names = {
        (playbook.name, step.action.template)
        for playbook in rules.playbooks
        for step in playbook.steps
        if isinstance(step.action, EmailAction)
    }
    layout = {LAYOUT: (ROOT / LAYOUT).read_text()}
    for playbook, template in sorted(names):
        written = compose_email(Renderer({**rules.files[playbook], **layout}), template, RICH)
        assert 10 < len(written.subject) < 80
        assert "Kim &lt;O'Lee&gt;" in written.html
        assert "Kim <O'Lee>" in written.text
        assert "https://acme.example/u/1" in written.html
        assert "https://acme.example/u/1" in written.text


def test_shipped_templates_are_all_used(rules: Rules) -> None:
    """No template lies about unused."""
    used = {path for files in rules.files.values() for path in files}
    there = {each.relative_to(ROOT).as_posix() for each in (ROOT / "templates").rglob("*.j2")}
    assert there - used == {LAYOUT}
