"""The whole path on a real export: import, tick, release what was held, read the tasks."""

import pytest

from tests.acceptance.workplace import ROOT, Workplace

MAPPING = ROOT / "examples" / "ravenstack" / "mapping.yaml"
EXPORT = ROOT.parent / "shared" / "data" / "ravenstack"
AT = "2024-07-01T06:00:00Z"
PROMISED = {"id", "playbook", "step", "account_id", "account", "title"} | {
    *("assignee", "due", "priority", "state", "reason")
}

pytestmark = pytest.mark.skipif(
    not EXPORT.is_dir(),
    reason="the RavenStack export is not beside this checkout (../shared/data/ravenstack)",
)


@pytest.mark.timeout(600)
def test_ravenstack_leads_from_an_export_to_tasks(workplace: Workplace) -> None:
    """The commands work as they stand, and a second tick changes nothing."""
    workplace.tminus("import", str(MAPPING), str(EXPORT))
    workplace.tminus("tick", "--at", AT)
    workplace.tminus("holds", "release", "--all")
    tasks = workplace.json("tasks")
    assert len(tasks) > 10
    assert all(task.keys() >= PROMISED for task in tasks)
    assert all(task["reason"] and task["assignee"] and task["title"] for task in tasks)
    assert {task["state"] for task in tasks} == {"open"}
    assert len({task["id"] for task in tasks}) == len(tasks)

    workplace.tminus("tick", "--at", AT)
    assert workplace.json("tasks") == tasks
