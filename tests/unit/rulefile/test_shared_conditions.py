"""Conditions that several rule files use by name."""

from pathlib import Path

import pytest

from engine.conditions.tree import Group, predicates
from engine.rulefile.load import load_files, load_rules, parse_pinned, shared_files
from engine.rulefile.shared_conditions import MOST_LEVELS, MOST_UNFOLDED
from tests.unit.rulefile.test_load import KNOWN, home, load, problems

__all__ = ["home"]

CONDITIONS = """\
conditions:
  at_risk: {field: account.health, below: 40}
  customer:
    any:
      - {field: account.stage, is_missing: true}
      - {field: account.stage, not_equals: churned}
  urgent: {all: [{condition: customer}, {condition: at_risk}]}
  champion: {field: contact.role, equals: champion}
"""


def write(when: str = "{condition: at_risk}", extra: str = "", conditions: str = CONDITIONS) -> None:
    """A rule file with this `when`, and a file of conditions."""
    Path("rules/a.yaml").write_text(
        f"playbook: a\nowner: me\nsubject: account\nwhen: {when}\n"
        f"steps:\n- {{id: one, day: 0, task: {{to: csm, title: x}}}}\n{extra}",
        encoding="utf-8",
    )
    Path("rules/conditions.yaml").write_text(conditions, encoding="utf-8")


def one_condition(when: str, **written: str) -> Group:
    """The `when` of the only playbook, which has no problem."""
    write(when, **written)
    rules = load()
    assert problems(rules) == []
    found = rules.playbooks[0].when
    assert isinstance(found, Group)
    return found


@pytest.mark.usefixtures("home")
def test_a_shared_condition_reads_as_what_it_says_under_its_name() -> None:
    """Groups take the name; a single question is put into a group of one."""
    single = one_condition("{condition: at_risk}")
    assert (single.name, single.kind, len(single.members)) == ("at_risk", "all", 1)
    group = one_condition("{condition: customer}")
    assert (group.name, group.kind, len(group.members)) == ("customer", "any", 2)


@pytest.mark.usefixtures("home")
def test_shared_conditions_use_one_another() -> None:
    """Whatever the order in which they stand."""
    urgent = one_condition("{condition: urgent}")
    assert [each.name for each in urgent.members if isinstance(each, Group)] == ["customer", "at_risk"]
    paths = [each.path for each in predicates(urgent)]
    assert len(set(paths)) == 3


@pytest.mark.usefixtures("home")
def test_a_shared_condition_stands_wherever_a_state_may() -> None:
    """In an audience beside `leave`, in the `if` of a moment, of a step and in an exit."""
    one_condition(
        "{none: [{condition: at_risk}]}",
        extra=(
            "audience: {condition: customer, leave: exit}\n"
            "on: {event: x, if: {condition: at_risk}}\n"
            "exit: [{outcome: better, when: {condition: customer}}]\n"
        ),
    )


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (
            "{condition: at_rsik}",
            'rules/a.yaml:4:19: playbook "a": unknown shared condition "at_rsik" (did you mean "at_risk"?)',
        ),
        (
            "{condition: champion}",
            'rules/a.yaml:4:7: playbook "a": "contact.role" cannot be seen from a account; use a field of '
            'account.* or metric.*, or count what the account has with "count:" '
            '(condition "champion", rules/conditions.yaml:8:21)',
        ),
        (
            "{condition: at_risk, field: account.arr, above: 1}",
            'rules/a.yaml:4:8: playbook "a": unknown operator "condition" (did you mean "contains"?)',
        ),
        (
            "{condition: at_risk, for: 3d}",
            'rules/a.yaml:4:28: playbook "a": "for" cannot stand beside "condition"',
        ),
        ("{condition: [at_risk]}", 'rules/a.yaml:4:19: playbook "a": when: takes a single value, not a list'),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_wrong_use_is_refused_where_it_stands(when: str, message: str) -> None:
    """With the place of the definition where that has a part in it."""
    write(when)
    assert problems(load()) == [message]


@pytest.mark.usefixtures("home")
def test_a_shared_condition_is_no_moment() -> None:
    """Moments stand under `on`, each by itself."""
    write("{condition: at_risk}", "on: {condition: at_risk}\n")
    message = 'on: a shared condition is a state, not a moment; put it under "when:" or "if:"'
    assert problems(load()) == [f'rules/a.yaml:7:5: playbook "a": {message}']


