"""An explanation of any past instant says what the engine decided there."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from engine.admit.silences import add_silence
from engine.clock.zones import format_instant
from engine.conditions.catalogue import Kind
from engine.explain import NothingToExplainError, explain
from engine.explanation.document import as_plain
from engine.rulefile.model import Missing
from engine.state import tables
from engine.state.database import writing
from tests.builders import SLIDE, START, Company, account, company, entry, happening
from tests.histories import DAY, HOUR, PLAYBOOKS, at_random, play, random_history, seeds
from tests.integration.outbox_book import outbox_row

INSTANT = timedelta(microseconds=1)


def told(mine: Company, name: str, subject: str, at: datetime) -> str:
    """The sentence that answers."""
    return explain(mine.database, mine.library, name, subject, at).conclusion


@pytest.fixture
def slid(database: Engine, tmp_path: Path) -> Company:
    """Healthy, then low after an hour, called after five, healthy again after ten."""
    mine = company(database, tmp_path)
    mine.take(account(START - 5 * DAY, name="Acme", csm="dana", health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, health=35))
    mine.tick(START + 2 * HOUR)
    mine.finish(START + 5 * HOUR, "reached")
    mine.tick(START + 5 * HOUR)
    mine.take(account(START + 10 * HOUR, health=60))
    mine.tick(START + DAY)
    return mine


@pytest.mark.parametrize(
    ("hours", "sentence"),
    [
        (-1, "The playbook was not live then; what follows is how its condition would have been judged."),
        (0, "It does not run: health is 70 (has not dropped below 40)."),
        (1, "It runs, since 2026-03-02T13:00:00Z: health is 35 (dropped below 40, recovers at 50)."),
        (4, "It runs, since 2026-03-02T13:00:00Z: health is 35 (dropped below 40, recovers at 50)."),
        (
            6,
            "It does not run now: it holds since 2026-03-02T13:00:00Z and has run for this stretch; "
            "it must resolve first.",
        ),
        (24, "It does not run: health is 60 (has not dropped below 40)."),
    ],
)
def test_explain_says_how_it_was_then(slid: Company, hours: int, sentence: str) -> None:
    """Each stage of one story, in one sentence, long after."""
    assert told(slid, "slide", "acme", START + hours * HOUR) == sentence


def test_explain_shows_nothing_of_what_came_later(slid: Company) -> None:
    """The run that was to end had not ended, and its decisions are not listed before they were made."""
    found = as_plain(explain(slid.database, slid.library, "slide", "acme", START + 2 * HOUR))
    (run,) = found["runs"]
    assert (run["ended_at"], run["outcome"]) == (None, None)
    assert [each["answer"] for each in found["decisions"]] == ["started", "task"]
    assert found["when"]["actual"] == "35"


@pytest.mark.parametrize("seed", seeds(80, 1, 20))
def test_explain_agrees_with_what_was_decided_at_every_opening_and_end(
    seed: int, sqlite_database: Engine, tmp_path: Path
) -> None:
    """At its opening an episode had its condition, at its end no longer."""
    mine = company(sqlite_database, tmp_path, PLAYBOOKS)
    history = random_history(seed, days=12)
    play(mine, history, at_random(seed, history, 5))
    live = {each.name: each for each in mine.library.rules.playbooks if each.when is not None}
    asked = 0
    for episode in mine.episodes():
        playbook = live.get(episode.playbook)
        if playbook is None or "@" in episode.key or episode.since == episode.resolved_at:
            continue
        asked += 1
        at = explain(sqlite_database, mine.library, playbook.name, episode.subject_id, episode.since)
        assert at.verdict is True
        if episode.resolved_at is not None:
            end = explain(
                sqlite_database, mine.library, playbook.name, episode.subject_id, episode.resolved_at
            )
            expected = (False, None) if playbook.on_missing is Missing.FALSE else (False,)
            assert end.verdict in expected or end.episodes[-1]["since"] == episode.resolved_at
    assert asked > 5


def test_explain_tells_late_data_only_from_when_it_was_known(database: Engine, tmp_path: Path) -> None:
    """What was so at nine but learned at eleven did not count at ten."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, recorded=START + 3 * HOUR, health=20))
    mine.tick(START + 3 * HOUR)
    at = [explain(database, mine.library, "slide", "acme", START + hours * HOUR) for hours in (2, 3)]
    assert [each.verdict for each in at] == [False, True]


