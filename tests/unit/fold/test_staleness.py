"""Values of a source that has not been seen for too long are no longer good."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.conditions.catalogue import Kind
from engine.explain import explain
from engine.settings import ConfigError, Settings, SourceSettings
from tests.builders import START, Company, account, company, entry, feed

HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)

LOW = """
playbook: low
owner: cs
subject: account
when: {field: account.health, below: 40}
steps:
  - {id: call, day: 0, task: {to: csm, title: Call}}
  - {id: late, day: 5, if: {field: account.health, below: 40}, task: {to: csm, title: Again}}
exit: [{outcome: well, when: {field: account.health, at_least: 40}, for: 4d}]
"""
UNKNOWN = """
playbook: unknown
owner: cs
subject: account
when: {field: account.health, is_missing: true}
for: 2d
steps: [{id: find, day: 0, task: {to: cs_ops, title: Find out}}]
"""
STALE = "health is stale since 2026-03-05 12:00 UTC: the source usage was last seen on 2026-03-02 12:00 UTC"


def made(database: Engine, folder: Path, *playbooks: str, **more: Any) -> Company:
    """A company whose health comes from one source, and is good for three days after it was last seen."""
    sources = {"usage": {"feeds": ["account.health", "account.adoption"], "fresh_for": "3d"}}
    mine = company(database, folder, playbooks, sources=sources, **more)
    mine.take(account(START - DAY, name="Acme", csm="dana", health=70, adoption=80), feed("usage", START))
    mine.tick(START)
    return mine


@pytest.mark.parametrize("pace", [20 * DAY, 7 * HOUR])
def test_value_that_came_back_is_judged_with_its_source(
    pace: timedelta, database: Engine, tmp_path: Path
) -> None:
    """A value told by a source that was silent counts once the source is seen again, at that instant."""
    mine = made(database, tmp_path, LOW)
    mine.take(account(START + 6 * DAY, health=35), feed("usage", START + 7 * DAY))
    for index in range(1, 20 * DAY // pace + 1):
        mine.tick(START + index * pace)
    assert [each.started_at for each in mine.runs()] == [START + 7 * DAY]


def test_stale_value_skips_a_step_and_ends_no_run(database: Engine, tmp_path: Path) -> None:
    """What was so five days ago is no ground to act on; the reason says since when nothing was seen."""
    mine = made(database, tmp_path, LOW)
    mine.take(account(START + HOUR, health=35))
    mine.tick(START + 6 * DAY)
    assert [each.outcome for each in mine.runs()] == [None]
    assert mine.steps()["late"].reason == (f"unknown: {STALE}")


def test_dead_feed_is_no_flood_of_missing_values(database: Engine, tmp_path: Path) -> None:
    """Neither those whose value is stale nor those who have none are found missing until it is back."""
    mine = made(database, tmp_path, UNKNOWN)
    mine.take(account(START + 4 * DAY, "young", name="Young"))
    mine.tick(START + 20 * DAY)
    assert mine.runs() == []
    mine.take(feed("usage", START + 21 * DAY))
    mine.tick(START + 22 * DAY)
    assert mine.runs() == []
    mine.tick(START + 23 * DAY)
    assert [(each.account_id, each.started_at) for each in mine.runs()] == [("young", START + 23 * DAY)]


def test_health_leaves_a_stale_component_out(database: Engine, tmp_path: Path) -> None:
    """From the instant at which it goes stale to that at which its source is seen again."""
    components = {"adoption": {"field": "account.adoption", "steps": {0: 0, 50: 100}}}
    mine = company(
        database,
        tmp_path,
        (UNKNOWN,),
        sources={"usage": {"feeds": ["account.adoption"], "fresh_for": "3d"}},
        health={"components": components},
    )
    mine.take(account(START - DAY, name="Acme", adoption=80), feed("usage", START))
    mine.tick(START)
    mine.tick(START + 4 * DAY)
    mine.take(feed("usage", START + 9 * DAY))
    mine.tick(START + 10 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 5 * DAY + TICK]
    found = explain(mine.database, mine.library, "unknown", "acme", START + 6 * DAY)
    assert found.health is not None
    assert found.health.words == (
        "health missing = adoption missing; adoption is stale since 2026-03-05 12:00 UTC: "
        "the source usage was last seen on 2026-03-02 12:00 UTC"
    )


def test_explain_says_that_a_value_is_stale(database: Engine, tmp_path: Path) -> None:
    """With the source, and when it was last seen."""
    mine = made(database, tmp_path, LOW)
    mine.tick(START + 5 * DAY)
    found = explain(mine.database, mine.library, "low", "acme", START + 5 * DAY)
    assert found.verdict is None
    assert STALE in found.conclusion
    assert explain(mine.database, mine.library, "low", "acme", START + 3 * DAY).verdict is False


@pytest.mark.parametrize("text", ["3bd", "soon"])
def test_freshness_is_a_length_of_time(text: str) -> None:
    """Business days have none."""
    settings = Settings(sources={"usage": {"feeds": ["account.health"], "fresh_for": text}})
    with pytest.raises(ConfigError, match=r"sources\.usage\.fresh_for"):
        settings.catalogue()


def resting(mine: Company, **sources: Any) -> None:
    """Let the settings say this of the sources from the next tick on."""
    found = {name: SourceSettings.model_validate(each) for name, each in sources.items()}
    mine.library.settings = mine.library.settings.model_copy(update={"sources": found})
    mine.ticker.settings = mine.library.settings


def test_settings_go_live_at_one_instant(database: Engine, tmp_path: Path) -> None:
    """Freshness that ends a wait lets what was stale count from the instant after the tick that found it."""
    mine = made(database, tmp_path, LOW)
    mine.take(account(START + 4 * DAY, health=35))
    mine.tick(START + 6 * DAY)
    assert mine.runs() == []
    resting(mine, usage={"feeds": ["account.health"], "fresh_for": "30d"})
    mine.tick(START + 7 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 7 * DAY + TICK]


def test_settings_are_judged_where_they_matter_alone(database: Engine, tmp_path: Path) -> None:
    """A change of what no playbook reads looks at nobody; one of what is read, at everybody."""
    mine = made(database, tmp_path, LOW)
    resting(mine, usage={"feeds": ["account.health", "account.nps"], "fresh_for": "3d"})
    assert mine.tick(START + HOUR).accounts == 0
    resting(mine, usage={"feeds": ["account.health"], "fresh_for": "4d"})
    assert mine.tick(START + 2 * HOUR).accounts > 0


def test_shorter_freshness_makes_stale_at_once(database: Engine, tmp_path: Path) -> None:
    """An open run's step asks at its own time, and a value that has gone stale in between is no ground."""
    mine = made(database, tmp_path, LOW)
    mine.take(account(START + HOUR, health=35))
    mine.tick(START + 2 * HOUR)
    resting(mine, usage={"feeds": ["account.health"], "fresh_for": "1h"})
    mine.tick(START + 3 * HOUR)
    mine.take(feed("usage", START + 5 * DAY - HOUR))
    mine.tick(START + 6 * DAY)
    assert mine.steps()["late"].state == "skipped"


