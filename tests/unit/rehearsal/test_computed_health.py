"""Tests of playbooks over accounts whose health is computed."""

from pathlib import Path
from typing import Any

import pytest

from engine.rehearsal.run import rehearse
from engine.settings import Role, Settings
from tests.unit.rehearsal.test_run import PLAYBOOK

HEALTH: dict[str, Any] = {
    "components": {
        "adoption": {"field": "account.adoption", "steps": {0: 0, 40: 50, 60: 100}},
        "activity": {"days_since": "account.last_active_at", "steps": {0: 100, 7: 0}},
    }
}
ACTIVE = (
    "at: 2026-03-02T14:00:00Z, given: {account: {id: acme, name: Acme, csm: dana, "
    "adoption: 45, last_active_at: 2026-03-01T00:00:00Z}}"
)


@pytest.mark.parametrize(
    ("given", "timeline"),
    [
        (ACTIVE, "{at: +1h, account: {adoption: 39}, expect: nothing}, "
         "{at: +8d, expect: {starts: 1, tasks: [{step: call, reason: health is 0}, again]}}"),
        (ACTIVE, "{at: +9d, expect: {starts: 1, tasks: [call, again]}}"),
        (ACTIVE, "{at: +1h, account: {health: 80}}, {at: +30d, expect: nothing}, "
         "{at: +31d, account: {health: null}, expect: {starts: 1, tasks: [call]}}"),
        (ACTIVE.replace("45", "5").replace("03-01", "01-01"), "{at: +30d, expect: nothing}"),
    ],
    ids=["a component and time", "time alone", "a source in between", "low at go-live"],
)  # fmt: skip
def test_rehearse_computes_health_that_no_test_gives(given: str, timeline: str, tmp_path: Path) -> None:
    """An account with the values of components and without a health has a computed one."""
    (tmp_path / "slump.yaml").write_text(PLAYBOOK)
    file = tmp_path / "slump.test.yaml"
    file.write_text(f"tests:\n  - {{name: it follows, {given}, timeline: [{timeline}]}}\n")
    settings = Settings(
        rules=tmp_path, templates=tmp_path, roles={"csm": Role(field="account.csm")}, health=HEALTH
    )
    (report,) = rehearse([file], settings, settings.catalogue())
    assert report.passed, [str(each) for each in report.problems] + [
        str(one) for each in report.results for one in each.failures
    ]
