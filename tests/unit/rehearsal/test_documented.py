"""docs/rule-language.md: its examples work, and it leaves nothing out."""

import re
from pathlib import Path

import pytest

from engine.conditions.catalogue import BUILT_IN
from engine.conditions.operators import OPERATORS
from engine.rehearsal.expectations import EXPECT_KEYS
from engine.rehearsal.parse import GIVEN_KEYS, MOVE_KEYS, TEST_KEYS
from engine.rehearsal.run import rehearse
from engine.rehearsal.script import KEYS
from engine.rulefile.parse_actions import BRANCH_KEYS, EMAIL_KEYS, MESSAGE_KEYS, TASK_KEYS, WEBHOOK_KEYS
from engine.rulefile.parse_effects import RECORD_KEYS
from engine.rulefile.parse_exits import EXIT_KEYS
from engine.rulefile.parse_playbook import PLAYBOOK_KEYS
from engine.rulefile.parse_steps import STEP_KEYS
from engine.settings import load_settings

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "rule-language.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_documented_example_passes_the_documented_test(tmp_path: Path) -> None:
    """The playbook of the first example does what the test of the last one says."""
    (tmp_path / "example.yaml").write_text(next(each for each in BLOCKS if each.startswith("playbook:")))
    file = tmp_path / "example.test.yaml"
    file.write_text(next(each for each in BLOCKS if each.startswith("tests:")))
    settings = load_settings(ROOT / "config.yaml").model_copy(update={"templates": ROOT / "templates"})
    (report,) = rehearse([file], settings, settings.catalogue())
    assert [str(each) for each in report.problems] == []
    assert [str(one) for each in report.results for one in each.failures] == []
    assert len(report.results) == 1


@pytest.mark.parametrize(
    "key",
    sorted(
        {
            *PLAYBOOK_KEYS, *STEP_KEYS, *TASK_KEYS, *EMAIL_KEYS, *MESSAGE_KEYS, *RECORD_KEYS, *WEBHOOK_KEYS,
            *BRANCH_KEYS, *EXIT_KEYS,
            *TEST_KEYS, *GIVEN_KEYS, *MOVE_KEYS, *EXPECT_KEYS,
            *(one for keys in KEYS.values() for one in keys),
        }
    ),
)  # fmt: skip
def test_documented_keys_are_all_there(key: str) -> None:
    """Every key that a rule or test file may have is named."""
    assert re.search(rf"`{key}`|`given.{key}`", TEXT)


@pytest.mark.parametrize("field", BUILT_IN.fields)
def test_documented_fields_are_all_there(field: str) -> None:
    """Every field has its row, with its type."""
    assert f"| `{field}` | {BUILT_IN.get(field).type} |" in TEXT


ELSEWHERE = ("event", "step", "changed_within")
"""Begin operators that are written as a form of another, or ask about something else than a field."""


@pytest.mark.parametrize("operator", [each for each in OPERATORS if not each.startswith(ELSEWHERE)])
def test_documented_operators_are_all_there(operator: str) -> None:
    """Every operator on fields has its row."""
    assert f"\n| `{operator}` |" in TEXT