def test_explain_in_the_past_goes_by_the_settings_of_then(database: Engine, tmp_path: Path) -> None:
    """What is stale now was not while the settings said that it stays good for longer, and the reverse."""
    mine = made(database, tmp_path, LOW)
    mine.tick(START + 5 * DAY)
    resting(mine, usage={"feeds": ["account.health"], "fresh_for": "30d"})
    mine.tick(START + 6 * DAY)
    verdicts = {
        days: explain(mine.database, mine.library, "low", "acme", START + days * DAY).verdict
        for days in (2, 5, 7)
    }
    assert verdicts == {2: False, 5: None, 7: False}


NPS = """
playbook: unhappy
owner: cs
subject: account
when: {count: metric, where: {field: metric.value, below: 5}, at_least: 1}
steps: [{id: call, day: 0, task: {to: csm, title: Call}}]
"""
SUM = NPS.replace(
    "count: metric, where: {field: metric.value, below: 5}, at_least: 1", "sum: metric.value, below: 5"
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NPS, "metric value is below 5 is 0 to 1; metric value is stale since"),
        (SUM, "for metric value is stale since"),
    ],
)
def test_explain_says_what_of_a_count_is_stale(
    text: str, words: str, database: Engine, tmp_path: Path
) -> None:
    """Of the metrics that count; another whose source is silent too is not named."""
    sources = {
        "survey": {"feeds": ["metric.nps"], "fresh_for": "3d"},
        "usage": {"feeds": ["metric.logins"], "fresh_for": "1d"},
    }
    fields = {"metric.nps": {"type": "number"}, "metric.logins": {"type": "number"}}
    mine = company(database, tmp_path, (text,), sources=sources, fields=fields)
    mine.take(account(START - DAY, name="Acme"), entry(Kind.METRIC, "acme:nps", START - DAY, value=8))
    mine.take(feed("survey", START), feed("usage", START))
    mine.tick(START)
    mine.tick(START + 5 * DAY)
    found = explain(mine.database, mine.library, "unhappy", "acme", START + 5 * DAY)
    assert found.verdict is None
    assert words in found.conclusion
    assert "the source survey was last seen on 2026-03-02 12:00 UTC" in found.conclusion
    assert "usage" not in found.conclusion
