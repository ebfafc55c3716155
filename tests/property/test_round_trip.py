"""A rule file that is read, written and read again means the same."""

import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from engine.rulefile.load import parse_pinned
from engine.rulefile.model import Playbook
from engine.rulefile.source import read_source
from engine.rulefile.write import yaml_text
from tests.property.test_schema import KNOWN, Tree, parse, parse_text, rule_files

PROOF = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def meaning(playbook: Playbook | None) -> Playbook:
    """The playbook without the hash of its text."""
    assert playbook is not None
    return replace(playbook, version="")


@PROOF
@given(rule_files())
def test_a_file_that_is_written_again_reads_as_the_same_playbook(tree: Tree) -> None:
    """Every key, operator and value there is, and written twice it is the same text."""
    first = parse(tree)
    root = read_source("rules/a.yaml", json.dumps(tree, ensure_ascii=False)).root
    assert root is not None
    text = yaml_text(root)
    again = read_source("rules/a.yaml", text).root
    assert again is not None
    assert meaning(parse_text(text).playbook) == meaning(first.playbook)
    assert yaml_text(again) == text


@PROOF
@given(rule_files())
def test_a_pinned_version_reads_as_the_playbook_it_was(tree: Tree) -> None:
    """From the stored texts alone, shared conditions among them."""
    parsed = parse(tree)
    assert parse_pinned(parsed.files, KNOWN) == parsed.playbook
