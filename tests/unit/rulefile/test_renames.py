"""Former names over all rule files."""

from datetime import timedelta
from pathlib import Path

import pytest

from engine.rulefile.known import Known
from engine.rulefile.load import load_rules
from engine.rulefile.model import Guard
from tests.builders import ROLES, SLIDE
from tests.unit.rulefile.conftest import CATALOGUE


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"a": "slide", "b": "fall\nrenamed_from: slide"},
            [
                'b.yaml:3:15: playbook "fall": renamed_from: there is still a playbook "slide"; '
                "remove it, or this key"
            ],
        ),
        (
            {"a": "drop\nrenamed_from: slide", "b": "fall\nrenamed_from: [slope, slide]"},
            [
                'b.yaml:3:23: playbook "fall": renamed_from: "drop" was "slide" too; '
                "only one can go on with its past"
            ],
        ),
        ({"a": "drop\nrenamed_from: slide", "b": "fall\nrenamed_from: slope"}, []),
    ],
)
def test_former_names_belong_to_nobody_else(
    tmp_path: Path, files: dict[str, str], expected: list[str]
) -> None:
    """Neither to a playbook that is there, nor to two at once."""
    for name, head in files.items():
        (tmp_path / f"{name}.yaml").write_text(SLIDE.replace("playbook: slide", f"playbook: {head}"))
    found = load_rules(tmp_path, tmp_path, Known(CATALOGUE, ROLES, Guard(25, timedelta(hours=1))))
    assert [str(each).removeprefix(f"{tmp_path.as_posix()}/") for each in found.problems] == expected
