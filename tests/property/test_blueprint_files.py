"""A playbook made of a blueprint, or with shared conditions, means what it says written out."""

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.conditions.catalogue import Kind
from engine.rulefile.load import parse_pinned
from engine.rulefile.model import Playbook
from engine.rulefile.parse_playbook import Parsed, parse_playbook
from engine.rulefile.schema.files import rules_schema
from engine.rulefile.shared import read_shared
from engine.rulefile.source import read_source
from engine.rulefile.write import yaml_text
from tests.property.test_round_trip import meaning
from tests.property.test_schema import (
    CATALOGUE,
    JUNK,
    KEYS,
    KNOWN,
    ROLES,
    SEMANTIC,
    Tree,
    conditions,
    parse,
    places,
    rule_files,
)

PROOF = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
VALIDATOR = Draft202012Validator(rules_schema(CATALOGUE, ROLES))
CONDITIONS = {"at_risk": {"field": "account.health", "below": 40}, "7": {"event": "x", "within": "3d"}}
_SPLIT = re.compile(r"[A-Z][a-z]+ .*|T-\d+")
"""Text that may come about by putting a value into a form."""
_OF_VALUES = re.compile(
    r"unknown parameter|has no parameter|is missing, which|is not used|takes a mapping of"
)
"""What no schema can say of a blueprint: whether its holes and its parameters fit together."""


@dataclass
class Files:
    """A blueprint, the playbook made of it, and the same playbook written out, as JSON has them."""

    plain: Tree
    blueprint: Tree
    instance: Tree


def made_of_blueprints() -> st.SearchStrategy[Files]:
    """A sound rule file, with some of its values made parameters."""
    return st.builds(_with_parameters, rule_files(), st.integers(0, 2**32))


def _with_parameters(plain: Tree, seed: int) -> Files:
    random = Random(seed)
    body = json.loads(json.dumps({key: each for key, each in plain.items() if key != "playbook"}))
    parameters: Tree = {}
    values: Tree = {}
    if "when" in body and random.random() < 0.5:
        parameters["state"], values["state"] = {"type": "condition"}, body["when"]
        body["when"] = {"param": "state"}
    leaves = [
        (parent, key)
        for parent, key in places(body)
        if isinstance(parent[key], str | int | float) and key not in ("subject", "param")
    ]
    for number, (parent, key) in enumerate(random.sample(leaves, min(len(leaves), random.randint(1, 4)))):
        name, value = f"p{number}", parent[key]
        is_split = random.random() < 0.5 and isinstance(value, str) and _SPLIT.fullmatch(value)
        cut = 2 if is_split else 0
        parent[key] = {"param": name, **({"as": value[:cut] + "{}"} if cut else {})}
        value = value[cut:] if cut else value
        parameters[name] = {"type": "text", **({"default": value} if random.random() < 0.5 else {})}
        if "default" not in parameters[name] or random.random() < 0.5:
            values[name] = value
    blueprint = {"blueprint": "mold", "parameters": parameters, **body}
    instance = {"playbook": plain["playbook"], "use": "mold", **({"with": values} if values else {})}
    return Files(plain, blueprint, instance)


def text_of(tree: Tree) -> str:
    """JSON, which is YAML."""
    return json.dumps(tree, ensure_ascii=False)


def rewritten(text: str) -> str:
    """The file as the writer has it."""
    root = read_source("rules/a.yaml", text).root
    assert root is not None
    return yaml_text(root)


def read(instance: str, shared: Mapping[str, str]) -> tuple[Parsed, list[str]]:
    """The playbook of a file that uses others, and everything wrong with them all."""
    sources = {path: read_source(path, text) for path, text in shared.items()}
    found, problems = read_shared(sources, CATALOGUE)
    parsed = parse_playbook("rules/a.yaml", instance, KNOWN, templates=lambda path: "{}", shared=found)
    return parsed, [str(each) for each in [*problems, *parsed.problems] if each.is_error]


def of_blueprint(files: Files, blueprint: str | None = None) -> tuple[Parsed, list[str]]:
    """The playbook made of the blueprint, or of another text of it."""
    shared = {"c.yaml": text_of({"conditions": CONDITIONS}), "b.yaml": blueprint or text_of(files.blueprint)}
    return read(text_of(files.instance), shared)