def test_explain_names_the_unknown(database: Engine, tmp_path: Path) -> None:
    """A missing value is told as the reason."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, name="Acme"))
    mine.tick(START)
    assert (
        told(mine, "slide", "acme", START) == "It does not run: the answer is unknown, for health is missing."
    )


def test_explain_names_what_is_owed(database: Engine, tmp_path: Path) -> None:
    """A start that waits for a cooldown says so."""
    mine = company(database, tmp_path, [SLIDE.replace("steps:", "cooldown: 5d\nsteps:")])
    mine.take(account(START - DAY, health=70), account(START + HOUR, recorded=START - DAY, health=30))
    mine.tick(START)
    mine.tick(START + HOUR)
    mine.finish(START + 2 * HOUR, "silent")
    mine.tick(START + 2 * HOUR)
    mine.take(account(START + 3 * HOUR, health=60), account(START + 4 * HOUR, health=30))
    mine.tick(START + 5 * HOUR)
    assert told(mine, "slide", "acme", START + 5 * HOUR) == (
        "It holds since 2026-03-02T16:00:00Z; the start is owed: cooldown "
        "(cooling down until 2026-03-07 14:00 UTC)."
    )


def test_explain_says_what_a_message_waits_for(slid: Company) -> None:
    """From when it was made until it may leave: the cap or the hours, and the time."""
    (run,) = slid.runs()
    made, leaves = START + 2 * HOUR, START + DAY
    row = outbox_row("m1", 1) | {"run_id": run.id, "created_at": made, "available_at": leaves}
    gone = {"id": "m2", "state": "completed"}
    wait = {"state": "scheduled", "waits_for": "the cap of 1 email to this person per 1d"}
    with writing(slid.database) as connection:
        connection.execute(insert(tables.Outbox), [row | wait, row | wait | gone])
    waiting = [
        as_plain(explain(slid.database, slid.library, "slide", "acme", START + hours * HOUR))["waiting"]
        for hours in (1, 3, 24)
    ]
    assert waiting[0] == waiting[2] == []
    assert [(each["id"], each["waits_for"], each["available_at"]) for each in waiting[1]] == [
        ("m1", wait["waits_for"], format_instant(leaves))
    ]


def test_explain_says_when_a_stretch_is_kept_and_when_it_starts_again(
    database: Engine, tmp_path: Path
) -> None:
    """What has run and lasts, and what has ended and still counts."""
    keys = "repeat_every: 9d\nkeep_active_for: 2d\nsteps:"
    mine = company(database, tmp_path, [SLIDE.replace("steps:", keys)])
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + HOUR)
    mine.finish(START + 2 * HOUR, "silent")
    mine.tick(START + 2 * HOUR)
    assert told(mine, "slide", "acme", START + 3 * HOUR) == (
        "It does not run now: it holds since 2026-03-02T13:00:00Z and has run for this stretch; "
        "it starts again at 2026-03-11T13:00:00Z."
    )
    mine.take(account(START + DAY, health=70))
    mine.tick(START + DAY)
    assert told(mine, "slide", "acme", START + DAY) == (
        "It has not held since 2026-03-03T12:00:00Z, and still counts as the stretch that began at "
        "2026-03-02T13:00:00Z."
    )


def test_explain_names_who_silenced_an_account(database: Engine, tmp_path: Path) -> None:
    """A start that waits for the end of a silence says who asked for it and why."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70), account(START + HOUR, recorded=START - DAY, health=30))
    mine.tick(START)
    add_silence(database, "acme", playbook=None, at=START, until=START + DAY, by="max", why="merger")
    mine.tick(START + HOUR)
    assert told(mine, "slide", "acme", START + HOUR) == (
        "It holds since 2026-03-02T13:00:00Z; the start is owed: silenced "
        "(silenced by max until 2026-03-03 12:00 UTC: merger)."
    )


def stops(mine: Company, name: str, when: datetime) -> dict[str, bool]:
    """What is looked at after the condition, and whether it stands in the way."""
    found = explain(mine.database, mine.library, name, "acme", when)
    return {each.topic: each.stops for each in found.reasoning}


def test_explain_goes_through_everything_that_could_stand_in_the_way(
    database: Engine, tmp_path: Path
) -> None:
    """A run, its cooldown and a silence are in the way while they last, and are named while they are not."""
    mine = company(database, tmp_path, [SLIDE.replace("steps:", "cooldown: 5d\nsteps:")])
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    nothing = dict.fromkeys(("live", "open run", "cooldown", "silence", "mute", "guard"), False)
    assert stops(mine, "slide", START - DAY) == {**nothing, "live": True}
    assert stops(mine, "slide", START) == nothing
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + HOUR)
    assert stops(mine, "slide", START + HOUR) == {**nothing, "stretch": True, "open run": True}
    mine.finish(START + 2 * HOUR, "silent")
    mine.tick(START + 2 * HOUR)
    add_silence(database, "acme", playbook=None, at=START + DAY, until=START + 9 * DAY, by="max", why="talks")
    after = {**nothing, "stretch": True, "cooldown": True}
    assert stops(mine, "slide", START + 3 * HOUR) == after
    assert stops(mine, "slide", START + DAY) == {**after, "silence": True}
    assert stops(mine, "slide", START + 6 * DAY) == {**after, "cooldown": False, "silence": True}


