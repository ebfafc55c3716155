"""Whole rule files: their keys, defaults and versions."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.clock.durations import Duration
from engine.conditions.catalogue import BUILT_IN, Kind
from engine.conditions.tree import Predicate
from engine.rulefile.model import Existing, Guard, Late, Leave, Missing, Mode, Mutes, OpenSteps, Playbook
from engine.rulefile.parse_playbook import Parsed

EXAMPLES = Path(__file__).parent / "examples"


@pytest.mark.parametrize(
    ("key", "text", "attribute", "value"),
    [
        ("title", '"At risk: recovery"', "title", "At risk: recovery"),
        ("owner", "cs-director", "owner", "cs-director"),
        ("review_every", "30d", "review_every", Duration(30, "d")),
        ("subject", "ticket", "subject", Kind.TICKET),
        ("priority", "0", "priority", 0),
        ("priority", "100", "priority", 100),
        ("for", "90min", "held_for", timedelta(minutes=90)),
        ("for", "0d", "held_for", timedelta(0)),
        ("on_missing", "false", "on_missing", Missing.FALSE),
        ("on_missing", "true", "on_missing", Missing.TRUE),
        ("existing", "fire", "existing", Existing("fire")),
        ("existing", "{since: 14d}", "existing", Existing("since", timedelta(days=14))),
        ("audience", "{field: account.health, above: 1, leave: exit}", "leave", Leave.EXIT),
        ("audience", "{all: [{field: account.health, above: 1}], leave: stay}", "leave", Leave.STAY),
        ("keep_active_for", "3d", "keep_active_for", timedelta(days=3)),
        ("repeat_every", "90d", "repeat_every", timedelta(days=90)),
        ("mode", "restart", "mode", Mode.RESTART),
        ("cooldown", "2w", "cooldown", timedelta(weeks=2)),
        ("run_per", "account.renews_on", "run_per", BUILT_IN.fields["account.renews_on"]),
        ("anchor", "account.renews_on", "anchor", BUILT_IN.fields["account.renews_on"]),
        ("late", "skip", "late", Late.SKIP),
        ("guard", "{max_starts: 3}", "guard", Guard(3, timedelta(hours=1))),
        ("mutes", "{playbooks: [a, b]}", "mutes", Mutes(("a", "b"), OpenSteps.HOLD)),
        ("mutes", "{playbooks: [a], open_steps: cancel}", "mutes", Mutes(("a",), OpenSteps.CANCEL)),
        ("guard", "{within: 1d}", "guard", Guard(25, timedelta(days=1))),
    ],
)
def test_key_is_read(sound: Callable[..., Playbook], key: str, text: str, attribute: str, value: Any) -> None:
    """Every simple key gives its part of the playbook."""
    assert getattr(sound(**{key: text}), attribute) == value


def test_defaults_are_those_of_the_model(parse: Callable[[str], Parsed]) -> None:
    """What a file leaves out; the title is made from the name."""
    parsed = parse(
        "playbook: usage-drop\nsubject: account\nwhen: {event: login, absent_for: 14d}\n"
        "steps:\n- {id: a, day: 0, task: {to: csm, title: x}}\n"
    )
    found = parsed.playbook
    assert found is not None
    assert [each.message for each in parsed.problems] == [
        'playbook "usage-drop": no owner; say who maintains it'
    ]
    assert (found.title, found.owner, found.priority, found.late) == ("Usage drop", "", 50, Late.LATEST)
    assert (found.existing, found.on_missing, found.cooldown) == (Existing("wait"), Missing.FREEZE, None)
    assert found.guard == Guard(25, timedelta(hours=1))


def test_group_by_account_is_read(sound: Callable[..., Playbook]) -> None:
    """It joins the subjects of one account."""
    assert sound(subject="subscription", group_by="account").group_by == "account"


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("{event: a}", ["on"]),
        ("[{event: a}, {field: account.stage, changes_to: churned}]", ["on[0]", "on[1]"]),
    ],
)
def test_on_takes_one_moment_or_a_list(sound: Callable[..., Playbook], text: str, paths: list[str]) -> None:
    """Each is an occurrence of its own."""
    assert [each.predicate.path for each in sound(on=text, when="").on] == paths


def test_moment_has_a_condition_of_its_own(sound: Callable[..., Playbook]) -> None:
    """`if` stands beside the moment and is no part of it."""
    playbook = sound(
        subject="contact",
        when="",
        on="{field: contact.status, changes_to: departed, if: {field: contact.role, equals: champion}}",
    )
    (moment,) = playbook.on
    fields = BUILT_IN.fields
    assert moment.predicate == Predicate("changes_to", "on", fields["contact.status"], "departed")
    assert moment.condition == Predicate("equals", "on.if", fields["contact.role"], "champion")


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_are_sound(parse: Callable[..., Parsed], example: Path) -> None:
    """Full playbooks as a team would write them."""
    parsed = parse(example.read_text(encoding="utf-8"))
    assert [str(each) for each in parsed.problems if each.is_error] == []
    assert parsed.playbook is not None


TEXT = (
    "playbook: a\nowner: me\nsubject: account\nwhen: {field: account.health, below: 4}\n"
    "steps:\n- {id: a, day: 0, task: {to: csm, title: x, template: guide}}\n"
    "- {id: b, day: 0, email: {to: any, template: hello, topic: tips}}\n"
)


def version(
    parse: Callable[..., Parsed], text: str = TEXT, file: str = "rules/a.yaml", **changed: str
) -> str:
    """The version of `text`, with templates changed by the first word of their path."""
    parsed = parse(text, file=file, templates=lambda path: changed.get(path.split("/")[0], "same"))
    assert parsed.playbook is not None
    return parsed.playbook.version


def test_version_changes_with_the_file_and_with_each_template(parse: Callable[..., Parsed]) -> None:
    """Any other content is another version; the place of the file is not content."""
    versions = [
        version(parse),
        version(parse, TEXT + "# a comment\n"),
        version(parse, tasks="other"),
        version(parse, emails="other"),
    ]
    assert len(set(versions)) == 4
    assert all(len(each) == 64 for each in versions)
    assert version(parse, file="rules/moved/a.yaml") == versions[0]
    assert version(parse, messages="not named by the file") == versions[0]


def test_files_hold_what_pins_the_version(parse: Callable[..., Parsed]) -> None:
    """The rule file under its path and every template it names."""
    parsed = parse(TEXT)
    assert dict(parsed.files) == {
        "rules/a.yaml": TEXT,
        "templates/tasks/guide.md.j2": "tasks/guide.md.j2",
        "templates/emails/hello/subject.txt.j2": "emails/hello/subject.txt.j2",
        "templates/emails/hello/body.html.j2": "emails/hello/body.html.j2",
        "templates/emails/hello/body.txt.j2": "emails/hello/body.txt.j2",
        "templates/emails/hello/preheader.txt.j2": "emails/hello/preheader.txt.j2",
    }


def test_unknown_subject_causes_no_further_problems(messages: Callable[..., list[str]]) -> None:
    """What hangs on the subject is not blamed as well."""
    assert messages(subject="acount", when="{field: contact.role, equals: champion}") == [
        'playbook "small": subject: "acount" is not one of account, contact, subscription, ticket or source '
        '(did you mean "account"?)'
    ]


def test_large_file_of_nonsense_is_read_in_seconds(parse: Callable[..., Parsed]) -> None:
    """The time grows with the size of the file, whatever is in it."""
    conditions = ",".join(["{field: account.helth, belo: 4}"] * 3000)
    parsed = parse(f"playbook: a\nsubject: account\nwhen: {{all: [{conditions}]}}\n")
    assert len(parsed.problems) > 3000
