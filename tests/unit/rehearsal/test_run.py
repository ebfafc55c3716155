"""Test files run against the playbook beside them."""

from pathlib import Path

import pytest

from engine.rehearsal.report import Report
from engine.rehearsal.run import find_tests, rehearse
from engine.settings import Role, Settings

PLAYBOOK = """
playbook: slump
title: Slump
owner: ops
subject: account
when: {field: account.health, drops_below: 40}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call {{ account.name }}", outcomes: [reached, no_answer]}}
  - {id: again, after: call + 2h, if: {step: call, is: open}, task: {to: csm, title: Call again}}
exit:
  - {outcome: better, when: {field: account.health, at_least: 60}}
"""
ANSWER = (
    "id: answer, on: {event: complaint}, repeat: each, task: {to: csm, title: Answer, outcomes: [calm]}, "
    "escalate: {after: 90min, to: csm}"
)
GIVEN = "at: 2026-03-02T14:00:00Z, given: {account: {id: acme, name: Acme, health: 50, csm: dana}}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A playbook in a folder of its own."""
    (tmp_path / "slump.yaml").write_text(PLAYBOOK)
    return Settings(rules=tmp_path, templates=tmp_path, roles={"csm": Role(field="account.csm")})


def run(settings: Settings, *timelines: str) -> Report:
    """The report of one test for each timeline."""
    tests = "".join(
        f"  - {{name: test {index}, {GIVEN}, timeline: [{each}]}}\n" for index, each in enumerate(timelines)
    )
    file = Path(settings.rules) / "slump.test.yaml"
    file.write_text(f"tests:\n{tests}")
    (report,) = rehearse([file], settings, settings.catalogue())
    return report


def test_rehearse_passes_what_goes_as_expected(settings: Settings) -> None:
    """Starts, tasks with their owner and due date, completions and ends are seen."""
    report = run(
        settings,
        "{at: +1h, account: {health: 30}, expect: "
        "{starts: 1, tasks: [{step: call, assignee: dana, title: Call Acme, due: 2026-03-03}]}}, "
        "{at: +2h, complete: {step: call, outcome: reached}, expect: nothing}, "
        "{at: +5h, expect: {skipped: [again], ended: completed}}",
    )
    assert report.passed, [str(one) for each in report.results for one in each.failures]


def test_rehearse_lets_time_act_between_moves(settings: Settings) -> None:
    """What falls due on the way to the next move happens at its own instant."""
    report = run(
        settings,
        "{at: +1h, account: {health: 30}}, {at: +9h, account: {health: 70}}, "
        "{at: +9h, expect: {starts: 1, tasks: [call, again], ended: better}}",
    )
    assert report.passed, [str(one) for each in report.results for one in each.failures]


def test_rehearse_sees_each_occurrence_of_a_step_that_repeats(settings: Settings) -> None:
    """Each makes what is expected of it, and a person finishes the oldest first."""
    text = PLAYBOOK.replace("exit:", f"  - {{{ANSWER}}}\nexit:")
    (Path(settings.rules) / "slump.yaml").write_text(text)
    report = run(
        settings,
        "{at: +1h, account: {health: 30}, expect: {starts: 1, tasks: [call]}}, "
        "{at: +90min, event: complaint}, {at: +100min, event: complaint, expect: {tasks: [answer, answer], "
        "open: [call, answer, answer]}}, "
        "{at: +110min, complete: {step: answer, outcome: calm}, expect: nothing}, "
        "{at: +3h 30min, expect: {tasks: [again], escalated: [answer], open: [call, again, answer]}}",
    )
    assert report.passed, [str(one) for each in report.results for one in each.failures]


def test_rehearse_takes_moves_at_one_instant_in_turn(settings: Settings) -> None:
    """Two moves of the same time happen one after the other."""
    report = run(
        settings,
        "{at: +1h, account: {health: 30}}, {at: +1h, complete: {step: call, outcome: reached}}, "
        "{at: +1h, account: {health: 61}, expect: {starts: 1, tasks: [call], ended: better}}",
    )
    assert report.passed, [str(one) for each in report.results for one in each.failures]


