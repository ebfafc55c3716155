"""Playbooks made of a blueprint and its parameters."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.rulefile.load import parse_pinned
from engine.rulefile.model import Playbook
from tests.unit.rulefile.test_load import KNOWN, home, load, problems

__all__ = ["home"]

BLUEPRINT = """\
blueprint: quiet
parameters:
  segment: {type: enum, of: account.segment, about: Whom it is for.}
  days: {type: number, default: 30, min: 7, max: 90}
  who: {type: role, default: csm}
  extra: {type: condition, default: {field: account.strategic, equals: false}}
  pause: {type: duration, default: 30d}
subject: account
title: Quiet
owner: me
audience: {all: [{field: account.segment, equals: {param: segment}}, {param: extra}]}
when: {field: account.last_touch_at, days_since: {above: {param: days}}}
cooldown: {param: pause}
steps:
  - id: call
    day: 0
    task: {to: {param: who}, title: {param: days, as: "Quiet for {} days: {{ account.name }}"}}
"""
PLAIN = """\
playbook: quiet-high
title: Quiet
owner: me
subject: account
audience: {all: [{field: account.segment, equals: high_touch}, {field: account.strategic, equals: false}]}
when: {field: account.last_touch_at, days_since: {above: 14}}
cooldown: 30d
steps:
  - {id: call, day: 0, task: {to: csm, title: "Quiet for 14 days: {{ account.name }}"}}
"""


def write(
    given: str = "{segment: high_touch, days: 14}", extra: str = "", blueprint: str = BLUEPRINT
) -> None:
    """A playbook that uses the blueprint with these parameters, and the blueprint."""
    Path("rules/a.yaml").write_text(
        f"playbook: quiet-high\nuse: quiet\nwith: {given}\n{extra}", encoding="utf-8"
    )
    Path("rules/quiet.yaml").write_text(blueprint, encoding="utf-8")


def only(text: str) -> Playbook:
    """The playbook of the only rule file, without its version."""
    for file in Path("rules").iterdir():
        file.unlink()
    Path("rules/a.yaml").write_text(text, encoding="utf-8")
    return replace(load().playbooks[0], version="")


@pytest.mark.usefixtures("home")
def test_a_playbook_of_a_blueprint_equals_the_one_written_out() -> None:
    """Values given, values left out, and a value within a text."""
    write()
    rules = load()
    assert problems(rules) == []
    assert replace(rules.playbooks[0], version="") == only(PLAIN)


@pytest.mark.usefixtures("home")
def test_a_pinned_playbook_needs_its_blueprint_no_more() -> None:
    """The stored text is the playbook written out."""
    write()
    rules = load()
    assert list(rules.files["quiet-high"]) == ["rules/a.yaml"]
    assert parse_pinned(rules.files["quiet-high"], KNOWN) == rules.playbooks[0]


@pytest.mark.usefixtures("home")
def test_a_version_follows_parameters_and_blueprint() -> None:
    """A default that is written out, a comment, and a parameter's description make no new version."""
    versions = []
    for given, blueprint in (
        ("{segment: high_touch, days: 14}", BLUEPRINT),
        ("{segment: high_touch, days: 14, pause: 30d} # as before", BLUEPRINT.replace("Whom", "For whom")),
        ("{segment: high_touch, days: 15}", BLUEPRINT),
        ("{segment: high_touch, days: 14}", BLUEPRINT.replace("day: 0", "day: 1")),
    ):
        write(given, blueprint=blueprint)
        versions.append(load().playbooks[0].version)
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


@pytest.mark.usefixtures("home")
def test_a_playbook_says_itself_what_is_its_own() -> None:
    """Title, owner and review; nothing else."""
    write(extra="title: Very quiet\nowner: you\nreview_every: 90d\n")
    found = load().playbooks[0]
    assert (found.title, found.owner, str(found.review_every)) == ("Very quiet", "you", "90d")
    write(extra="cooldown: 1d\n")
    assert problems(load()) == [
        'rules/a.yaml:2:1: playbook "quiet-high": use: all but these keys comes from the blueprint; '
        "make it a parameter",
        'rules/a.yaml:4:1: playbook "quiet-high": unknown key "cooldown" in a playbook that uses a blueprint',
    ]


