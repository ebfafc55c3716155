"""Health that no source gives: computed when a component, time or the settings move it."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from engine.conditions.catalogue import Kind
from engine.state import tables
from engine.state.database import reading
from engine.state.healths import score_at
from tests.builders import SLIDE, START, Company, account, at, company, entry, write_rules
from tests.histories import DAY, HOUR, MINUTE

HEALTH: dict[str, Any] = {
    "components": {
        "adoption": {"field": "account.adoption", "steps": {0: 0, 40: 50, 60: 80, 80: 100}},
        "activity": {"days_since": "account.last_active_at", "steps": {0: 100, 7: 50, 14: 0}},
    },
    "weights": {
        "high_touch": {"adoption": 80, "activity": 20},
        "default": {"adoption": 40, "activity": 60},
    },
    "min_known": 40,
}
BEFORE = START - 30 * DAY


def scored(database: Engine, folder: Path, *playbooks: str, health: Any = HEALTH) -> Company:
    """A company whose health is computed."""
    return company(database, folder, playbooks or (SLIDE,), health=health)


def history(
    mine: Company, field: str = "health", account_id: str = "acme"
) -> list[tuple[datetime, Any, str]]:
    """What became of a field, as (applies_at, value, source), but for what moved nothing."""
    change: Any = tables.Change.__table__  # type: ignore[attr-defined]
    query = (
        select(change.c.applies_at, change.c.new, change.c.source)
        .where(change.c.field == field, change.c.subject_id == account_id, change.c.superseded.is_(False))
        .order_by(change.c.applies_at, change.c.id)
    )
    with reading(mine.database) as connection:
        rows = connection.execute(query).all()
    return [(row.applies_at, None if row.new is None else int(row.new), row.source) for row in rows]


def health(mine: Company, account_id: str = "acme") -> int | None:
    """The account's health as every reader of the account sees it."""
    (row,) = mine.rows(tables.Account, id=account_id)
    return None if row.health is None else int(row.health)


def test_health_is_computed_from_the_first_tick_on(database: Engine, tmp_path: Path) -> None:
    """The state that holds at go-live is noted and starts nothing, exactly as if a source had given it."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=20, last_active_at=BEFORE))
    mine.tick(START)
    assert history(mine) == [(START, 0, "health")]
    assert health(mine) == 0
    assert mine.decisions() == [(START, "existing")]


def test_component_moves_health_at_its_own_instant(database: Engine, tmp_path: Path) -> None:
    """The score changes when adoption does, whenever the tick comes, and starts the playbook then."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85, last_active_at=START))
    mine.tick(START)
    mine.take(account(START + HOUR, adoption=20))
    mine.take(account(START + 2 * HOUR, adoption=45))
    mine.tick(START + DAY)
    assert history(mine) == [
        (START, 100, "health"),
        (START + HOUR, 60, "health"),
        (START + 2 * HOUR, 80, "health"),
    ]
    assert mine.runs() == []


def test_time_alone_moves_health_at_local_midnight(database: Engine, tmp_path: Path) -> None:
    """After a week without activity the score falls at the account's midnight; the work waits for morning."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=0, last_active_at=START, timezone="America/New_York"))
    mine.tick(START)
    assert mine.watch().due_at == at("2026-03-09 04:00")
    mine.tick(START + 20 * DAY)
    assert history(mine) == [
        (START, 60, "health"),
        (at("2026-03-09 04:00"), 30, "health"),
        (at("2026-03-16 04:00"), 0, "health"),
    ]
    (run,) = mine.runs()
    assert (run.started_at, run.reason) == (
        at("2026-03-09 04:00"),
        "health is 30 (dropped below 40, recovers at 50)",
    )
    (task,) = mine.tasks()
    assert task.created_at == at("2026-03-09 12:00")


def test_health_and_its_component_move_together(database: Engine, tmp_path: Path) -> None:
    """No instant at which adoption has fallen and health has not."""
    torn = """
