"""The documents name everything there is, with its default, and what they show really works."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from ruamel.yaml import YAML

from engine.cli.commands import Unloaded
from engine.cli.main import app
from engine.conditions.operators import OPERATORS
from engine.rehearsal.run import rehearse
from engine.rulefile.configured import known_to
from engine.rulefile.folder import template_reader
from engine.rulefile.parse_playbook import parse_playbook
from engine.rulefile.shared import read_shared
from engine.rulefile.source import read_source
from engine.settings import Connector, Settings, load_settings
from engine.sign_in_settings import OpenId
from engine.sources.mapping import Repeated
from engine.sources.parse_derived import OPERATIONS
from engine.sources.parse_mapping import parse_mapping

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "engine/README.md", "examples/*/README.md")
    for path in ROOT.glob(pattern)
)
OPERATION = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in DOCUMENTS}
EVERYTHING = "\n".join(TEXTS.values())

SETTINGS = load_settings(ROOT / "config.yaml").model_copy(update={"templates": ROOT / "templates"})
PLAYBOOKS = sorted(path for path in ROOT.glob("rules/**/*.yaml") if ".test." not in path.name)

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Code blocks of a language with the document and line they are in."""
    for name, text in TEXTS.items():
        for found in _BLOCK.finditer(text):
            if found[1] == language:
                yield f"{name}:{text.count(chr(10), 0, found.start()) + 1}", found[2]


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every setting by its path, with its default as the documents write it."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_of(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, default_of(field)


def default_of(field: FieldInfo) -> str:
    """A default as text: `none` for nothing, `required` where one must be given."""
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None or field.default in ({}, ()):
        return "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    assert not isinstance(field.default, SecretStr)
    if isinstance(field.default, tuple) and isinstance(field.default[0], str):
        return f"`[{', '.join(field.default)}]`"
    if isinstance(field.default, tuple):
        members = [", ".join(f"{name}: {value}" for name, value in each) for each in field.default]
        return f"`[{', '.join(f'{{{each}}}' for each in members)}]`"
    return f"`{field.default}`"


def loaded(group: Any) -> dict[str, Any]:
    """The commands of a group by name, each with its options."""
    return {
        name: command.loaded() if isinstance(command, Unloaded) else command
        for name, command in group.commands.items()
    }


def commands(group: Any, path: str = "tminus") -> Iterator[str]:
    """Every command as it is typed."""
    for name, command in loaded(group).items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


def options(group: Any, path: str = "tminus") -> Iterator[tuple[str, str]]:
    """Every option with its command, but for those that every command has."""
    for name, command in loaded(group).items():
        if hasattr(command, "commands"):
            yield from options(command, f"{path} {name}")
            continue
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--") and option not in ("--help", "--json"):
                    yield f"{path} {name}", option


@pytest.mark.parametrize(("setting", "default"), list(settings_of(Settings)))
def test_documentation_has_each_setting_with_its_default(setting: str, default: str) -> None:
    """A setting without a row, or with another default, is found here."""
    assert f"| `{setting}` | {default} |" in OPERATION


@pytest.mark.parametrize(("setting", "default"), list(settings_of(OpenId)))
def test_documentation_has_each_key_of_the_company_sign_in(setting: str, default: str) -> None:
    """They have a table of their own."""
    table = OPERATION.partition("| key of `sign_in.openid` |")[2].split("\n\n")[0]
    assert f"| `{setting}` | {default} |" in table


@pytest.mark.parametrize("connector", get_args(Connector))
def test_documentation_has_each_setting_of_a_connector(connector: type[BaseModel]) -> None:
    """Connectors have tables of their own."""
    (kind,) = get_args(connector.model_fields["kind"].annotation)
    table = re.split(rf"\| setting of an? `{kind}` connector", OPERATION)[1]
    for name, default in settings_of(connector):
        shown = f"`{kind}`" if name == "kind" else default
        assert f"| `{name}` | {shown} |" in table.split("\n\n")[0]


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))))
def test_documentation_has_each_command(command: str) -> None:
    """A command nobody wrote about does not exist for its users."""
    assert re.search(rf"`{re.escape(command)}\b", OPERATION)