def test_rehearse_tells_each_failure_with_its_place(settings: Settings) -> None:
    """The line is that of the expectation, and both sides are shown."""
    report = run(settings, "{at: +1h, account: {health: 30}, expect: {starts: 1, tasks: [again]}}")
    (failure,) = report.results[0].failures
    assert (failure.line, failure.file) == (2, report.file)
    assert str(failure) == (
        f"{report.file}:2:{failure.column}: at 2026-03-02T15:00:00Z: expected (-) and happened (+) differ\n"
        "    tasks:\n"
        "      - step: again\n"
        "      + step: call\n"
        "    why:\n"
        "      step again: waits for 2026-03-02T17:00:00Z"
    )


@pytest.mark.parametrize(
    ("move", "message"),
    [
        ("complete: call", 'step "call" has no open task; steps with open tasks: none'),
        ("complete: {step: call, outcome: maybe}", 'step "call" has no open task'),
        ("account: {health: 30}, complete: call", 'step "call" has no open task'),
        ("contact: {id: kim, timezone: Mars/Base}", "'Mars/Base' is not a time zone"),
    ],
)
def test_rehearse_stops_a_test_that_cannot_be_played(settings: Settings, move: str, message: str) -> None:
    """A move that cannot be made fails the test at that line, and the rest of it is not run."""
    report = run(settings, f"{{at: +1h, {move}}}, {{at: +2h, expect: {{starts: 7}}}}")
    (failure,) = report.results[0].failures
    assert message in str(failure)


def test_rehearse_refuses_an_outcome_the_task_has_not(settings: Settings) -> None:
    """The choices are named."""
    report = run(
        settings, "{at: +1h, account: {health: 30}}, {at: +2h, complete: {step: call, outcome: maybe}}"
    )
    assert "choose one of reached, no_answer" in str(report.results[0].failures[0])


def test_rehearse_starts_every_test_afresh(settings: Settings) -> None:
    """Nothing of one test is left in the next, even where the clock goes back."""
    report = run(
        settings,
        "{at: +90d, account: {health: 30}, expect: {starts: 1, tasks: [call]}}",
        "{at: +1h, expect: nothing}, {at: +2h, account: {health: 30}, expect: {starts: 1, tasks: [call]}}",
    )
    assert [each.passed for each in report.results] == [True, True]


def test_rehearse_reports_problems_of_both_files(settings: Settings) -> None:
    """A broken playbook and a broken test are told together, with their places."""
    (settings.rules / "slump.yaml").write_text(PLAYBOOK.replace("day: 0", "day: soon"))
    report = run(settings, "{at: +1h, wait: 3}")
    assert not report.passed
    found = [str(each) for each in report.problems]
    assert any("slump.test.yaml:2" in each and 'unknown key "wait"' in each for each in found)
    assert any("slump.yaml:8" in each for each in found)


def test_rehearse_reports_a_missing_playbook(settings: Settings) -> None:
    """A test file without its playbook cannot be run."""
    (settings.rules / "slump.yaml").unlink()
    report = run(settings, "{at: +1h, expect: nothing}")
    assert not report.passed
    assert "the tests in slump.test.yaml are for slump.yaml" in str(report.problems[0])


def test_rehearse_runs_only_the_wanted(settings: Settings) -> None:
    """A name picks tests."""
    run(settings, "{at: +1h, expect: nothing}", "{at: +1h, expect: {starts: 5}}")
    file = Path(settings.rules) / "slump.test.yaml"
    (report,) = rehearse([file], settings, settings.catalogue(), wanted=lambda each: each.name == "test 0")
    assert report.passed
    assert len(report.results) == 1


def test_find_tests_takes_folders_tests_and_rule_files(settings: Settings) -> None:
    """A folder has its tests, a rule file the one beside it, each once."""
    folder = Path(settings.rules)
    file = folder / "slump.test.yaml"
    file.write_text("tests: []")
    (folder / "other.yaml").write_text(PLAYBOOK)
    assert find_tests([folder, folder / "slump.yaml", file, folder / "other.yaml"]) == [file]


def test_rehearse_holds_and_releases_what_the_guard_stops(settings: Settings) -> None:
    """Two departures at once are too many for a guard of one."""
    rule = """
playbook: gone
owner: ops
subject: contact
on: {field: contact.status, changes_to: departed}
guard: {max_starts: 1, within: 1h}
steps: [{id: note, day: 0, task: {to: csm, title: Note}}]
"""
    tests = """
tests:
  - name: held and released
    at: 2026-03-02T14:00:00Z
    given:
      account: {id: acme}
      contacts: [{id: a, status: active}, {id: b, status: active}]
    timeline:
      - {at: +1h, contact: {id: a, status: departed}}
      - {at: +1h, contact: {id: b, status: departed}, expect: {starts: 1, tasks: [note], held: 1}}
      - {at: +2h, release_holds: true, expect: {starts: 1, tasks: [note], held: 0}}
"""
    (settings.rules / "gone.yaml").write_text(rule)
    file = settings.rules / "gone.test.yaml"
    file.write_text(tests)
    (report,) = rehearse([file], settings, settings.catalogue())
    assert [str(one) for each in report.results for one in each.failures] == []
    assert report.problems == ()


