"""Test files: what they say, and what is said about mistakes in them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from engine.conditions.catalogue import BUILT_IN, Kind
from engine.rehearsal.parse import LONG_AGO, Script, parse_tests
from engine.rehearsal.script import Completion, Wanted

START = datetime(2026, 3, 2, 14, tzinfo=UTC)

WHOLE = """
tests:
  - name: everything at once
    at: 2026-03-02T15:00:00+01:00
    given:
      people: [{id: dana, name: Dana, manager: max}]
      account: {id: acme, name: Acme, health: 72, renews_on: 2026-06-01}
      contacts: [{id: kim, role: champion, status: active}]
      earlier:
        - {at: -30d, account: {health: null}}
        - {at: -2d, event: login}
        - {at: -1d, event: {name: opened, subject: kim}}
    timeline:
      - {at: +1d 2h, account: {health: 35.5}, contact: {status: departed}, event: cancel_requested}
      - {at: 2026-03-04T00:00:00Z, complete: review}
      - {at: +3d, complete: {step: outreach, outcome: no_response, note: called twice}, release_holds: true}
      - at: +4d
        expect:
          starts: 1
          tasks: [review, {step: outreach, due: 2026-03-04}]
          emails: []
          ended: [recovered, churned]
          open: outreach
          held: 0
          others: allow
      - {at: +5d, expect: nothing}
"""


def parsed(text: str) -> Script:
    """The tests of a text that stands in t.test.yaml."""
    return parse_tests("t.test.yaml", text, BUILT_IN)


def test_parse_tests_reads_people_account_and_parts() -> None:
    """What is given has been so for a long time before the start."""
    (test,) = parsed(WHOLE).tests
    assert (test.name, test.at, test.line) == ("everything at once", START, 3)
    assert [(each.id, each.manager, each.role) for each in test.people] == [("dana", "max", "csm")]
    account, contact, later = test.entries
    assert account.values == {"name": "Acme", "health": Decimal(72), "renews_on": date(2026, 6, 1)}
    assert account.effective_at == account.recorded_at == START - LONG_AGO
    assert (contact.kind, contact.account_id) == (Kind.CONTACT, "acme")
    assert (later.values, later.effective_at) == ({"health": None}, START - timedelta(days=30))
    assert [(each.name, each.occurred_at, each.subject_id) for each in test.events] == [
        ("login", START - timedelta(days=2), None),
        ("opened", START - timedelta(days=1), "kim"),
    ]


def test_parse_tests_reads_the_timeline() -> None:
    """Changes, events and completions stand at their instants; ids may be left out where there is one."""
    (test,) = parsed(WHOLE).tests
    first, second, third, *_ = test.timeline
    assert first.at == START + timedelta(days=1, hours=2)
    assert [(each.kind, each.id, dict(each.values)) for each in first.entries] == [
        (Kind.ACCOUNT, "acme", {"health": Decimal("35.5")}),
        (Kind.CONTACT, "kim", {"status": "departed"}),
    ]
    assert [each.name for each in first.events] == ["cancel_requested"]
    assert (second.at, second.completion) == (
        datetime(2026, 3, 4, tzinfo=UTC),
        Completion("review", None, None),
    )
    assert third.completion == Completion("outreach", "no_response", "called twice")
    assert third.releases


def test_parse_tests_reads_expectations() -> None:
    """Lists may be empty, items may be only a step, and nothing is nothing at all."""
    (test,) = parsed(WHOLE).tests
    expected, nothing = test.timeline[3].expectation, test.timeline[4].expectation
    assert expected is not None
    assert nothing is not None
    assert (expected.starts, expected.ended, expected.held) == (1, ("recovered", "churned"), 0)
    assert expected.items == {
        "tasks": (Wanted({"step": "review"}), Wanted({"step": "outreach", "due": "2026-03-04"})),
        "emails": (),
    }
    assert expected.open_steps == ("outreach",)
    assert not expected.is_strict
    assert (nothing.starts, nothing.ended, nothing.items, nothing.is_strict) == (0, (), {}, True)


GIVEN = "at: 2026-03-02T14:00:00Z, given: {account: {id: acme, health: 50}}"


LARGE = "{name: a, properties: {b: 1e30}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: 3", "1:8: tests: takes a list"),
        ("test: []", '1:1: unknown key "test" in a test file (did you mean "tests"?)'),
        ("tests:\n  - name: x\n    name: y", '"name" is already given on line 2'),
        ("tests: [{name: x}]", 'a test needs "at"'),
        (f"tests: [{{name: x, {GIVEN}}}]", 'a test needs "timeline"'),
        (
            "tests: [{name: x, at: 2026-03-02, given: {account: {id: a}}, timeline: []}]",
            "'2026-03-02' has no time zone; write it as 2026-01-31T09:00:00Z",
        ),
        (
            "tests: [{name: x, at: 2026-03-02T14:00:00Z, given: {people: []}, timeline: []}]",
            'given needs "account"',
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +1d, account: {{helth: 3}}}}]}}]",
            'unknown key "helth" in an account (did you mean "health"?)',
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +1d, account: {{health: low}}}}]}}]",
            'health: "low" is not a number (account.health is a number in points)',
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +1d, event: {{name: a, properties: [b]}}}}]}}]",
            "properties: takes a mapping from names to what the event carries",
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +1d, event: {LARGE}}}]}}]",
            'properties: "1e30" is too large a number',
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +1d, contact: {{status: active}}}}]}}]",
            'contact: which contact? add "id:"',
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +1d, account: {{id: b, health: 3}}}}]}}]",
            'account: a test has one account, "acme"',
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +2d}}, {{at: +1d}}]}}]",
            "at: goes back before 2026-03-04T14:00:00Z; the clock only goes on",
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +2bd}}]}}]",
            "at: 2bd has no fixed length; write days or hours, or an instant",
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: soon}}]}}]",
            "at: 'soon' is not an instant; write it as 2026-01-31T09:00:00Z, or +3d from the test's start",
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +1d, expect: {{task: []}}}}]}}]",
            'unknown key "task" in expect (did you mean "tasks"?)',
        ),
        (
            f"tests: [{{name: x, {GIVEN}, timeline: [{{at: +1d, expect: {{tasks: [{{who: me}}]}}}}]}}]",
            'unknown key "who" in a member of tasks',
        ),
        (
            "tests: [{name: x, at: 2026-03-02T14:00:00Z, given: {account: {id: a}, "
            "earlier: [{at: +1d, event: login}]}, timeline: []}]",
            "at: is after the test's start; put it into the timeline",
        ),
        (
            f"tests:\n  - {{name: x, {GIVEN}, timeline: []}}\n  - {{name: x, {GIVEN}, timeline: []}}",
            '3:5: "x" is already the test on line 2; rename one',
        ),
    ],
)
def test_parse_tests_says_what_is_wrong(text: str, message: str) -> None:
    """Every mistake has its place and its mend."""
    found = [str(each) for each in parsed(text).problems]
    assert any(message in each for each in found), found
    assert all(each.startswith("t.test.yaml:") for each in found)