@pytest.mark.parametrize(
    ("hours", "when", "words"),
    [
        (0, None, ""),
        (2, 6, "it has held for long enough"),
        (25, 144, "the cooldown is over"),
        (145, None, ""),
    ],
)
def test_explain_says_when_time_alone_changes_something(
    hours: int, when: int | None, words: str, database: Engine, tmp_path: Path
) -> None:
    """The nearest of what is still to come."""
    mine = company(database, tmp_path, [SLIDE.replace("steps:", "for: 5h\ncooldown: 5d\nsteps:")])
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + DAY)
    mine.finish(START + DAY, "silent")
    mine.tick(START + DAY)
    found = explain(database, mine.library, "slide", "acme", START + hours * HOUR).upcoming
    shown = None if found is None else (found.at, found.words)
    assert shown == (None if when is None else (START + when * HOUR, words))


def test_explain_finds_the_only_subject_of_an_account(database: Engine, tmp_path: Path) -> None:
    """An account's one contact may be named by the account; of several, one must be chosen."""
    mine = company(database, tmp_path, PLAYBOOKS)
    mine.take(account(START - DAY), entry(Kind.CONTACT, "kim", START - DAY, name="Kim"))
    mine.tick(START)
    assert explain(database, mine.library, "leaver", "acme", START).subject_id == "kim"
    assert explain(database, mine.library, "leaver", "kim", START).moments
    mine.take(entry(Kind.CONTACT, "lee", START + HOUR, name="Lee"), happening("login", START + HOUR))
    with pytest.raises(NothingToExplainError, match='account "acme" has several; name one of: kim, lee'):
        explain(database, mine.library, "leaver", "acme", START + DAY)


@pytest.mark.parametrize(
    ("name", "subject", "at", "message"),
    [
        ("slyde", "acme", START, 'there is no playbook "slyde" (did you mean "slide"?)'),
        ("thing", "acme", START, 'there is no playbook "thing"; known are: slide'),
        ("slide", "acne", START, 'there is no account "acne" (did you mean "acme", Acme?)'),
        ("slide", "ACME", START, 'there is no account "ACME" (did you mean "acme", Acme?)'),
        ("slide", "globex", START, 'there is no account "globex"'),
        ("slide", "%", START, 'there is no account "%"'),
        ("slide", "acme", START - 9 * DAY, "account acme was not known at 2026-02-21T12:00:00Z"),
    ],
)
def test_explain_says_what_it_does_not_know(
    slid: Company, name: str, subject: str, at: datetime, message: str
) -> None:
    """Which of the two names is wrong, and what there is."""
    with pytest.raises(NothingToExplainError) as error:
        explain(slid.database, slid.library, name, subject, at)
    assert str(error.value) == message


def test_explain_writes_nothing(slid: Company) -> None:
    """Asking is free."""
    before = slid.ledger(), len(slid.rows(tables.Tick))
    told(slid, "slide", "acme", START + HOUR + INSTANT)
    assert (slid.ledger(), len(slid.rows(tables.Tick))) == before


def test_explain_says_what_a_computed_health_is_made_of(database: Engine, tmp_path: Path) -> None:
    """As it was at the instant; nothing where a source gives it."""
    health = {
        "components": {
            "adoption": {"field": "account.adoption", "steps": {0: 0, 40: 50, 60: 100}},
            "open_tickets": {"field": "account.open_tickets", "steps": {0: 100, 3: 40}},
        },
        "weights": {"default": {"adoption": 75, "open_tickets": 25}},
    }
    mine = company(database, tmp_path, health=health)
    mine.take(account(START - DAY, adoption=65, open_tickets=0))
    mine.tick(START)
    mine.take(account(START + HOUR, adoption=12, open_tickets=4), account(START + 3 * HOUR, health=90))
    mine.tick(START + DAY)
    found = {
        hours: explain(mine.database, mine.library, "slide", "acme", START + hours * HOUR)
        for hours in (0, 2, 4)
    }
    shown = [None if each.health is None else each.health.words for each in found.values()]
    assert shown == [
        "health 100 = adoption 75 of 75 (65%), open tickets 25 of 25 (0)",
        "health 10 = adoption 0 of 75 (12%), open tickets 10 of 25 (4)",
        "",
    ]
    plain = as_plain(found[2])["health"]
    assert (plain["health"], plain["band"], plain["colour"]) == ("10", "emergency", "red")
    assert plain["parts"][1] == {
        "component": "open_tickets", "value": "4", "points": "40", "share": "25", "adds": "10"
    }  # fmt: skip
    expected = {"health": "90", "band": "healthy", "colour": "green", "parts": [], "stale": []}
    assert as_plain(found[4])["health"] == expected


def test_explain_of_a_band_says_what_the_health_is_made_of(sqlite_database: Engine, tmp_path: Path) -> None:
    """A playbook that asks about the band asks about the health."""
    banded = SLIDE.replace(
        "account.health, drops_below: 40, recovers_at: 50", "account.health_band, equals: critical"
    )
    one = {"components": {"adoption": {"field": "account.adoption", "steps": {0: 30}}}}
    mine = company(sqlite_database, tmp_path, (banded,), health=one)
    mine.take(account(START - DAY, adoption=65))
    mine.tick(START)
    found = explain(mine.database, mine.library, "slide", "acme", START).health
    assert found is not None
    assert found.words == "health 30 = adoption 30 of 100 (65%)"
