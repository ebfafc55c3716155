"""Every warning about what is legal and unwise, at its place, and none without reason."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.authoring.lint import lint
from engine.rulefile.configured import read_rules
from engine.settings import Settings, load_settings

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONNECTORS = {"email": {"kind": "smtp", "host": "mail"}, "slack": {"kind": "slack", "url": "http://x"}}
ROLES: dict[str, Any] = {
    "csm": {"field": "account.csm", "fallback": "pool"},
    "manager": {"manager_of": "csm"},
    "pool": {},
}

SOUND = """\
playbook: small
owner: cs
subject: account
audience: {field: account.segment, equals: high_touch}
when: {field: account.health, below: 40}
steps:
  - id: call
    day: 0
    task: {to: csm, title: "Call {{ account.name }}", template: guide, outcomes: [reached, silent]}
  - {id: mail, day: 1, email: {to: any, template: hello, topic: tips}}
  - {id: post, day: 1, message: {via: slack, to: "#cs", template: note}}
exit:
  - {outcome: well, when: {field: account.health, at_least: 60}}
"""
TEMPLATES = {
    "tasks/guide.md.j2": "Health is {{ account.health }}, since {{ run.started_at | date }}.",
    "emails/hello/subject.txt.j2": "Hello {{ contact.name | default('there') }}",
    "emails/hello/body.txt.j2": "Hello from {{ csm.name }}.",
    "emails/hello/body.html.j2": '<a href="{{ unsubscribe_url }}">{{ brand }}</a>',
    "webhooks/note.json.j2": "{}",
    "messages/note.txt.j2": "{% for n in range(2) %}{{ n }}{% endfor %}{{ champion.email | default('') }}",
}

Warnings = Callable[..., list[str]]


@pytest.fixture
def warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warnings:
    """The warnings about the sound playbook after some texts in it are replaced."""
    monkeypatch.chdir(tmp_path)

    def read(
        *changes: tuple[str, str],
        also: str = "",
        templates: dict[str, str] | None = None,
        age: timedelta = timedelta(0),
        **settings: Any,
    ) -> list[str]:
        text = SOUND
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        for path, content in {**TEMPLATES, **(templates or {})}.items():
            write(tmp_path / "templates" / path, content)
        write(tmp_path / "rules" / "small.yaml", text)
        if also:
            write(tmp_path / "rules" / "tall.yaml", also)
        chosen = Settings(**{"roles": ROLES, "connectors": CONNECTORS, **settings})
        rules = read_rules(chosen, chosen.catalogue())
        assert [str(each) for each in rules.problems] == []
        changed = {each.file: NOW - age for each in rules.playbooks}
        found = lint(rules, chosen, chosen.catalogue(), changed, NOW)
        assert not any(each.is_error for each in found)
        return [str(each).replace(' warning: playbook "small":', "", 1) for each in found]

    return read


def write(file: Path, text: str) -> None:
    """Write a file and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_lint_of_a_sound_playbook_is_silent(warnings: Warnings) -> None:
    """Nothing without reason."""
    assert warnings() == []


def test_lint_of_branches_that_may_be_unknown_is_silent(warnings: Warnings) -> None:
    """An unknown branch is passed by, so one that asks whether the value is missing is not idle."""
    choose = f"choose: [{{if: {WHEN}, {MAIL}}}, {{if: {IS_MISSING}, {POST}}}, {{if: {IS_SET}, {POST}}}]"
    assert warnings((MAIL, choose)) == []


def test_lint_of_the_shipped_playbooks_is_silent() -> None:
    """They are examples to learn from."""
    settings = load_settings(ROOT / "config.yaml")
    settings = settings.model_copy(update={"rules": ROOT / "rules", "templates": ROOT / "templates"})
    rules = read_rules(settings, settings.catalogue())
    assert len(rules.playbooks) >= 5
    assert lint(rules, settings, settings.catalogue(), {}, NOW) == ()


