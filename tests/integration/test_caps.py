"""Caps at the claim: over all playbooks and deliverers, visible, and at a cost that no history raises."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, text

from connectors.outcome import Delivered, Failed, Retry, Unknown
from engine.outbox.caps import _who_is_ready, _who_left
from engine.outbox.deliver import deliver_batch
from engine.permit.arbiter import YIELDS
from engine.permit.suppression import suppress
from engine.runs.run import HOURS
from engine.state.database import writing
from engine.state.tables import Account, Contact, Outbox, Run
from tests.integration.outbox_book import (
    NOW,
    change,
    contact_row,
    outbox,
    outbox_row,
    run_row,
    seed,
    settings,
)
from tests.integration.test_delivery import Playing

DAY = timedelta(days=1)
ONE_A_DAY = {"caps": {"person": [{"max": 1, "per": "1d"}], "account": []}}


def play(
    database: Engine, *outcomes: Any, now: datetime = NOW, email: Any = ONE_A_DAY, limit: int = 100
) -> Any:
    """One pass over a connector that gives these answers; who was asked."""
    connector = Playing(list(outcomes or [Delivered("ok")]))
    chosen = settings(email=email)
    deliver_batch(database, {"email": connector}, chosen, now=now, owner="test", limit=limit)
    return connector.asked


def to_one_person(database: Engine, *priorities: int) -> list[str]:
    """Emails of several playbooks' priorities to one address, the earlier ones waiting longer."""
    ids = seed(database, len(priorities), recipient="kim@x.example", address="kim@x.example")
    for number, priority in enumerate(priorities):
        created = NOW - timedelta(hours=9 - number)
        change(database, Outbox, ids[number], priority=priority, created_at=created, playbook=f"p{number}")
    return ids


def test_cap_lets_the_most_important_go_and_puts_the_others_off(database: Engine) -> None:
    """With the reason, and to the instant at which the next may go."""
    first, second, third = to_one_person(database, 50, 90, 50)
    assert play(database) == [second]
    rows = outbox(database)
    assert (rows[first].state, rows[first].available_at) == ("scheduled", NOW + DAY)
    assert rows[first].waits_for == "the cap of 1 email to this person per 1d"
    assert rows[second].left_at == NOW
    assert play(database, now=NOW + DAY - timedelta(seconds=1)) == []
    assert play(database, now=NOW + DAY) == [first]
    assert play(database, now=NOW + 2 * DAY) == [third]
    assert outbox(database)[third].waits_for is None


def test_cap_lets_a_more_important_email_outside_the_handful_go_first(database: Engine) -> None:
    """A lane takes ten at most; the eleventh goes before them all when its playbook matters more."""
    ids = to_one_person(database, *[50] * 11, 90)
    assert play(database) == [ids[-1]]
    assert {outbox(database)[each].waits_for for each in ids[:10]} == {YIELDS}
    assert play(database, now=NOW + timedelta(minutes=1)) == []
    assert outbox(database)[ids[0]].available_at == NOW + DAY


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [(Delivered("ok"), True), (Unknown("cut"), True), (Failed("550"), False), (Retry("451"), False)],
)
def test_cap_counts_what_may_have_left(database: Engine, outcome: Any, counts: bool) -> None:
    """And not what the other side refused."""
    first, second = to_one_person(database, 90, 50)
    play(database, outcome)
    assert outbox(database)[first].left_at == (NOW if counts else None)
    assert outbox(database)[second].state == "scheduled"
    later = NOW + DAY
    change(database, Outbox, first, left_at=later - timedelta(hours=1) if counts else None, state="completed")
    assert play(database, now=later) == ([] if counts else [second])


def test_cap_counts_one_human_in_two_accounts_once(database: Engine) -> None:
    """By the address in the form in which it is compared."""
    first, second = to_one_person(database, 50, 50)
    with writing(database) as connection:
        connection.execute(insert(Account), [{"id": "a2", "name": "B"}])
    change(database, Outbox, second, account_id="a2")
    assert play(database) == [first]


def test_cap_of_an_account_counts_all_its_people(database: Engine) -> None:
    """Ten people, three emails a week."""
    ids = sorted(seed(database, 10))
    email = {"caps": {"person": [], "account": [{"max": 3, "per": "7d"}]}}
    assert sorted(play(database, email=email)) == ids[:3]
    rows = outbox(database)
    assert {rows[each].waits_for for each in ids[3:]} == {"the cap of 3 emails to this account per 7d"}
    assert {rows[each].available_at for each in ids[3:]} == {NOW + 7 * DAY}


def test_cap_puts_off_into_the_hours_of_the_recipient(database: Engine) -> None:
    """A window that opens on a Saturday morning means Monday."""
    _, second = to_one_person(database, 50, 50)
    friday = NOW + 4 * DAY
    play(database, now=friday)
    assert outbox(database)[second].available_at == datetime(2026, 3, 9, 8, tzinfo=UTC)


def test_transactional_email_passes_caps_and_hours_and_counts_for_nobody(database: Engine) -> None:
    """At night, and without keeping anything else back."""
    ids = to_one_person(database, 50, 50, 50)
    for each in ids[:2]:
        change(database, Outbox, each, topic="security")
    night = NOW + timedelta(hours=14)
    assert set(play(database, now=night)) == set(ids[:2])
    assert outbox(database)[ids[2]].waits_for == HOURS
    assert play(database, now=night + timedelta(hours=9)) == [ids[2]]


