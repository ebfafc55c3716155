"""What stands in the way of a start, as values."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from engine.admit.admission import Admitted, Joined, Postponed, admission
from engine.conditions.catalogue import BUILT_IN, Kind
from engine.episodes.episode import Owed
from engine.rulefile.model import Playbook
from engine.runs.run import Run
from tests.builders import START

DAY = timedelta(days=1)
PLAIN = Playbook("slide", "A slide", "cs", Kind.ACCOUNT, (), "slide.yaml", "v1")
RESTING = replace(PLAIN, cooldown=3 * DAY)
TERMED = replace(PLAIN, subject=Kind.SUBSCRIPTION, run_per=BUILT_IN.get("subscription.term"))
GROUPED = replace(TERMED, group_by="account")


def run(
    subject: str = "acme", key: str = "", ended: datetime | None = None, anchor: date | None = None
) -> Run:
    """A run that began at START."""
    state = "open" if ended is None else "ended"
    return Run(
        f"r-{subject}-{key}", "acme", "slide", "v1", "account", subject, key, 1, state, START,
        anchor=anchor, ended_at=ended,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("playbook", "runs", "expected"),
    [
        (PLAIN, [], Admitted()),
        (PLAIN, [run()], Postponed(Owed.OPEN_RUN, "a run of it is still open")),
        (PLAIN, [run(ended=START)], Admitted()),
        (PLAIN, [run("other")], Admitted()),
        (RESTING, [run(ended=START + 2 * DAY)], Admitted()),
        (
            RESTING,
            [run(ended=START + 3 * DAY)],
            Postponed(Owed.COOLDOWN, "cooling down until 2026-03-08 12:00 UTC", START + 6 * DAY),
        ),
        (
            RESTING,
            [run(ended=START + 3 * DAY), run(ended=START + DAY)],
            Postponed(Owed.COOLDOWN, "cooling down until 2026-03-08 12:00 UTC", START + 6 * DAY),
        ),
    ],
)
def test_admission_waits_for_runs_and_cooldowns(
    playbook: Playbook, runs: list[Run], expected: Admitted | Postponed
) -> None:
    """At START plus five days: what is over is over, to the instant."""
    assert admission(playbook, "acme", "", None, runs, START + 5 * DAY) == expected


@pytest.mark.parametrize(
    ("playbook", "key", "anchor", "expected"),
    [
        (TERMED, "2026", None, Joined("r-s1-2026", "it already ran for subscription.term 2026")),
        (TERMED, "2027", None, Postponed(Owed.OPEN_RUN, "a run of it is still open")),
        (TERMED, "", None, Postponed(Owed.OPEN_RUN, "a run of it is still open")),
        (
            GROUPED,
            "2027",
            date(2026, 3, 20),
            Joined("r-s1-2026", "it joins the account's run for 2026-03-20"),
        ),
        (GROUPED, "2027", date(2026, 3, 21), Postponed(Owed.OPEN_RUN, "a run of it is still open")),
    ],
)
def test_admission_joins_the_run_of_the_same_term_or_date(
    playbook: Playbook, key: str, anchor: date | None, expected: Joined | Postponed
) -> None:
    """A term has one run, and a group one for each date."""
    runs = [run("s1", "2026", anchor=date(2026, 3, 20))]
    assert admission(playbook, "s1", key, anchor, runs, START + DAY) == expected
