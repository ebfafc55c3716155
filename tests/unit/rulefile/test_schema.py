"""The schema for editors: complete, explained, and right about the playbooks that come with Tminus."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from engine.cli.schema_command import schema
from engine.cli.shell import Shell
from engine.conditions.catalogue import BUILT_IN
from engine.conditions.operators import OPERATORS, Argument
from engine.rulefile.parse_actions import BRANCH_KEYS, EMAIL_KEYS, MESSAGE_KEYS, TASK_KEYS, WEBHOOK_KEYS
from engine.rulefile.parse_arguments import READERS
from engine.rulefile.parse_effects import RECORD_KEYS
from engine.rulefile.parse_exits import EXIT_KEYS
from engine.rulefile.parse_playbook import PLAYBOOK_KEYS
from engine.rulefile.parse_predicates import FAMILIES
from engine.rulefile.parse_steps import STEP_KEYS
from engine.rulefile.schema import words
from engine.rulefile.schema.document import rule_file_schema
from engine.rulefile.schema.files import rules_schema
from engine.rulefile.schema.shapes import ARGUMENTS
from engine.rulefile.source import Mapping, Node, Scalar, read_source
from engine.settings import load_settings

ROOT = Path(__file__).parents[3]
PLAYBOOKS = sorted(path for path in ROOT.glob("rules/**/*.yaml") if ".test." not in path.name)
SCHEMA = rule_file_schema(BUILT_IN, ("csm",))
FILES = rules_schema(BUILT_IN, ("csm",))
SOUND = {
    "playbook": "small",
    "subject": "account",
    "when": {"field": "account.health", "below": 40},
    "steps": [{"id": "call", "day": 0, "task": {"to": "csm", "title": "Call"}}],
}


def as_json(node: Node) -> Any:
    """The tree as an editor sees it: what is written without quotes may be a number, a flag or nothing."""
    if isinstance(node, Mapping):
        return {key: as_json(value) for key, (_, value) in node.entries.items()}
    if not isinstance(node, Scalar):
        return [as_json(item) for item in node.items]
    if node.is_null:
        return None
    try:
        return json.loads(node.text) if node.is_plain else node.text
    except ValueError:
        return node.text


def complaints(tree: Any, found: dict[str, Any] = SCHEMA) -> list[str]:
    """Where the schema refuses the tree."""
    return sorted({each.json_path for each in Draft202012Validator(found).iter_errors(tree)})


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_schema_accepts_each_shipped_playbook(playbook: Path) -> None:
    """With the fields and roles of the shipped settings."""
    settings = load_settings(ROOT / "config.yaml")
    root = read_source(playbook.name, playbook.read_text(encoding="utf-8")).root
    assert root is not None
    assert complaints(as_json(root), rule_file_schema(settings.catalogue(), settings.roles)) == []


def test_schema_is_a_schema() -> None:
    """Sound by the rules of its own draft."""
    Draft202012Validator.check_schema(SCHEMA)
    assert complaints(SOUND) == []


BLUEPRINT = {
    "blueprint": "small",
    "parameters": {"low": {"type": "number", "default": 40, "min": 1}, "who": {"type": "role"}},
    "subject": "account",
    "when": {"any": [{"field": "account.health", "below": {"param": "low"}}, {"param": "who"}]},
    "steps": [{"id": "a", "at": {"param": "low", "as": "T-{}"}, "task": {"to": "csm", "title": "x"}}],
    "anchor": "account.renews_on",
}
INSTANCE = {"playbook": "low", "use": "small", "with": {"low": 30}, "owner": "me"}
CONDITIONS = {
    "conditions": {"risk": {"field": "contact.role", "equals": "champion"}, "b": {"condition": "a"}}
}


def test_schema_of_the_folder_is_a_schema() -> None:
    """Sound by the rules of its own draft, and every reference leads somewhere."""
    Draft202012Validator.check_schema(FILES)
    references = set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(FILES)))
    assert references <= set(FILES["$defs"])


@pytest.mark.parametrize(
    ("sound", "changes"),
    [
        (SOUND, {"subject": "acount", "conditions": {"a": {"event": "x", "within": "1d"}}}),
        (BLUEPRINT, {"subject": None, "playbook": "a", "colour": 1, "parameters": {"a": {"type": "colour"}}}),
        (
            BLUEPRINT,
            {"when": {"field": "account.health", "below": {"parm": "low"}}, "priority": {"param": 1.5}},
        ),
        (BLUEPRINT, {"cooldown": {"param": "low", "as": "d"}, "parameters": {}, "steps": []}),
        (INSTANCE, {"cooldown": "1d", "with": [], "use": "a b"}),
        (CONDITIONS, {"conditions": {}, "subject": "account"}),
        (CONDITIONS, {"conditions": {"a": {"event": "x"}}}),
    ],
)
def test_schema_of_the_folder_knows_each_kind_of_file(sound: dict[str, Any], changes: dict[str, Any]) -> None:
    """The sound one is accepted, and each single change of it refused; None takes the key away."""
    assert complaints(sound, FILES) == []
    for key, value in changes.items():
        changed = {**sound, key: value}
        if value is None:
            del changed[key]
        assert complaints(changed, FILES) != [], key


def test_schema_has_words_for_exactly_the_keys_there_are() -> None:
    """A key added to the parser, or an operator to its table, fails here until it is explained."""
    assert tuple(words.PLAYBOOK) == PLAYBOOK_KEYS
    assert tuple(words.STEP) == STEP_KEYS
    assert set(words.BRANCH) <= set(BRANCH_KEYS) <= {*words.BRANCH, *words.STEP}
    assert tuple(words.EXIT) == EXIT_KEYS
    assert tuple(words.TASK) == TASK_KEYS
    assert tuple(words.EMAIL) == EMAIL_KEYS
    assert tuple(words.MESSAGE) == MESSAGE_KEYS
    assert tuple(words.RECORD) == RECORD_KEYS
    assert tuple(words.WEBHOOK) == WEBHOOK_KEYS
    assert list(words.OPERATORS) == list(OPERATORS)
    assert set(ARGUMENTS) == set(READERS) == set(Argument)


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of the schema that lists all keys of a mapping."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and schema.get("additionalProperties") is False:
            yield schema
        for each in schema.values():
            yield from objects(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from objects(each)


def test_schema_describes_every_key_where_it_can_be_written() -> None:
    """Hover text is never empty."""
    found = list(objects(SCHEMA))
    assert len(found) > 20
    for each in found:
        for key, value in each["properties"].items():
            assert value.get("description"), key


def test_schema_offers_every_field_role_and_operator() -> None:
    """What an editor completes."""
    offered = SCHEMA["$defs"]["contact.field.state"]["properties"]
    assert "contact.role" in offered["field"]["enum"]
    assert "account.health" in offered["field"]["enum"]
    assert "ticket.status" not in offered["field"]["enum"]
    states = {key for key, row in FAMILIES["field"].items() if not row.is_moment}
    assert states < set(offered)
    assert SCHEMA["$defs"]["task"]["properties"]["to"]["enum"] == ["csm"]
    described = dict(zip(offered["field"]["enum"], offered["field"]["enumDescriptions"], strict=True))
    assert described["account.arr"] == "money in per year"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"titel": "x"}, "$"),
        ({"priority": 101}, "$.priority"),
        ({"for": "30"}, "$.for"),
        ({"for": "2bd"}, "$.for"),
        ({"cooldown": "3661d"}, "$.cooldown"),
        ({"when": {"field": "account.helth", "below": 40}}, "$.when.field"),
        ({"when": {"field": "contact.role", "equals": "champion"}}, "$.when.field"),
        ({"when": {"field": "account.segment", "below": 40}}, "$.when"),
        ({"when": {"field": "account.health", "below": "40"}}, "$.when.below"),
        ({"when": {"field": "account.stage", "changes_to": "churned"}}, "$.when"),
        ({"when": {"all": []}}, "$.when.all"),
        ({"when": {"step": "call", "is": "open"}}, "$.when"),
        ({"on": {"field": "account.health", "below": 40}}, "$.on"),
        ({"steps": [{"id": "call", "at": "T-90", "task": {"to": "csm", "title": "Call"}}]}, "$"),
        ({"steps": [{"id": "call", "day": 0, "task": {"to": "cms", "title": "Call"}}]}, "$.steps[0].task.to"),
        ({"steps": [{"id": "call", "task": {"to": "csm", "title": "Call"}}]}, "$.steps[0]"),
        ({"exit": [{"outcome": "well"}]}, "$.exit[0]"),
        ({"steps": [{"id": "call", "day": 0, "choose": []}]}, "$.steps[0].choose"),
        (
            {"steps": [{"id": "a", "day": 0, "update": {"account.stage": "gone"}}]},
            "$.steps[0].update['account.stage']",
        ),
        ({"steps": [{"id": "a", "day": 0, "update": {"contact.role": None}}]}, "$.steps[0].update"),
        ({"steps": [{"id": "a", "day": 0, "record": {}}]}, "$.steps[0].record"),
        ({"steps": [{"id": "call", "day": 0, "choose": [{"if": {"event": "go"}}]}]}, "$.steps[0].choose[0]"),
    ],
)
def test_schema_refuses_a_mistake_at_its_place(change: dict[str, Any], place: str) -> None:
    """An editor underlines what is wrong."""
    assert place in complaints(SOUND | change)


def run(*arguments: str) -> Result:
    """Run the command without ever opening a database."""
    app = typer.Typer()

    @app.callback()
    def main(ctx: typer.Context) -> None:
        ctx.obj = Shell(config=None, open_engine=lambda url: pytest.fail(url))

    app.command()(schema)
    return CliRunner().invoke(app, ["schema", *arguments])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a role and a field of its own."""
    config = "roles: {farmer: {}}\nfields: {account.region: {type: enum, choices: [north, south]}}\n"
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_schema_command_prints_the_fields_and_roles_of_the_settings(home: Path) -> None:
    """Custom ones are completed like any other."""
    printed = json.loads(run().output)
    region = {"field": "account.region", "equals": "north"}
    task = {"to": "farmer", "title": "Plough"}
    assert complaints(SOUND | {"when": region, "steps": [{"id": "a", "day": 0, "task": task}]}, printed) == []
    assert "$.when.equals" in complaints(SOUND | {"when": region | {"equals": "west"}}, printed)
    assert run("--output", "rules.schema.json").output == ""
    assert json.loads((home / "rules.schema.json").read_text(encoding="utf-8")) == printed


@pytest.mark.usefixtures("home")
def test_schema_command_says_where_it_cannot_write() -> None:
    """A folder that is not there is wrong use."""
    result = run("--output", "nowhere/rules.schema.json")
    assert result.exit_code == 2
    assert "nowhere/rules.schema.json: cannot be written" in result.output