def test_transactional_email_is_stopped_by_a_suppressed_address(database: Engine) -> None:
    """An address that bounced takes nothing at all."""
    (only,) = seed(database, 1, topic="security")
    with writing(database) as connection:
        suppress(connection, "c0@x.example", "bounced", NOW)
    assert play(database) == []
    assert outbox(database)[only].error == "the address is suppressed"


@pytest.mark.parametrize(
    ("zones", "leaves"),
    [
        ((None, None), "2026-03-02T08:00"),
        (("America/New_York", None), "2026-03-02T13:00"),
        (("America/New_York", "Asia/Tokyo"), "2026-03-01T23:00"),
        (("America/New_York", "Mars/Olympus"), "2026-03-02T13:00"),
    ],
)
def test_email_leaves_on_a_business_morning_where_the_recipient_is(
    database: Engine, zones: tuple[str | None, str | None], leaves: str
) -> None:
    """The contact's zone before the account's before the settings'; what is claimed on a Saturday waits."""
    (only,) = seed(database)
    change(database, Account, "a1", timezone=zones[0])
    change(database, Contact, "c0", timezone=zones[1])
    saturday = datetime(2026, 2, 28, 12, tzinfo=UTC)
    change(database, Outbox, only, available_at=saturday)
    play(database, now=saturday)
    assert outbox(database)[only].available_at == datetime.fromisoformat(leaves).replace(tzinfo=UTC)


def test_two_deliverers_never_exceed_a_cap(postgresql_database: Engine) -> None:
    """Eight lanes of two deliverers, over emails that share people and accounts: never one too many."""
    chance = random.Random(7)
    rows, contacts = [], [contact_row(number) for number in range(12)]
    for number in range(240):
        person = chance.randrange(12)
        row = outbox_row(f"e{number:03}", person)
        row |= {
            "account_id": f"a{person % 3}",
            "run_id": f"r{person % 3}",
            "priority": chance.choice([10, 90]),
        }
        rows.append(row)
    with writing(postgresql_database) as connection:
        connection.execute(insert(Account), [{"id": f"a{each}", "name": "A"} for each in range(3)])
        runs = [run_row(f"r{each}") | {"account_id": f"a{each}"} for each in range(3)]
        connection.execute(insert(Run), runs)
        connection.execute(insert(Contact), contacts)
        connection.execute(insert(Outbox), rows)
    email = {"caps": {"person": [{"max": 2, "per": "1d"}], "account": [{"max": 7, "per": "7d"}]}}
    lanes = {"kind": "smtp", "host": "127.0.0.1", "port": 25, "security": "none", "concurrency": 4}
    chosen = settings(email=email, connectors={"email": lanes})
    both = [Playing([Delivered("ok")]) for _ in range(2)]
    for minute in range(4):
        at = NOW + timedelta(minutes=minute)
        with ThreadPoolExecutor(2) as pool:
            for found in [
                pool.submit(
                    deliver_batch, postgresql_database, {"email": each}, chosen, now=at, owner=f"d{index}"
                )
                for index, each in enumerate(both)
            ]:
                found.result()
    sent = [outbox(postgresql_database)[each] for one in both for each in one.asked]
    assert Counter(row.account_id for row in sent) == {"a0": 7, "a1": 7, "a2": 7}
    assert max(Counter(row.address for row in sent).values()) == 2
    assert all(row.priority == 90 for row in sent)


@pytest.mark.parametrize("is_analysed", [True, False])
@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (_who_left(("person",)), "ix_outbox_left_address"),
        (_who_left(("account",)), "ix_outbox_left_account"),
        (_who_is_ready(("person",)), "ix_outbox_open_address"),
        (_who_is_ready(("account",)), "ix_outbox_open_account"),
    ],
)
def test_caps_read_by_index_however_long_the_history(
    database: Engine, statement: Any, index: str, is_analysed: bool
) -> None:
    """Neither looks at what is over or for others, whether or not the database has counted its rows."""
    if database.dialect.name == "postgresql" and not is_analysed:
        pytest.skip("it counts by itself, and asks in vain before it has")
    rows = [
        outbox_row(f"old{each:05}", each % 40)
        | {"state": "completed", "left_at": NOW - timedelta(hours=each), "account_id": f"a{each % 30}"}
        | {"finished_at": NOW - timedelta(hours=each)}
        for each in range(4000)
    ]
    rows += [outbox_row(f"new{each:03}", each % 40) | {"account_id": f"a{each % 30}"} for each in range(200)]
    columns = sorted({name for row in rows for name in row})
    with writing(database) as connection:
        connection.execute(insert(Outbox), [{name: row.get(name) for name in columns} for row in rows])
        if is_analysed:
            connection.execute(text("ANALYZE"))
        values: dict[str, Any] = {"exempt": ["security"], "now": NOW, "connector": "email"}
        asked = range(1 if is_analysed else 10)
        values |= {
            "person": [f"c{each}@x.example" for each in asked],
            "account": [f"a{each}" for each in asked],
        }
        values |= {"person_most": 3, "account_most": 3}
        values |= {"person_since": NOW - DAY, "account_since": NOW - DAY}

    explain = "EXPLAIN QUERY PLAN " if database.dialect.name == "sqlite" else "EXPLAIN "
    event.listen(
        database, "before_cursor_execute", lambda *given: (explain + given[2], given[3]), retval=True
    )
    with database.connect() as connection:
        found: Any = connection.execute(statement, values)
        plan = "\n".join(str(row) for row in found.cursor.fetchall())
    assert index in plan, plan