def complaints(tree: Tree) -> list[str]:
    """What the schema of the rules folder has against a file."""
    return [f"{each.json_path}: {each.message[:300]}" for each in VALIDATOR.iter_errors(tree)]


@PROOF
@given(made_of_blueprints())
def test_a_blueprint_means_the_playbook_written_out(files: Files) -> None:
    """Also when both files are written anew, and as its stored texts have it."""
    parsed, errors = of_blueprint(files)
    assert errors == []
    assert meaning(parsed.playbook) == meaning(parse(files.plain).playbook)
    again, errors = of_blueprint(
        Files(files.plain, files.blueprint, files.instance), rewritten(text_of(files.blueprint))
    )
    assert errors == []
    assert meaning(again.playbook) == meaning(parsed.playbook)
    assert parse_pinned(parsed.files, KNOWN) == parsed.playbook


@PROOF
@given(made_of_blueprints())
def test_schema_takes_sound_blueprints_and_what_is_made_of_them(files: Files) -> None:
    """As the parser does."""
    assert complaints(files.blueprint) == []
    assert complaints(files.instance) == []
    assert complaints(files.plain) == []


def broken_blueprints() -> st.SearchStrategy[Files]:
    """A blueprint with something changed outside its parameters."""
    return st.builds(_broken, made_of_blueprints(), JUNK, KEYS, st.integers(0, 2**32))


def _broken(files: Files, junk: Tree, name: str, seed: int) -> Files:
    random, tree = Random(seed), copy.deepcopy(files.blueprint)
    body = {key: each for key, each in tree.items() if key not in ("blueprint", "parameters")}
    known = [(tree if parent is body else parent, key) for parent, key in places(body)]
    parent, key = random.choice([each for each in known if not _is_hole(each[0])])
    change = random.choice(["value", "remove", "add", "rename"])
    if change == "value" or isinstance(parent, list):
        parent[key] = copy.deepcopy(junk)
    elif change == "remove":
        del parent[key]
    elif change == "add":
        parent[name] = copy.deepcopy(junk)
    else:
        parent[name] = parent.pop(key)
    return Files(files.plain, tree, files.instance)


def _is_hole(parent: Tree) -> bool:
    return isinstance(parent, dict) and "param" in parent


@PROOF
@given(broken_blueprints())
def test_schema_refuses_the_blueprints_that_the_parser_refuses(files: Files) -> None:
    """A mistake in the shape of a blueprint is one to both, and what is none to one is none to the other."""
    _, errors = of_blueprint(files)
    assume(not any(SEMANTIC.search(each) or _OF_VALUES.search(each) for each in errors))
    assert bool(complaints(files.blueprint)) == bool(errors), (errors, complaints(files.blueprint))


@PROOF
@given(
    st.lists(conditions(Kind.ACCOUNT).filter(lambda each: "condition" not in each), min_size=1, max_size=3)
)
def test_shared_conditions_mean_what_they_say_written_out(given_conditions: list[Tree]) -> None:
    """Read, written and read again, and within one another; the schema takes the file."""
    assume(not any("condition" in each for each in given_conditions))
    named = {f"c{number}": each for number, each in enumerate(given_conditions)}
    named["both"] = {"any": [{"condition": name} for name in [*named]]}
    shared = {"conditions": {**CONDITIONS, **named}}
    steps = [{"id": "a", "day": 0, "task": {"to": "csm", "title": "x"}}]
    playbook = {"playbook": "p", "subject": "account", "when": {"condition": "both"}, "steps": steps}
    first, errors = read(text_of(playbook), {"c.yaml": text_of(shared)})
    assert errors == []
    second, errors = read(rewritten(text_of(playbook)), {"c.yaml": rewritten(text_of(shared))})
    assert errors == []
    assert meaning(second.playbook) == meaning(first.playbook)
    assert complaints(shared) == []
    plain = parse({**playbook, "when": {"any": [_as_group(each) for each in given_conditions]}}).playbook
    assert first.playbook is not None
    assert plain is not None
    assert said(first.playbook) == said(plain)


def _as_group(condition: Tree) -> Tree:
    """What a name stands for is a group, so that an explanation can show the name with it."""
    is_group = bool({"all", "any", "none"} & set(condition))
    return condition if is_group else {"all": [condition]}


def said(playbook: Playbook) -> str:
    """The playbook's condition without the names of conditions and where they stand."""
    return re.sub(r"(path|name)='[^']*'", "", repr(playbook.when))