playbook: torn
title: Torn
owner: cs
subject: account
when: {all: [{field: account.adoption, below: 30}, {field: account.health, at_least: 90}]}
steps: [{id: look, day: 0, task: {to: csm, title: Look}}]
"""
    mine = scored(database, tmp_path, torn)
    mine.take(account(BEFORE, adoption=85, last_active_at=START))
    mine.tick(START)
    mine.take(account(START + HOUR, adoption=10))
    mine.tick(START + DAY)
    assert history(mine)[-1] == (START + HOUR, 60, "health")
    assert mine.decisions() == []


def test_segment_changes_the_weights(database: Engine, tmp_path: Path) -> None:
    """Another segment weighs the same parts in another way, from that instant on."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85, last_active_at=BEFORE, segment="low_touch"))
    mine.tick(START)
    mine.take(account(START + HOUR, segment="high_touch"))
    mine.tick(START + 2 * HOUR)
    assert history(mine) == [(START, 40, "health"), (START + HOUR, 80, "health")]


def test_health_of_a_source_stands(database: Engine, tmp_path: Path) -> None:
    """What a source gives is never overwritten, by components, time or tick."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, health=72, adoption=20, last_active_at=START))
    mine.tick(START)
    mine.take(account(START + HOUR, adoption=10))
    mine.tick(START + 30 * DAY)
    assert history(mine) == [(BEFORE, 72, "test")]
    with reading(mine.database) as connection:
        assert score_at(connection, "acme", START + 30 * DAY) is None
    assert mine.watch().due_at is None


def test_health_given_before_it_was_ever_computed_stands(database: Engine, tmp_path: Path) -> None:
    """Components that come into the settings later leave alone what sources said until then."""
    mine = company(database, tmp_path, (SLIDE,))
    mine.take(account(BEFORE, health=72, adoption=20), account(BEFORE, "beta", adoption=20))
    mine.tick(START)
    mine = scored(database, tmp_path)
    mine.tick(START + HOUR)
    live = START + HOUR + timedelta(microseconds=1)
    assert history(mine) == [(BEFORE, 72, "test")]
    assert history(mine, "given_health") == [(live, 72, "health")]
    assert history(mine, account_id="beta") == [(live, 0, "health")]
    assert mine.decisions(account_id="beta") == [(live, "started"), (live, "task")]


def test_source_begins_and_ceases_to_give_health(database: Engine, tmp_path: Path) -> None:
    """It takes over at the instant it is known; null hands back; the same null every night is no news."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85, last_active_at=START))
    mine.tick(START)
    for night, given in enumerate((None, 55, 55, None, None, 100), start=1):
        mine.take(account(START + night * DAY, health=given))
        mine.tick(START + night * DAY + HOUR)
    assert history(mine) == [
        (START, 100, "health"),
        (START + 2 * DAY, 55, "test"),
        (START + 4 * DAY, 100, "health"),
    ]
    assert history(mine, "given_health") == [
        (START + 2 * DAY, 55, "test"),
        (START + 4 * DAY, None, "test"),
        (START + 6 * DAY, 100, "test"),
    ]
    mine.take(account(START + 6 * DAY + 2 * HOUR, adoption=0))
    mine.tick(START + 7 * DAY)
    assert health(mine) == 100


def test_late_word_of_a_source_takes_over_when_it_is_known(database: Engine, tmp_path: Path) -> None:
    """A score computed meanwhile does not make what a source says old news."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85, last_active_at=START))
    mine.tick(START)
    mine.take(account(START + 5 * HOUR, adoption=20))
    mine.tick(START + 6 * HOUR)
    mine.take(account(START + HOUR, health=72, recorded=START + 7 * HOUR))
    mine.tick(START + 8 * HOUR)
    assert history(mine)[1:] == [(START + 5 * HOUR, 60, "health"), (START + 7 * HOUR, 72, "health")]
    mine.take(account(START + 9 * HOUR, adoption=85))
    mine.tick(START + 30 * DAY)
    assert health(mine) == 72


def test_late_component_is_judged_on_arrival(database: Engine, tmp_path: Path) -> None:
    """What comes in behind the last tick moves health at the tick that finds it, and rewrites nothing."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85, last_active_at=START))
    mine.tick(START)
    mine.tick(START + 5 * HOUR)
    mine.take(account(START + HOUR, adoption=20))
    mine.tick(START + 6 * HOUR)
    assert history(mine) == [(START, 100, "health"), (START + 6 * HOUR, 60, "health")]