def test_rehearse_shows_when_an_email_leaves(settings: Settings) -> None:
    """What an exit writes at night leaves in the customer's morning."""
    folder = settings.templates / "emails" / "bye"
    folder.mkdir(parents=True)
    for name in ("subject.txt.j2", "body.html.j2", "body.txt.j2"):
        (folder / name).write_text("Goodbye")
    (folder.parent / "_layout.html.j2").write_text("<html><body>{{ body }}</body></html>")
    (settings.rules / "leave.yaml").write_text("""
playbook: leave
owner: ops
subject: account
when: {field: account.health, below: 40}
steps: [{id: note, day: 0, task: {to: csm, title: Note}}]
exit:
  - outcome: left
    when: {field: account.stage, equals: churned}
    then: [{email: {to: any, template: bye, topic: news}}]
""")
    file = settings.rules / "leave.test.yaml"
    file.write_text("""
tests:
  - name: at night
    at: 2026-03-02T14:00:00Z
    given:
      account: {id: acme, health: 50, timezone: Asia/Tokyo}
      contacts: [{id: kim, status: active, email: kim@acme.example}]
    timeline:
      - {at: +1h, account: {health: 30}, expect: {starts: 1, tasks: [note]}}
      - at: +2h
        account: {stage: churned}
        expect: {ended: left, emails: [{to: kim@acme.example, at: 2026-03-02T23:00:00Z}]}
""")
    (report,) = rehearse([file], settings, settings.catalogue())
    assert [str(each) for each in report.problems] == []
    assert [str(one) for each in report.results for one in each.failures] == []


def test_rehearse_silences_the_account_and_ends_it(settings: Settings) -> None:
    """Nothing starts meanwhile; what is owed starts at the end, by time or by a person."""
    quiet = "{at: +1h, silence: {until: +3d, why: merger}}, {at: +2h, account: {health: 30}, expect: nothing}"
    report = run(
        settings,
        f"{quiet}, {{at: +2d, expect: nothing}}, {{at: +3d, expect: {{starts: 1, tasks: [call]}}}}",
        f"{quiet}, {{at: +1d, end_silences: true, expect: {{starts: 1, tasks: [call]}}}}",
    )
    assert report.passed, [str(one) for each in report.results for one in each.failures]


def test_rehearse_compares_the_branch_that_was_taken(settings: Settings) -> None:
    """By its number, and by the reason where it is named."""
    (settings.rules / "slump.yaml").write_text("""
playbook: slump
owner: ops
subject: account
on: {event: go}
steps:
  - id: pick
    day: 0
    choose:
      - {if: {field: account.health, below: 30}, task: {to: csm, title: Save}}
      - {if: {field: account.health, below: 70}, task: {to: csm, title: Look}}
""")
    expected = "tasks: [{step: pick, title: Look}], starts: 1"
    second, first = "{step: pick, branch: 2, reason: health is 50}", "{step: pick, branch: 1}"
    report = run(
        settings,
        *(f"{{at: +1h, event: go, expect: {{{expected}, chosen: [{each}]}}}}" for each in (second, first)),
    )
    assert [each.passed for each in report.results] == [True, False]
    assert "+ step: pick, branch: 2" in str(report.results[1].failures[0])


def test_rehearse_compares_why(settings: Settings) -> None:
    """A test can ask why a playbook runs or does not; a wrong reason is shown beside the right one."""
    report = run(
        settings,
        "{at: +1h, account: {health: 45}, expect: {why: has not dropped below 40}}, "
        "{at: +2h, account: {health: 30}, expect: {why: 'since 2026-03-02T16:00:00Z', others: allow}}",
        "{at: +1h, expect: {why: cooling down}}",
    )
    assert [each.passed for each in report.results] == [True, False]
    (failure,) = report.results[1].failures
    assert str(failure).splitlines()[1:] == [
        "    why:",
        "      - cooling down",
        "      + It does not run: health is 50 (has not dropped below 40).",
    ]


