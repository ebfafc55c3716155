"""What follows from each change alone is what a look at everything gives, and no due time is missed."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.rulefile.model import Missing
from engine.state import tables
from tests.builders import START, Company, Fresh, company, difference, snapshot
from tests.histories import PLAYBOOKS, at_random, play, random_history, seeds


class Forced(Company):
    """Looks at everything in every tick, then once more at the same instant, and compares."""

    def tick(self, when: Any) -> Any:
        """A pass over what is due, then one over all."""
        report = super().tick(when)
        before = snapshot(self.database)
        self.ask_all(when)
        super().tick(when)
        for old, new in zip(before, snapshot(self.database), strict=True):
            assert old == new, when
        return report


def forced(mine: Company) -> Forced:
    """The same company, looked at twice."""
    return Forced(mine.database, mine.library, mine.ticker)


@pytest.mark.parametrize("seed", seeds(20, 2, 20))
def test_forcing_every_account_changes_nothing(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """After each tick a look at every account decides nothing more: what was due was looked at."""
    history = random_history(seed, days=12)
    mine = forced(company(fresh(), tmp_path, PLAYBOOKS))
    play(mine, history, at_random(seed, history, 15))


def test_forcing_every_account_changes_nothing_on_postgresql(
    postgresql_database: Engine, tmp_path: Path
) -> None:
    """The same there."""
    history = random_history(24, days=8)
    play(forced(company(postgresql_database, tmp_path, PLAYBOOKS)), history, at_random(24, history, 8))


@pytest.mark.parametrize("seed", seeds(30, 1, 20))
def test_looking_at_everything_all_the_time_gives_the_same_ledger(
    seed: int, fresh: Fresh, tmp_path: Path
) -> None:
    """Full evaluation at many instants equals incremental evaluation at few."""
    history = random_history(seed, days=12)
    few = play(company(fresh(), tmp_path, PLAYBOOKS), history, [])
    many = play(forced(company(fresh(), tmp_path, PLAYBOOKS)), history, at_random(seed, history, 12))
    assert difference(few, many) == []


@pytest.mark.parametrize("seed", seeds(35, 1, 20))
def test_import_in_any_portions_gives_the_same_ledger(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """All at once, ahead of its time, or each as it is recorded: what is decided is the same."""
    history = random_history(seed, days=12)
    history.acts.clear()
    as_recorded = play(company(fresh(), tmp_path, PLAYBOOKS), history, at_random(seed, history, 10))
    mine = company(fresh(), tmp_path, PLAYBOOKS)
    mine.take(*history.before)
    mine.tick(START)
    mine.take(*(each for at, each in history.inputs if at <= history.end))
    for instant in sorted({*at_random(seed + 1, history, 5), history.end}):
        mine.tick(instant)
    assert difference(as_recorded, mine.ledger()) == []


@pytest.mark.parametrize("seed", seeds(50, 2, 20))
def test_state_episodes_agree_with_a_fresh_look_at_everything(
    seed: int, fresh: Fresh, tmp_path: Path
) -> None:
    """Late data and clock moves included: a state is open exactly where a new database would find it holding.

    A fresh database knows the same history and goes live at the end with `existing: fire`: what it finds is
    what holds. Where the answer is unknown, an episode keeps what it was, so those playbooks are compared
    where they treat unknown as false.
    """
    random = Random(seed)
    history = random_history(seed, days=12)
    history.acts.clear()
    mine = company(fresh(), tmp_path, [_plain(each) for each in PLAYBOOKS])
    mine.take(*history.before)
    mine.tick(START)
    waiting = list(history.inputs)
    for instant in sorted(at_random(seed, history, 20)):
        ready = [each for each in waiting if each[0] <= instant and random.random() < 0.7]
        waiting = [each for each in waiting if each not in ready]
        known = [each for _, each in ready if _exists(mine, each)]
        mine.take(*known)
        mine.tick(instant)
    mine.tick(history.end)
    other = company(fresh(), tmp_path, [_plain(each) for each in PLAYBOOKS])
    _copy_inputs(mine, other)
    other.tick(history.end)
    assert _holding(mine) == _holding(other)


def _plain(text: str) -> str:
    """The playbook without what keeps an episode from following its condition at once."""
    keeping = ("for:", "existing:", "on_missing:", "keep_active_for:")
    lines = [each for each in text.splitlines() if not each.startswith(keeping)]
    lines.insert(2, "existing: fire")
    if any(each.startswith("when:") for each in lines):
        lines.insert(2, f'on_missing: "{Missing.FALSE}"')
    return "\n".join(lines)


def _exists(mine: Company, given: Any) -> bool:
    """Whether its account is known, or made known by it."""
    known = {each.id for each in mine.rows(tables.Account)}
    return given.account_id in known or given.account_id == getattr(given, "id", None)


def _copy_inputs(mine: Company, other: Company) -> None:
    """Everything that was taken in, with its times, as rows."""
    with mine.database.connect() as read, other.database.begin() as write:
        for model in (
            tables.Account, tables.Contact, tables.Subscription, tables.Metric, tables.Change, tables.Event,
        ):  # fmt: skip
            table: Any = model.__table__  # type: ignore[attr-defined]
            rows = [dict(row) for row in read.execute(table.select()).mappings()]
            if rows:
                write.execute(table.insert(), rows)
        watch: Any = tables.Watch.__table__  # type: ignore[attr-defined]
        for row in read.execute(watch.select()).mappings():
            kept = {"account_id": row["account_id"], "revision": row["revision"], "due_at": START}
            write.execute(watch.insert().values(evaluated_revision=0, **kept))


def _holding(mine: Company) -> set[tuple[str, str]]:
    return {(each.playbook, each.subject_id) for each in mine.episodes(state="active") if "@" not in each.key}


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(400, 430))
def test_forcing_every_account_changes_nothing_for_long(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """More of the above."""
    history = random_history(seed)
    play(forced(company(fresh(), tmp_path, PLAYBOOKS)), history, at_random(seed, history, 60))