WHEN = "{field: account.health, below: 40}"
IS_SET, IS_MISSING = "{field: account.health, is_set: true}", "{field: account.health, is_missing: true}"
IS_LOW_TOUCH = "{field: account.segment, equals: low_touch}"
IS_STRATEGIC = "{field: account.strategic, equals: true}"
IS_NOT_STRATEGIC = "{field: account.strategic, equals: false}"
CALL = "    day: 0\n    task"
LOWER = "{field: account.health, below: 20}"
IS_LOW, IS_HIGH = WHEN, "{field: account.health, at_least: 60}"
MIDDLE = "{field: account.health, between: [41, 50]}"
MAIL = "email: {to: any, template: hello, topic: tips}"
POST = 'message: {via: slack, to: "#cs", template: note}'


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            [(WHEN, "{all: [{field: account.health, below: 40}, {field: account.health, at_least: 60}]}")],
            '5:7: when: can never hold, for "health is below 40" '
            'excludes "health is at least 60"',
        ),
        (
            [(WHEN, f"{{none: [{IS_SET}, {IS_MISSING}]}}")],
            '5:7: when: can never hold, for not "health is known" '
            'excludes not "health is missing"',
        ),
        (
            [(WHEN, "{all: [{event: login, within: 7d}, {event: login, absent_for: 14d}]}")],
            '5:7: when: can never hold, for "event login happened within 7 days" '
            'excludes "no login event for 14 days"',
        ),
        (
            [(MAIL, f"purpose: tip, {MAIL}"), (POST, f"purpose: tip, {POST}")],
            '11:33: step post: purpose: tip is also that of step mail of "small" (rules/small.yaml:10:5), '
            'for the same account',
        ),
        (
            [(MAIL, f"if: {LOWER}, purpose: tip, {MAIL}"), (POST, f"if: {MIDDLE}, purpose: tip, {POST}")],
            None,
        ),
        (
            [(POST, "webhook: {via: slack, template: note}")],
            '11:39: via: connector "slack" is of kind slack; webhooks need one of that kind',
        ),
        (
            [(MAIL, "update: {account.plan: x, account.health: 50}")],
            "10:32: update: the playbook's own trigger reads account.health, so it may start or end itself",
        ),
        (
            [(MAIL, "record: {event: go}"), (f"when: {WHEN}", "on: {event: go}")],
            "10:40: record: the playbook's own trigger asks about go, so it may start itself",
        ),
        (
            [(MAIL, 'record: {event: go, properties: {a: "{{ acount.name }}"}}')],
            '10:60: a: there is no "acount" in a template of a playbook about accounts '
            '(did you mean "account"?)',
        ),
        (
            [(MAIL, f"choose: [{{{MAIL}}}, {{{POST}}}]")],
            "10:83: step mail: branch 2 is never reached, because branch 1 has no if and is always taken",
        ),
        (
            [(MAIL, f"choose: [{{if: {WHEN}, {MAIL}}}, {{if: {LOWER}, {POST}}}]")],
            "10:128: step mail: branch 2 can never be taken, for branch 1 is true whenever it is",
        ),
        (
            [(MAIL, f"if: {IS_LOW}, choose: [{{if: {IS_HIGH}, {MAIL}}}, {{{POST}}}]")],
            '10:78: step mail: branch 1 can never be taken, for "health is below 40" '
            'excludes "health is at least 60"',
        ),
        (
            [("equals: high_touch", "not_in: [high_touch, low_touch, tech_touch]")],
            '4:11: audience: excludes everybody, for '
            '"segment is not high_touch, low_touch or tech_touch" is never so',
        ),
        (
            [(WHEN, f"{{all: [{WHEN}, {IS_LOW_TOUCH}]}}")],
            '5:7: when: can never hold for anybody in the audience, for '
            '"segment is high_touch" excludes "segment is low_touch"',
        ),
        (
            [(f"when: {WHEN}", "on: {field: account.segment, changes_to: high_touch}")],
            '5:5: on: can never hold for anybody in the audience, for '
            '"segment is high_touch" excludes not "segment is high_touch"',
        ),
        (
            [(CALL, "    if: {all: [{step: mail, is: open}, {step: mail, is: done}]}\n" + CALL)],
            '8:9: step call: if: can never hold, so it never acts; for '
            '"step mail is open" excludes "step mail is done"',
        ),
        (
            [(CALL, "    if: {field: account.health, at_least: 60}\n" + CALL)],
            '8:9: step call: never acts, because exit well ends the run first',
        ),
        (
            [
                (CALL, "    on: {event: login}\n    task"),
                ("when: {field: account.health, at_least: 60}", "on: {event: login}"),
            ],
            '8:9: step call: never acts, because exit well ends the run first',
        ),
        (
            [("at_least: 60}", "below: 40}")],
            '13:5: exit well: holds whenever the playbook starts, so a run ends as '
            "it begins",
        ),
        (
            [("{field: account.health, at_least: 60}", "{field: account.health, between: [1, 2]}")],
            None,
        ),
        (
            [("{field: account.health, at_least: 60}", f"{{all: [{IS_STRATEGIC}, {IS_NOT_STRATEGIC}]}}")],
            '13:27: exit well: can never hold, for "strategic is yes" excludes '
            '"strategic is no"',
        ),
        (
            [("via: slack", "via: slak")],
            '11:39: via: there is no connector "slak" in config.yaml '
            '(did you mean "slack"?)',
        ),
        (
            [("via: slack", "via: email")],
            '11:39: via: connector "email" is of kind smtp, and takes no messages',
        ),
        (
            [("{{ account.name }}", "{{ acount.name }}")],
            '9:28: title: there is no "acount" in a template of a playbook about '
            'accounts (did you mean "account"?)',
        ),
        (
            [("{{ account.name }}", "{{ account.helth | default(1) }}")],
            '9:28: title: there is no "account.helth" '
            '(did you mean "account.health"?)',
        ),
    ],
)  # fmt: skip
def test_lint_warns_of_what_is_unwise(
    warnings: Warnings, changes: list[tuple[str, str]], expected: str | None
) -> None:
    """At the place that says it, with what is wrong."""
    assert warnings(*changes) == ([f"rules/small.yaml:{expected}"] if expected else [])


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("tasks/guide.md.j2", "a\n{{ contact.name }}",
         'tasks/guide.md.j2:2:1: there is no "contact" in a template of a playbook '
         "about accounts"),
        ("emails/hello/body.txt.j2", "{{ contact['nam'] }}",
         'emails/hello/body.txt.j2:1:1: there is no "contact.nam" '
         '(did you mean "contact.name"?)'),
        ("emails/hello/body.txt.j2", "{{ subscription.seats }}",
         'emails/hello/body.txt.j2:1:1: there is no "subscription" in an email of a '
         "playbook about accounts"),
        ("tasks/guide.md.j2", "{% if contact is defined %}{{ contact.name }}{% endif %}", None),
        ("tasks/guide.md.j2", "{% set x = 'a' %}{{ x }}{{ account.id }}{{ today.year }}", None),
        ("tasks/guide.md.j2", "{% for account in ['a'] %}{{ account }}{% endfor %}", None),
    ],
)  # fmt: skip
def test_lint_warns_of_names_that_nothing_gives_a_template(
    warnings: Warnings, path: str, text: str, expected: str | None
) -> None:
    """On their line, also where a default would hide a slip."""
    assert warnings(templates={path: text}) == ([f"templates/{expected}"] if expected else [])


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({"csm": {"fallback": "pool"}, "pool": {"fallback": "csm"}},
         "to: roles lead in a circle in config.yaml: csm -> pool -> csm"),
        ({"csm": {"manager_of": "csm"}}, "to: roles lead in a circle in config.yaml: csm -> csm"),
        ({"csm": {"fallback": "pol"}, "pool": {}},
         'to: fallback of role csm is "pol", which is no role (did you mean "pool"?)'),
        ({"csm": {"manager_of": "boss"}}, 'to: manager_of of role csm is "boss", which is no role'),
        ({"csm": {"field": "account.cms"}},
         'to: field of role csm is "account.cms", which is no field of an account '
         '(did you mean "account.csm"?)'),
        ({"csm": {}}, None),
    ],
)  # fmt: skip
def test_lint_warns_of_roles_that_find_nobody(
    warnings: Warnings, roles: dict[str, Any], expected: str | None
) -> None:
    """A shared queue is fine; a circle or a name that is not there is not."""
    wanted = [f"rules/small.yaml:9:16: {expected}"] if expected else []
    assert warnings(roles=roles) == wanted