@pytest.mark.parametrize(("command", "option"), list(options(typer.main.get_command(app))))
def test_documentation_has_each_option(command: str, option: str) -> None:
    """An option stands in the row of its command."""
    (row,) = re.findall(rf"^\| `{re.escape(command)}\b.*$", OPERATION, re.MULTILINE)
    assert f"`{option}" in row


@pytest.mark.parametrize("keyword", list(OPERATORS))
def test_documentation_has_each_operator(keyword: str) -> None:
    """Each operator of the table stands in the documents as a rule writes it."""
    written = {
        "event_within": "within",
        "event_absent_for": "absent_for",
        "event_at_least": "at_least",
        "event_since": "since",
        "changed_within": "changes_to: departed, within",
        "step_is": "is",
        "step_outcome": "outcome",
    }.get(keyword, keyword)
    assert re.search(rf"`[^`\n]*\b{written}\b[^`\n]*`", EVERYTHING)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_documentation_has_each_shipped_playbook(playbook: Path) -> None:
    """The README, or the first look at playbooks, says what comes in the box."""
    assert f"`{playbook.stem}`" in TEXTS["README.md"] + TEXTS["docs/rules.md"]


@pytest.mark.parametrize("word", [*Repeated, *OPERATIONS])
def test_documentation_has_each_word_of_a_mapping(word: str) -> None:
    """What a repeated id may mean, and how a field is derived."""
    assert f"`{word}`" in TEXTS["docs/importing.md"]


def test_documentation_links_lead_somewhere() -> None:
    """No link to a file that is not there."""
    for name, text in TEXTS.items():
        for target in _LINK.findall(text):
            path = target.partition("#")[0]
            if path and "://" not in path:
                assert (ROOT / name).parent.joinpath(path).exists(), f"{name}: {target}"


@pytest.mark.parametrize(("place", "text"), list(blocks("yaml")))
def test_documentation_shows_yaml_that_can_be_read(place: str, text: str) -> None:
    """Every example is YAML, without repeated keys."""
    content: Any = YAML(typ="safe", pure=True).load(text)
    assert content, place


SHARED, SHARED_PROBLEMS = read_shared(
    {
        place: read_source(place, text)
        for place, text in blocks("yaml")
        if text.startswith(("blueprint:", "conditions:"))
    },
    SETTINGS.catalogue(),
)
"""What the examples share."""


@pytest.mark.parametrize(("place", "text"), list(blocks("yaml")))
def test_documentation_shows_playbooks_and_mappings_without_a_problem(place: str, text: str) -> None:
    """Whoever copies an example gets one that works."""
    if text.startswith("playbook:"):
        parsed = parse_playbook(
            place,
            text,
            replace(known_to(SETTINGS, SETTINGS.catalogue()), topics=()),
            templates=template_reader(ROOT / "templates"),
            shared=SHARED,
        )
        assert [str(each) for each in parsed.problems] == []
    elif text.startswith(("blueprint:", "conditions:")):
        assert [str(each) for each in SHARED_PROBLEMS if each.file == place] == []
    elif text.startswith("source:"):
        assert parse_mapping(place, text, SETTINGS.catalogue()).files


@pytest.mark.parametrize("document", ["README.md", "docs/rules.md"])
def test_documentation_shows_playbooks_that_pass_their_tests(document: str, tmp_path: Path) -> None:
    """The first playbook of a document does what the first test beside it says."""
    shown = [text for place, text in blocks("yaml") if place.startswith(f"{document}:")]
    (tmp_path / "shown.yaml").write_text(next(each for each in shown if each.startswith("playbook:")))
    file = tmp_path / "shown.test.yaml"
    file.write_text(next(each for each in shown if each.startswith("tests:")))
    (report,) = rehearse([file], SETTINGS, SETTINGS.catalogue())
    assert [str(each) for each in report.problems] == []
    assert [str(one) for each in report.results for one in each.failures] == []
    assert len(report.results) == 1


def test_documentation_names_no_machine() -> None:
    """No path of one machine and no package index."""
    for name, text in TEXTS.items():
        assert not re.search(r"/root/|/home/\w|index-url http|/work/", text), name
