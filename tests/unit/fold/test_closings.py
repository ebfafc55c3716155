"""Tasks that people close: skipped ones, and those that may be undone for a while before they count."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.runs import task_actions
from engine.runs.task_actions import act
from engine.runs.task_deeds import Complete, Deed, Skip
from engine.runs.task_undo import undo
from tests.builders import START, Company, account, company, difference, happening
from tests.histories import HOUR
from tests.unit.fold.test_course import HEAD, WON, going, task

Opened = Callable[..., Company]

TEN = timedelta(seconds=10)
SECOND = timedelta(seconds=1)
NEXT = task("next", "after: one + 1h", ", if: {step: one, outcome: yes}")
TWO = f"{HEAD}steps:\n{task('one', 'day: 0', outcomes='yes, no')}{NEXT}"
CLOSED = START + 2 * HOUR


def _close(mine: Company, deed: Deed, when: datetime = CLOSED) -> str:
    (found,) = mine.tasks(state="open", step="one")
    return act(mine.database, {found.id: None}, deed, by="dana", now=when).act


def test_a_skipped_task_skips_its_step(opened: Opened) -> None:
    """With the reason, in the ledger too; what counts from the step goes on."""
    mine = going(opened(f"{HEAD}steps:\n{task('one', 'day: 0')}{task('two', 'after: one + 2h')}"))
    _close(mine, Skip("They renewed."))
    mine.tick(START + 4 * HOUR)
    step = mine.steps()["one"]
    assert (step.state, step.reason, step.settled_at) == ("skipped", "dana: They renewed.", CLOSED)
    assert (CLOSED, "skipped") in mine.decisions()
    assert mine.steps()["two"].state == "open"


def test_steps_can_ask_whether_a_person_skipped_one(opened: Opened) -> None:
    """As they ask for any state."""
    asks = task("two", "after: one + 2h", ", if: {step: one, is: skipped}")
    mine = going(opened(f"{HEAD}steps:\n{task('one', 'day: 0')}{asks}"))
    _close(mine, Skip("No."))
    mine.tick(START + 4 * HOUR)
    assert mine.steps()["two"].state == "open"


def test_a_closing_counts_when_it_can_no_longer_be_undone(opened: Opened) -> None:
    """Until then its step is open; then it is settled at that instant, whenever the tick comes."""
    mine = going(opened(TWO + WON))
    _close(mine, Complete("yes", None, TEN))
    mine.tick(CLOSED + 9 * SECOND)
    assert (mine.steps()["one"].state, mine.watch().due_at) == ("open", CLOSED + TEN)
    mine.tick(START + 5 * HOUR)
    assert (mine.steps()["one"].state, mine.steps()["one"].settled_at) == ("done", CLOSED + TEN)
    assert (CLOSED + TEN, "ended: won") in mine.decisions()


def test_what_was_undone_has_no_consequence(opened: Opened) -> None:
    """The run goes on as if nobody had closed the task."""
    mine = going(opened(TWO + WON))
    done = _close(mine, Complete("yes", None, TEN))
    mine.tick(CLOSED + 5 * SECOND)
    undo(mine.database, done, by="dana", now=CLOSED + 6 * SECOND)
    mine.tick(START + 5 * HOUR)
    assert (mine.steps()["one"].state, mine.runs()[0].state) == ("open", "open")
    assert mine.steps()["next"].state == "skipped"


def test_a_closed_task_does_not_escalate_before_it_counts(opened: Opened) -> None:
    """It is done; only when it is undone does the escalation follow, at that instant."""
    escalates = task("one", "day: 0", ", escalate: {after: 1h, to: csm_manager}")
    mine = going(opened(f"{HEAD}steps:\n{escalates}"))
    closed = START + 2 * HOUR - 5 * SECOND
    done = _close(mine, Complete(None, None, TEN), closed)
    mine.tick(START + 2 * HOUR + SECOND)
    assert mine.tasks()[0].assignee == "dana"
    undo(mine.database, done, by="dana", now=START + 2 * HOUR + 2 * SECOND)
    mine.tick(START + 3 * HOUR)
    (found,) = mine.tasks()
    assert (found.assignee, found.escalated_at) == ("max", START + 2 * HOUR + 2 * SECOND)


@pytest.mark.parametrize(
    ("deed", "state", "outcome"),
    [(Complete("yes", None, TEN), "done", "yes"), (Skip("No.", TEN), "skipped", None)],
    ids=["completed", "skipped"],
)
def test_a_run_that_ends_meanwhile_keeps_what_was_done(
    opened: Opened, deed: Deed, state: str, outcome: str | None
) -> None:
    """The step is not cancelled that somebody had closed."""
    mine = going(opened(TWO + "exit:\n  - {outcome: gone, when: {event: leave, within: 1d}}\n"))
    _close(mine, deed)
    mine.take(happening("leave", CLOSED + 5 * SECOND))
    mine.tick(START + 5 * HOUR)
    step = mine.steps()["one"]
    assert (step.state, step.outcome, step.settled_at) == (state, outcome, CLOSED + 5 * SECOND)
    assert mine.tasks()[0].state == state
    assert mine.runs()[0].outcome == "gone"


_SECONDS: tuple[Sequence[int], ...] = ((), (1, 4, 8, 11, 20), (10,), (3, 15))


@pytest.mark.parametrize("ticks", _SECONDS[1:], ids=str)
def test_answers_do_not_depend_on_ticks_between(
    fresh: Callable[[], Engine], tmp_path: Path, ticks: Sequence[int]
) -> None:
    """Whether a tick comes before, at or after the instant at which a closing counts."""

    def lived(folder: str, between: Sequence[int]) -> str:
        mine = going(company(fresh(), tmp_path / folder, (TWO + WON,)))
        done = _close(mine, Skip("No.", TEN), CLOSED - HOUR / 2)
        moments = sorted({4, *between})
        for second in moments:
            if second == 4:
                undo(mine.database, done, by="dana", now=CLOSED - HOUR / 2 + 4 * SECOND)
            mine.tick(CLOSED - HOUR / 2 + second * SECOND)
        _close(mine, Complete("yes", "x", TEN))
        for second in between:
            mine.tick(CLOSED + second * SECOND)
        mine.tick(START + 9 * HOUR)
        return mine.ledger()

    assert not difference(lived("a", ()), lived("b", ticks))


def test_a_closing_without_undoing_counts_at_once(opened: Opened) -> None:
    """As over the API, unless it asks for time."""
    mine = going(opened(TWO + WON))
    (found,) = mine.tasks(step="one")
    task_actions.complete(mine.database, found.id, outcome="yes", note=None, by="dana", now=CLOSED)
    mine.take(account(CLOSED, name="Acme"))
    mine.tick(CLOSED)
    assert mine.runs()[0].ended_at == CLOSED