def test_changed_weights_take_effect_at_one_instant(database: Engine, tmp_path: Path) -> None:
    """The old model decides up to the tick that finds the new one; the past stays as it was."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85, last_active_at=START), account(BEFORE, "beta", health=10))
    mine.tick(START)
    mine.take(account(START + HOUR, adoption=20))
    changed = {**HEALTH, "weights": {"default": {"adoption": 90, "activity": 10}}}
    mine = scored(database, tmp_path, health=changed)
    mine.tick(START + 2 * HOUR)
    live = START + 2 * HOUR + timedelta(microseconds=1)
    assert history(mine) == [(START, 100, "health"), (START + HOUR, 60, "health"), (live, 10, "health")]
    assert history(mine, account_id="beta") == [(BEFORE, 10, "test")]
    assert [each.started_at for each in mine.runs()] == [live]
    assert mine.watch("beta").due_at is None


def test_removed_components_leave_nothing_computed(database: Engine, tmp_path: Path) -> None:
    """Computed scores become missing and given ones stay; what was given meanwhile is found again."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85), account(BEFORE, "beta", health=10, adoption=85))
    mine.tick(START)
    mine = company(database, tmp_path, (SLIDE,))
    mine.tick(START + HOUR)
    assert (health(mine), health(mine, "beta")) == (None, 10)
    mine.take(account(START + 2 * HOUR, "beta", health=20), account(START + 2 * HOUR, adoption=20))
    mine.tick(START + 3 * HOUR)
    assert (health(mine), health(mine, "beta")) == (None, 20)
    mine = scored(database, tmp_path)
    mine.tick(START + 4 * HOUR)
    mine.take(account(START + 5 * HOUR, "beta", adoption=40))
    mine.tick(START + 6 * HOUR)
    assert (health(mine), health(mine, "beta")) == (0, 20)


def test_account_that_comes_later_is_scored_as_it_appears(database: Engine, tmp_path: Path) -> None:
    """Its first score belongs to the instant at which its components are known."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85))
    mine.tick(START)
    mine.take(
        account(START + HOUR, "beta", adoption=20), account(START + HOUR, "gamma", adoption=20, health=90)
    )
    mine.take(account(BEFORE, "delta", adoption=20), account(BEFORE, "epsilon", adoption=20, health=91))
    mine.tick(START + 2 * HOUR)
    assert history(mine, account_id="beta") == [(START + HOUR, 0, "health")]
    assert history(mine, account_id="gamma") == [(START + HOUR, 90, "test")]
    assert history(mine, account_id="delta") == [(START, 0, "health")]
    assert history(mine, account_id="epsilon") == [(BEFORE, 91, "test")]
    mine.tick(START + DAY)
    assert len(history(mine, account_id="delta")) == 1


def test_health_is_computed_without_any_playbook(database: Engine, tmp_path: Path) -> None:
    """The console shows it whether or not a rule asks."""
    mine = scored(database, tmp_path)
    write_rules(tmp_path, ())
    mine.take(account(BEFORE, adoption=85, last_active_at=START))
    mine.tick(START)
    mine.tick(START + 20 * DAY)
    assert history(mine)[0] == (START, 100, "health")
    assert health(mine) == 40


def test_metrics_and_custom_fields_are_components(database: Engine, tmp_path: Path) -> None:
    """A company's own measures move health as the built-in ones do."""
    mine = company(
        database,
        tmp_path,
        (SLIDE,),
        fields={
            "metric.logins": {"type": "number"},
            "account.tier": {"type": "enum", "choices": ["gold", "iron"]},
        },
        health={
            "components": {
                "logins": {"field": "metric.logins", "steps": {0: 0, 10: 100}},
                "tier": {"field": "account.tier", "values": {"gold": 100, "iron": 0}},
            }
        },
    )
    mine.take(account(BEFORE, tier="iron"), entry(Kind.METRIC, "acme:logins", BEFORE, value=3))
    mine.tick(START)
    mine.take(entry(Kind.METRIC, "acme:logins", START + HOUR, value=30))
    mine.take(account(START + 2 * HOUR, tier="gold"))
    mine.tick(START + 3 * HOUR)
    assert [(when, value) for when, value, _ in history(mine)] == [
        (START, 0),
        (START + HOUR, 50),
        (START + 2 * HOUR, 100),
    ]