@pytest.mark.parametrize(
    ("definitions", "found"),
    [
        (
            "  at_risk: {field: account.helth, below: 40}\n",
            [
                'rules/conditions.yaml:2:20: unknown field "account.helth" (did you mean "account.health"?)',
                'rules/a.yaml:4:19: playbook "a": condition "at_risk" cannot be used; see the problems '
                "at rules/conditions.yaml:2:3",
            ],
        ),
        (
            "  at_risk: {condition: b}\n  b: {any: [{condition: at_risk}]}\n",
            [
                'rules/a.yaml:4:19: playbook "a": condition "at_risk" cannot be used; see the problems '
                "at rules/conditions.yaml:2:3",
                "rules/conditions.yaml:3:25: shared conditions use one another in a circle: "
                "at_risk -> b -> at_risk",
            ],
        ),
        (
            "  at_risk: {condition: at_risk}\n",
            [
                'rules/a.yaml:4:19: playbook "a": condition "at_risk" cannot be used; see the problems '
                "at rules/conditions.yaml:2:3",
                "rules/conditions.yaml:2:24: shared conditions use one another in a circle: "
                "at_risk -> at_risk",
            ],
        ),
        (
            "  at_risk: {step: call, is: open}\n",
            [
                'rules/a.yaml:4:19: playbook "a": condition "at_risk" cannot be used; see the problems '
                "at rules/conditions.yaml:2:3",
                'rules/conditions.yaml:2:12: a step can only be asked about in "if" and "on" of a step and '
                "in an exit",
            ],
        ),
        (
            "  At risk: {field: account.health, below: 40}\n",
            [
                'rules/a.yaml:4:19: playbook "a": unknown shared condition "at_risk"; define it under '
                "conditions: in a file of its own",
                'rules/conditions.yaml:2:3: conditions: "At risk" may hold only small letters, digits, - and '
                '_; write it as "at-risk"',
            ],
        ),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_wrong_definition_is_refused_at_its_place(definitions: str, found: list[str]) -> None:
    """And whoever uses it is told where to look."""
    write(conditions=f"conditions:\n{definitions}")
    assert sorted(problems(load())) == sorted(found)


@pytest.mark.parametrize("text", ["conditions:\n", "conditions: []\n", "conditions: {}\n"])
@pytest.mark.usefixtures("home")
def test_a_file_of_conditions_holds_some(text: str) -> None:
    """What defines nothing is a slip."""
    write("{field: account.health, below: 40}", conditions=text)
    assert [each.split(": ", 1)[1] for each in problems(load())] == [
        "conditions: takes a mapping of names, each with a condition"
    ]


@pytest.mark.usefixtures("home")
def test_a_condition_is_defined_once() -> None:
    """Both places are named."""
    write()
    Path("rules/more.yaml").write_text("conditions: {at_risk: {field: account.arr, above: 1}}\n", "utf-8")
    assert problems(load()) == [
        'rules/conditions.yaml:2:3: condition "at_risk": rules/more.yaml:1:14 has the same name; '
        "rename one of the two",
        'rules/more.yaml:1:14: condition "at_risk": rules/conditions.yaml:2:3 has the same name; '
        "rename one of the two",
    ]


@pytest.mark.usefixtures("home")
def test_shared_conditions_cannot_multiply_without_bound() -> None:
    """Neither by nesting nor by repetition, and the refusal is quick."""
    deep = "".join(f"  c{n}: {{condition: c{n - 1}}}\n" for n in range(1, 5_000))
    write("{condition: c1}", conditions=f"conditions:\n  c0: {{event: x, within: 1d}}\n{deep}")
    found = problems(load())
    assert len(found) == 5_000 - MOST_LEVELS
    assert found[0].endswith(f"more than {MOST_LEVELS} shared conditions within one another")
    many = "".join(
        f"  c{n}: {{all: [{', '.join([f'{{condition: c{n - 1}}}'] * 60)}]}}\n" for n in range(1, MOST_LEVELS)
    )
    write("{condition: c1}", conditions=f"conditions:\n  c0: {{event: x, within: 1d}}\n{many}")
    assert f"stand for more than {MOST_UNFOLDED:,} values" in problems(load())[0]


@pytest.mark.usefixtures("home")
def test_a_version_follows_the_conditions_used_and_no_others() -> None:
    """An edit of another condition, or of a comment, makes no new version."""
    versions = []
    for conditions in (
        CONDITIONS,
        CONDITIONS.replace("  customer", "  # who pays\n  customer").replace("champion}", "blocker}"),
        CONDITIONS.replace("below: 40", "below: 45"),
    ):
        write("{condition: urgent}", conditions=conditions)
        versions.append(load().playbooks[0].version)
    assert versions[0] == versions[1] != versions[2]


@pytest.mark.usefixtures("home")
def test_a_pinned_playbook_keeps_its_conditions() -> None:
    """Also when the files have changed since."""
    write("{condition: urgent}")
    rules = load()
    write("{condition: urgent}", conditions="conditions: {urgent: {event: y, within: 1d}}\n")
    assert parse_pinned(rules.files["a"], KNOWN) == rules.playbooks[0]


@pytest.mark.usefixtures("home")
def test_one_file_is_checked_with_the_conditions_of_the_folder() -> None:
    """Whose own problems are not repeated, however the folder is named."""
    write(conditions=CONDITIONS + "  broken: {}\n")
    beside = shared_files(Path("rules"))
    alone = load_files([Path("rules/a.yaml")], Path("templates"), KNOWN, beside=beside)
    assert problems(alone) == []
    both = [Path("rules/a.yaml").absolute(), Path("rules/conditions.yaml").absolute()]
    assert len(problems(load_files(both, Path("templates"), KNOWN, beside=beside))) == 1
    assert len(problems(load_rules(Path("rules"), Path("templates"), KNOWN))) == 1