def test_lint_warns_of_an_email_that_cannot_leave(warnings: Warnings) -> None:
    """Without the connector it waits for nothing."""
    found = warnings(connectors={"slack": CONNECTORS["slack"]})
    assert found == [
        'rules/small.yaml:10:31: email: there is no connector "email" of kind smtp '
        "in config.yaml, so it cannot leave"
    ]


TALL = """\
playbook: tall
owner: cs
subject: account
audience: {field: account.segment, in: [high_touch, low_touch]}
on: {event: cancel_requested}
steps:
  - {id: ring, day: 0, task: {to: csm, title: "Call  {{ account.name }}"}}
  - {id: ask, day: 1, task: {to: manager, title: "Ask", template: guide}}
"""


def test_lint_warns_of_two_playbooks_with_one_task(warnings: Warnings) -> None:
    """The same title, or the same guidance, for the same role."""
    assert warnings(also=TALL) == [
        'rules/tall.yaml:7:5: warning: playbook "tall": step ring: gives the same task to the same role as '
        'step call of "small" (rules/small.yaml:7:5); tell them apart, or keep one'
    ]
    assert len(warnings(also=TALL.replace("to: manager", "to: csm"))) == 2


def test_lint_lets_playbooks_alone_that_never_meet(warnings: Warnings) -> None:
    """No account is in both audiences."""
    assert warnings(also=TALL.replace("in: [high_touch, low_touch]", "equals: low_touch")) == []


def test_lint_warns_of_an_overdue_review(warnings: Warnings) -> None:
    """Counted from the file's last change."""
    change = ("owner: cs", "owner: cs\nreview_every: 90d")
    assert warnings(change, age=timedelta(days=89)) == []
    assert warnings(change, age=timedelta(days=120)) == [
        "rules/small.yaml:3:15: review_every: last changed 120 days ago; look it "
        "over, and note the day in the file"
    ]


def test_lint_of_a_purpose_in_two_playbooks(warnings: Warnings) -> None:
    """Only where one account can be in both audiences."""
    other = SOUND.replace("small", "tall").replace("day: 1, message", "day: 1, purpose: tip, message")
    other = other.replace('title: "Call', 'title: "Ask').replace("template: guide, ", "")
    mine = (MAIL, f"purpose: tip, {MAIL}")
    (found,) = warnings(mine, also=other)
    assert 'playbook "tall": step post: purpose: tip is also that of step mail of "small"' in found
    assert warnings(mine, also=other.replace("high_touch", "low_touch")) == []