def test_parts_of_a_score_are_kept(database: Engine, tmp_path: Path) -> None:
    """One row whenever score or parts change, also when the score stays the same."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85, last_active_at=START))
    mine.tick(START)
    mine.take(account(START + HOUR, adoption=86), account(START + 2 * HOUR, name="Acme"))
    mine.take(account(START + 3 * HOUR, health=5))
    mine.tick(START + 4 * HOUR)
    with reading(mine.database) as connection:
        found = [score_at(connection, "acme", START + hours * HOUR) for hours in (-1, 0, 1, 2, 3)]
    assert found[0] is None
    kept = [each for each in found if each is not None]
    assert [(each.at, each.score) for each in kept] == [
        (START, Decimal(100)),
        (START + HOUR, Decimal(100)),
        (START + HOUR, Decimal(100)),
        (START + 3 * HOUR, None),
    ]
    assert kept[0].parts is not None
    assert [each.words() for each in kept[0].parts] == [
        "adoption 40 of 40 (85%)",
        "activity 60 of 60 (2026-03-02 12:00 UTC)",
    ]
    assert kept[3].parts is None


@pytest.mark.parametrize("given", [{"given_health": Decimal(3)}])
def test_given_health_is_no_field_a_source_may_name(
    given: dict[str, Any], sqlite_database: Engine, tmp_path: Path
) -> None:
    """What Tminus keeps itself is refused in an intake."""
    mine = scored(sqlite_database, tmp_path)
    with pytest.raises(AssertionError, match=r"account\.given_health cannot be given"):
        mine.take(account(START, **given))


def test_late_tick_gives_the_same_as_many(database: Engine, tmp_path: Path) -> None:
    """A week in one tick, or looked at every minute of one hour in between."""
    mine = scored(database, tmp_path)
    mine.take(account(BEFORE, adoption=85, last_active_at=START - 6 * DAY))
    mine.tick(START)
    for minute in range(5):
        mine.tick(START + 11 * HOUR + (58 + minute) * MINUTE)
    mine.tick(START + 9 * DAY)
    assert [(when, value) for when, value, _ in history(mine)] == [
        (START, 100),
        (at("2026-03-03 00:00"), 70),
        (at("2026-03-10 00:00"), 40),
    ]


def test_rules_ask_about_the_band(database: Engine, tmp_path: Path) -> None:
    """It moves with the health, computed or given, at the same instant."""
    banded = """
playbook: banded
title: Banded
owner: cs
subject: account
on: {field: account.health_band, changes_to: at_risk, from: healthy}
when: {field: account.health_band, in: [critical, emergency]}
steps: [{id: look, day: 0, task: {to: csm, title: "{{ account.health_band }}"}}]
"""
    mine = scored(database, tmp_path, banded)
    mine.take(account(BEFORE, adoption=85, last_active_at=START), account(BEFORE, "beta", health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, adoption=10), account(START + 2 * HOUR, health=85))
    mine.take(account(START + 3 * HOUR, health=55), account(START + HOUR, "beta", health=30))
    mine.tick(START + DAY)
    assert [(each.account_id, each.started_at) for each in mine.runs()] == [
        ("beta", START + HOUR),
        ("acme", START + 3 * HOUR),
    ]
    assert {each.title for each in mine.tasks()} == {"critical", "at_risk"}


def test_changed_bands_take_effect_at_one_instant(sqlite_database: Engine, tmp_path: Path) -> None:
    """The score stays, and its name is another from then on."""
    mine = scored(sqlite_database, tmp_path)
    mine.take(account(BEFORE, adoption=85, last_active_at=START))
    mine.tick(START)
    bands = {"fine": {"at_least": 0, "colour": "green"}}
    mine = scored(sqlite_database, tmp_path, health={**HEALTH, "bands": bands})
    mine.tick(START + HOUR)
    (row,) = mine.rows(tables.Account, id="acme")
    assert row.custom == {"health_band": "fine"}
    assert history(mine) == [(START, 100, "health")]