@pytest.mark.parametrize(
    ("given", "place", "message"),
    [
        ("{}", "3:7", 'with: "segment" is missing, which blueprint "quiet" needs'),
        ("[]", "3:7", "with: takes a mapping of parameters and their values"),
        (
            "{segment: high_touch, day: 8}",
            "3:29",
            'with: blueprint "quiet" has no parameter "day" (did you mean "days"?)',
        ),
        (
            "{segment: hightouch}",
            "3:17",
            'segment: "hightouch" is not one of high_touch, low_touch or tech_touch (did you mean '
            '"high_touch"?) (blueprint "quiet", rules/quiet.yaml:3:3)',
        ),
        (
            "{segment: high_touch, days: 3}",
            "3:35",
            'days: 3 is less than 7, the least it may be (blueprint "quiet", rules/quiet.yaml:4:3)',
        ),
        (
            "{segment: high_touch, days: 91}",
            "3:35",
            'days: 91 is more than 90, the most it may be (blueprint "quiet", rules/quiet.yaml:4:3)',
        ),
        (
            "{segment: high_touch, days: 14.5}",
            "3:35",
            'days_since: "14.5" is not a whole number from -36,600 to 36,600 (blueprint "quiet", '
            "rules/quiet.yaml:12:58)",
        ),
        (
            "{segment: high_touch, who: cms}",
            "3:34",
            'who: unknown role "cms" (did you mean "csm"?) (blueprint "quiet", rules/quiet.yaml:5:3)',
        ),
        (
            "{segment: high_touch, pause: 30}",
            "3:36",
            'pause: 30 has no unit; write 30d (blueprint "quiet", rules/quiet.yaml:7:3)',
        ),
        (
            "{segment: high_touch, extra: no}",
            "3:36",
            "extra: takes a condition such as {field: account.health, below: 40} "
            '(blueprint "quiet", rules/quiet.yaml:6:3)',
        ),
        (
            "{segment: high_touch, extra: {field: contact.role, equals: champion}}",
            "3:44",
            '"contact.role" cannot be seen from a account; use a field of account.* or metric.*, '
            'or count what the account has with "count:" '
            '(blueprint "quiet", rules/quiet.yaml:11:70)',
        ),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_wrong_value_is_refused_at_its_place_and_names_the_blueprint(
    given: str, place: str, message: str
) -> None:
    """In the playbook's file, where the mend is; and where the blueprint wants something else."""
    write(given)
    assert problems(load()) == [f'rules/a.yaml:{place}: playbook "quiet-high": {message}']


@pytest.mark.usefixtures("home")
def test_a_mistake_in_the_blueprint_is_named_in_each_playbook_with_its_line() -> None:
    """At `use`, and where the blueprint has it."""
    write(blueprint=BLUEPRINT.replace("cooldown", "cooldwon"))
    assert problems(load()) == [
        'rules/a.yaml:2:6: playbook "quiet-high": unknown key "cooldwon" in a playbook (did you mean '
        '"cooldown"?) (blueprint "quiet", rules/quiet.yaml:13:1)'
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{param: pause}", "30d", '7:3: parameter "pause" is not used; use it, or remove it'),
        ("param: pause", "param: pase", '13:19: unknown parameter "pase" (did you mean "pause"?)'),
        ('as: "Quiet for {} days: {{ account.name }}"', "as: Quiet",
         '17:55: as: needs "{}" where the value goes, as in "T-{}"'),
        ("type: duration", "type: time", '7:17: type: "time" is not one of text, number, duration, date, '
         "flag, enum, field, role, template, condition or list"),
        ("type: duration", "default: 3d", "7:10: a parameter needs \"type\""),
        ("min: 7", "min: 100", "4:47: max: must not be below min"),
        (", of: account.segment", "", "3:3: segment: an enum needs either choices: [A, B] or of: FIELD"),
        ("type: role", "type: role, min: 3", '5:21: min: does not go with "role"'),
        ("type: role", "type: role, items: text", '5:21: items: goes only with "type: list"'),
        ("subject: account", "subject: account\nuse: x",
         "9:1: use: stands in the playbooks that use the blueprint, not in itself"),
        ("blueprint: quiet", "blueprint: Quiet one", '1:12: blueprint: "Quiet one" may hold only small '
         'letters, digits, - and _; write it as "quiet-one"'),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("home")
def test_a_wrong_declaration_is_refused_in_the_blueprint(old: str, new: str, message: str) -> None:
    """Once, and the playbooks that use it are told where to look."""
    write(blueprint=BLUEPRINT.replace(old, new, 1))
    found = problems(load())
    assert f"rules/quiet.yaml:{message}" in found
    assert any("rules/a.yaml:2:6" in each for each in found)


@pytest.mark.usefixtures("home")
def test_an_unknown_blueprint_is_refused() -> None:
    """With the nearest name."""
    write(blueprint=BLUEPRINT.replace("blueprint: quiet", "blueprint: quite"))
    message = 'playbook "quiet-high": unknown blueprint "quiet" (did you mean "quite"?)'
    assert problems(load())[0] == f"rules/a.yaml:2:6: {message}"


@pytest.mark.usefixtures("home")
def test_a_blueprint_has_its_name_alone() -> None:
    """Both places are named."""
    write()
    Path("rules/z.yaml").write_text(BLUEPRINT, encoding="utf-8")
    assert problems(load()) == [
        'rules/quiet.yaml:1:12: blueprint "quiet": rules/z.yaml:1:12 has the same name; rename one of '
        "the two",
        'rules/z.yaml:1:12: blueprint "quiet": rules/quiet.yaml:1:12 has the same name; rename one of '
        "the two",
    ]


@pytest.mark.parametrize(
    ("declared", "value", "used", "expected"),
    [
        ("{type: text}", "T-30", "at: {param: it}", "at: T-30"),
        ("{type: number}", "30", 'at: {param: it, as: "T-{}"}', "at: T-30"),
        ("{type: date}", "2026-03-01",
         "if: {field: account.renews_on, above: {param: it}}, day: 1",
         "if: {field: account.renews_on, above: 2026-03-01}, day: 1"),
        ("{type: flag}", "true",
         "if: {field: account.strategic, equals: {param: it}}, day: 1",
         "if: {field: account.strategic, equals: true}, day: 1"),
        ("{type: enum, choices: [low_touch, high_touch]}", "low_touch",
         "if: {field: account.segment, equals: {param: it}}, day: 1",
         "if: {field: account.segment, equals: low_touch}, day: 1"),
        ("{type: field}", "account.arr",
         "if: {field: {param: it}, above: 1}, day: 1",
         "if: {field: account.arr, above: 1}, day: 1"),
        ("{type: list, items: enum, of: account.segment}", "[low_touch, high_touch]",
         "if: {field: account.segment, in: {param: it}}, day: 1",
         "if: {field: account.segment, in: [low_touch, high_touch]}, day: 1"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("home")
def test_every_type_of_parameter_can_be_used(declared: str, value: str, used: str, expected: str) -> None:
    """The playbook is the same as one with the value written out."""
    head = (
        "subject: account\nowner: me\nanchor: account.renews_on\nwhen: {field: account.health, below: 40}\n"
    )
    steps = "steps: [{{id: s, {timing}, task: {{to: csm, title: x}}}}]\n"
    Path("rules/b.yaml").write_text(
        f"blueprint: b\nparameters: {{it: {declared}}}\n{head}{steps.format(timing=used)}", encoding="utf-8"
    )
    Path("rules/a.yaml").write_text(f"playbook: p\nuse: b\nwith: {{it: {value}}}\n", encoding="utf-8")
    rules = load()
    assert problems(rules) == []
    assert replace(rules.playbooks[0], version="") == only(
        f"playbook: p\n{head}{steps.format(timing=expected)}"
    )


@pytest.mark.usefixtures("home")
def test_a_blueprint_that_nobody_uses_is_a_warning() -> None:
    """Its body is only checked in the playbooks made of it."""
    write()
    Path("rules/a.yaml").unlink()
    rules = load()
    assert rules.is_sound
    assert problems(rules) == [
        'rules/quiet.yaml:1:12: warning: blueprint "quiet": no playbook uses this blueprint, so what it '
        "says is not checked"
    ]
