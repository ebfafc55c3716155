"""What tests have exercised of a playbook."""

from pathlib import Path

import pytest

from engine.cli.coverage_table import shown, table
from engine.rehearsal.coverage import Coverage, Tally
from engine.rehearsal.run import rehearse, untested
from engine.settings import Role, Settings

PLAYBOOK = """playbook: slump
owner: ops
subject: account
audience: {field: account.segment, equals: high_touch, leave: exit}
when: {field: account.health, drops_below: 40}
on: [{event: alarm}, {event: cry}]
steps:
  - {id: call, day: 0, task: {to: csm, title: Call, outcomes: [reached, no_answer]}}
  - {id: again, after: call + 2h, if: {step: call, is: open}, task: {to: csm, title: Again}}
exit:
  - {outcome: better, when: {field: account.health, at_least: 60}}
  - {outcome: better, on: {event: relief}}
"""
GIVEN = "at: 2026-03-02T14:00:00Z, given: {account: {id: acme, health: 50, segment: high_touch}}"
ALL = {
    "when: never starts a run",
    "on[0]: never starts a run",
    "on[1]: never starts a run",
    "audience: leaving it never ends a run",
    "step call: never acts",
    "step again: never acts",
    "step again: its if is never true",
    "step again: its if is never false",
    "exit better: never ends a run",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A playbook in a folder of its own."""
    (tmp_path / "slump.yaml").write_text(PLAYBOOK)
    return Settings(rules=tmp_path, templates=tmp_path, roles={"csm": Role(field="account.csm")})


def coverage(settings: Settings, *timelines: str) -> Coverage:
    """Of one test for each timeline; what they expect is not at issue."""
    tests = "".join(
        f"  - {{name: test {index}, {GIVEN}, timeline: [{each}]}}\n" for index, each in enumerate(timelines)
    )
    file = settings.rules / "slump.test.yaml"
    file.write_text(f"tests:\n{tests}")
    (report,) = rehearse([file], settings, settings.catalogue())
    assert report.problems == ()
    assert report.coverage is not None
    return report.coverage


@pytest.mark.parametrize(
    ("timeline", "exercised"),
    [
        ("{at: +1h, account: {health: 45}}", set()),
        ("{at: +1h, account: {health: 30}}", {"when: never starts a run", "step call: never acts"}),
        ("{at: +1h, event: cry}", {"on[1]: never starts a run", "step call: never acts"}),
        (
            "{at: +1h, event: alarm}, {at: +9h, expect: {others: allow}}",
            {
                "on[0]: never starts a run",
                "step call: never acts",
                "step again: never acts",
                "step again: its if is never true",
            },
        ),
        (
            "{at: +1h, event: alarm}, {at: +2h, complete: {step: call, outcome: reached}}, "
            "{at: +9h, expect: {others: allow}}",
            {
                "on[0]: never starts a run",
                "step call: never acts",
                "step again: its if is never false",
            },
        ),
        (
            "{at: +1h, event: alarm}, {at: +2h, account: {segment: low_touch}}",
            {
                "on[0]: never starts a run",
                "step call: never acts",
                "audience: leaving it never ends a run",
            },
        ),
    ],
)
def test_coverage_counts_what_has_happened(settings: Settings, timeline: str, exercised: set[str]) -> None:
    """A part is exercised by doing something, not by being looked at."""
    found = coverage(settings, timeline)
    assert ALL - {each.words for each in found.missed} == exercised
    assert found.total.exercised == len(exercised)


def test_coverage_tells_apart_exits_of_one_outcome(settings: Settings) -> None:
    """Each exit counts for itself, and the one that is left has its line."""
    found = coverage(settings, "{at: +1h, event: alarm}, {at: +2h, event: relief}")
    (left,) = [each for each in found.missed if each.words == "exit better: never ends a run"]
    assert (left.path, left.line, left.column) == ("exit[0]", 11, 5)
    assert found.tallies["exits"] == Tally(1, 3)


def test_coverage_adds_up_all_tests_of_a_file(settings: Settings) -> None:
    """What one test leaves out another may exercise."""
    found = coverage(
        settings,
        "{at: +1h, account: {health: 30}}, {at: +9h, account: {health: 70}}",
        "{at: +1h, event: alarm}, {at: +2h, complete: {step: call, outcome: reached}}, "
        "{at: +9h, expect: {others: allow}}",
        "{at: +1h, event: cry}, {at: +2h, event: relief}",
        "{at: +1h, event: cry}, {at: +2h, account: {segment: low_touch}}",
    )
    assert found.missed == ()
    assert found.total == Tally(10, 10)


CHOICE = """playbook: slump
owner: ops
subject: account
on: {event: go}
steps:
  - id: pick
    day: 0
    choose:
      - {if: {field: account.health, below: 30}, task: {to: csm, title: Save}}
      - {if: {field: account.health, below: 60}, task: {to: csm, title: Look}}
"""


@pytest.mark.parametrize(
    ("health", "last", "missed"),
    [
        (20, "", {"never takes branch 2:10", "never finds all its branches untrue:9"}),
        (50, "", {"never takes branch 1:9", "never finds all its branches untrue:9"}),
        (70, "", {"never takes branch 1:9", "never takes branch 2:10", "never acts:6"}),
        (
            20,
            "      - {task: {to: csm, title: Rest}}\n",
            {"never takes branch 2:10", "never takes branch 3:11"},
        ),
        (
            70,
            "      - {task: {to: csm, title: Rest}}\n",
            {"never takes branch 1:9", "never takes branch 2:10"},
        ),
    ],
)
def test_coverage_counts_each_branch(settings: Settings, health: int, last: str, missed: set[str]) -> None:
    """Of a choice every branch counts, and that none is true where that can be."""
    (settings.rules / "slump.yaml").write_text(CHOICE + last)
    found = coverage(settings, f"{{at: +1h, account: {{health: {health}}}}}, {{at: +2h, event: go}}")
    assert {f"{each.words.removeprefix('step pick: ')}:{each.line}" for each in found.missed} == missed


def test_coverage_counts_nothing_that_the_guard_held(settings: Settings) -> None:
    """A start that was only tried is not a start."""
    text = PLAYBOOK.replace("subject: account", "subject: contact\nguard: {max_starts: 1, within: 1h}")
    (settings.rules / "slump.yaml").write_text(text)
    file = settings.rules / "slump.test.yaml"
    file.write_text("""tests:
  - name: two at once
    at: 2026-03-02T14:00:00Z
    given:
      account: {id: acme, health: 50, segment: high_touch}
      contacts: [{id: a}, {id: b}]
    timeline: [{at: +1h, account: {health: 30}, expect: {held: 2}}]
""")
    (report,) = rehearse([file], settings, settings.catalogue())
    assert report.passed
    assert report.coverage is not None
    assert report.coverage.total.exercised == 0


def test_untested_finds_what_has_no_tests(settings: Settings) -> None:
    """A rule file without tests counts with nothing exercised; a broken one is told."""
    coverage(settings, "{at: +1h, event: alarm}")
    (settings.rules / "bare.yaml").write_text(PLAYBOOK.replace("slump", "bare"))
    (settings.rules / "broken.yaml").write_text("playbook: [")
    bare, broken = untested([settings.rules], settings, settings.catalogue())
    assert bare.coverage is not None
    assert (bare.coverage.playbook, bare.coverage.total) == ("bare", Tally(0, 10))
    assert (broken.file, broken.passed) == ((settings.rules / "broken.yaml").as_posix(), False)


@pytest.mark.parametrize(
    ("tally", "words"),
    [
        (Tally(0, 0), "100%"),
        (Tally(0, 3), "0%"),
        (Tally(2, 3), "66.6%"),
        (Tally(1, 2), "50%"),
        (Tally(9_999, 10_000), "99.9%"),
        (Tally(3, 3), "100%"),
    ],
)
def test_shown_percent_is_never_rounded_up(tally: Tally, words: str) -> None:
    """What is not whole is not shown as 100 %."""
    assert shown(tally.percent) == words


def test_table_has_a_line_for_each_playbook_and_what_is_missing(settings: Settings) -> None:
    """People read it, and editors follow the places."""
    lines = table([coverage(settings, "{at: +1h, account: {health: 30}}")])
    assert lines[:3] == [
        "playbook  triggers  branches     exits     steps     all",
        "slump          1/3       0/2       0/3       1/2     20%",
        "never exercised:",
    ]
    assert lines[3].endswith("slump.yaml:4:11: audience: leaving it never ends a run")
    assert len(lines) == 11