def test_rehearse_says_what_became_of_a_missing_step(settings: Settings) -> None:
    """Skipped, and why; or still waiting, and for what."""
    report = run(
        settings,
        "{at: +1h, account: {health: 30}}, {at: +2h, complete: {step: call, outcome: reached}}, "
        "{at: +5h, expect: {tasks: [call, again], starts: 1, ended: completed}}",
        "{at: +1h, account: {health: 30}, expect: {starts: 1, tasks: [call, again]}}",
    )
    skipped, waiting = (each.failures[0].why for each in report.results)
    assert skipped == ("step again: skipped, not needed: step call is done (not open)",)
    assert waiting == ("step again: waits for 2026-03-02T17:00:00Z",)


def test_rehearse_compares_what_the_playbook_changes(settings: Settings) -> None:
    """Events and fields, each once; what is not expected must not happen."""
    (settings.rules / "slump.yaml").write_text("""
playbook: slump
owner: ops
subject: account
on: {event: go}
steps:
  - {id: lift, day: 0, update: {account.effective_segment: high_touch, account.csm: null}}
  - {id: tell, day: 0, record: {event: told, properties: {why: "{{ run.reason }}", n: 2}}}
""")
    updates = "[{field: account.effective_segment, from: missing, to: high_touch, step: lift}, account.csm]"
    records = "[{event: told, properties: 'n: 2'}]"
    report = run(
        settings,
        f"{{at: +1h, event: go, expect: {{starts: 1, ended: completed, updates: {updates}, "
        f"records: {records}}}}}, {{at: +2h, expect: nothing}}",
        "{at: +1h, event: go, expect: {starts: 1, ended: completed, records: [tell], others: allow}}",
        "{at: +1h, event: go, expect: {starts: 1, ended: completed}}",
    )
    assert [each.passed for each in report.results] == [True, False, False]
    assert "- event: tell" in str(report.results[1].failures[0])
    assert "+ field: account.csm, from: dana" in str(report.results[2].failures[0])


def test_rehearse_compares_documents_of_webhooks(settings: Settings) -> None:
    """By the connector, and by a part of the document."""
    folder = settings.templates / "webhooks"
    folder.mkdir()
    (folder / "note.json.j2").write_text('{"name": "{{ account.name }}"}')
    (settings.rules / "slump.yaml").write_text("""
playbook: slump
owner: ops
subject: account
on: {event: go}
steps: [{id: post, day: 0, webhook: {via: crm, template: note}}]
""")
    ended, wanted = "starts: 1, ended: completed", "{step: post, via: crm, body: Acme}"
    report = run(
        settings,
        f"{{at: +1h, event: go, expect: {{{ended}, webhooks: [{wanted}]}}}}",
        f"{{at: +1h, event: go, expect: {{{ended}}}}}",
    )
    assert [each.passed for each in report.results] == [True, False]
    assert "+ step: post, via: crm" in str(report.results[1].failures[0])


CHOSEN = """
playbook: slump
title: Slump
owner: ops
subject: account
when: {count: event, name: login, where: {field: event.plan, equals: trial}, within: 7d, at_least: 2}
on:
  event: bought
  where: {all: [{field: event.order.total, above: 99.5}, {field: event.paid, equals: true}]}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call {{ account.name }}"}}
"""


def test_rehearse_lets_events_carry_what_a_rule_asks_for(settings: Settings) -> None:
    """Numbers, flags and what lies within others are taken as written; the reason says what was asked."""
    (Path(settings.rules) / "slump.yaml").write_text(CHOSEN)
    report = run(
        settings,
        "{at: +1h, event: {name: login, properties: {plan: trial}}}, "
        "{at: +2h, event: login, expect: nothing}, "
        '{at: +3h, event: {name: login, properties: {plan: trial, "a b": [1, null, "x"]}}, '
        'expect: {starts: 1, tasks: [{step: call, reason: "where event plan is trial is 2 to 3"}]}}',
        "{at: +1h, event: {name: bought, properties: {order: {total: 99.5}, paid: true}}, expect: nothing}, "
        '{at: +2h, event: {name: bought, properties: {order: {total: 120}, paid: "true"}}, expect: nothing}, '
        "{at: +3h, event: {name: bought, properties: {order: {total: 120}, paid: true}}, "
        "expect: {starts: 1, tasks: [call]}}",
    )
    assert report.passed, [str(one) for each in report.results for one in each.failures]
