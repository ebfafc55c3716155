"""Intake: current rows, history, events, and what it asks to be looked at, on both databases."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from engine.conditions.catalogue import BUILT_IN, Catalogue, Field, FieldType, Kind, decode
from engine.state import tables
from engine.state.database import reading, writing
from engine.state.history import field_history, values_at
from engine.state.ingest import Entry, EventEntry, IngestReport, ingest
from engine.state.migrate import migrated

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
CATALOGUE = BUILT_IN.extended([Field(Kind.ACCOUNT, "region", FieldType.TEXT, is_custom=True)])


def day(number: float) -> datetime:
    """Some days after the start."""
    return START + timedelta(days=number)


def account(at: float, account_id: str = "A1", recorded: float | None = None, **values: Any) -> Entry:
    """An entry about an account; recorded when effective unless said otherwise."""
    known = day(at if recorded is None else recorded)
    return Entry(Kind.ACCOUNT, account_id, account_id, values, day(at), known)


def contact(at: float, contact_id: str, account_id: str = "A1", **values: Any) -> Entry:
    """An entry about a contact."""
    return Entry(Kind.CONTACT, contact_id, account_id, values, day(at), day(at))


def login(event_id: str, at: float, account_id: str = "A1", **more: Any) -> EventEntry:
    """A login event, recorded when it happened."""
    return EventEntry(event_id, account_id, "login", day(at), more.pop("recorded_at", day(at)), **more)


def take(
    database: Engine, *entries: Entry, events: Sequence[EventEntry] = (), catalogue: Catalogue = CATALOGUE
) -> IngestReport:
    """Ingest from a source called test."""
    return ingest(database, catalogue, entries, events, source="test")


def rows(database: Engine, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    """Chosen columns of every row, in the order of the primary key."""
    columns_ = [table.__table__.c[name] for name in columns]
    with reading(database) as connection:
        query = select(*columns_).order_by(*table.__table__.primary_key.columns)
        return [tuple(row) for row in connection.execute(query)]


def watch(database: Engine, account_id: str = "A1") -> tuple[int, datetime | None]:
    """Revision and due time of an account."""
    found = {row[0]: row[1:] for row in rows(database, tables.Watch, "account_id", "revision", "due_at")}
    return found[account_id]  # type: ignore[return-value]


def test_ingest_creates_an_account_with_its_history(database: Engine) -> None:
    """Creation is a change of `exists`, then one of each field given, all at the same times."""
    report = take(database, account(0, name="Acme", health=Decimal("71.5"), renews_on=date(2026, 5, 1)))
    assert (report.created, report.changed, report.unchanged, report.changes) == (1, 0, 0, 4)
    assert report.accounts == {"A1"}
    assert rows(database, tables.Account, "id", "name", "health", "renews_on", "arr") == [
        ("A1", "Acme", Decimal("71.5"), date(2026, 5, 1), None)
    ]
    assert rows(database, tables.Change, "field", "old", "new", "applies_at", "superseded", "source") == [
        ("exists", None, "true", day(0), False, "test"),
        ("name", None, "Acme", day(0), False, "test"),
        ("health", None, "71.5", day(0), False, "test"),
        ("renews_on", None, "2026-05-01", day(0), False, "test"),
    ]


def test_ingest_of_the_same_twice_writes_nothing(database: Engine) -> None:
    """The second time every entry is unchanged, every event known, and nothing is due anew."""
    entries = [account(0, name="Acme", health=Decimal(50)), contact(1, "C1", email="a@acme.example")]
    take(database, *entries, events=[login("E1", 1)])
    before = watch(database)
    report = take(database, *entries, events=[login("E1", 1)])
    assert (report.created, report.changed, report.unchanged, report.changes) == (0, 0, 2, 0)
    assert (report.events, report.repeated, report.accounts) == (0, 1, frozenset())
    assert watch(database) == before


def test_ingest_of_the_same_history_twice_writes_nothing(database: Engine) -> None:
    """A backfill of several values per field, corrections within it included, is known the second time."""
    entries = [account(each, health=Decimal(50 - each)) for each in (0, 3, 1, 2)]
    entries += [account(3, health=Decimal(99)), account(3, health=Decimal(47))]
    assert take(database, *entries).changes == 5
    assert take(database, *entries).changes == 0


def test_ingest_tells_old_from_new(database: Engine) -> None:
    """A change knows the value before it, across intakes and within one."""
    take(database, account(0, health=Decimal(45)))
    report = take(database, account(2, health=Decimal(44)), account(1, health=Decimal(35)))
    assert (report.created, report.changed, report.changes) == (0, 1, 2)
    assert [row for row in rows(database, tables.Change, "field", "old", "new") if row[0] == "health"] == [
        ("health", None, "45"),
        ("health", "45", "35"),
        ("health", "35", "44"),
    ]


def test_ingest_sets_a_field_to_missing(database: Engine) -> None:
    """None is a change to missing; a field left out is not spoken of."""
    take(database, account(0, name="Acme", csm="kim"))
    take(database, account(1, csm=None))
    assert rows(database, tables.Account, "name", "csm") == [("Acme", None)]
    assert rows(database, tables.Change, "field", "old", "new")[-1] == ("csm", "kim", None)


def test_ingest_supersedes_what_comes_late(database: Engine) -> None:
    """An older value learned later stays in history and moves nothing."""
    take(database, account(0, health=Decimal(45)), account(5, health=Decimal(35)))
    take(database, account(3, health=Decimal(38), recorded=7))
    assert rows(database, tables.Account, "health") == [(Decimal(35),)]
    late = rows(database, tables.Change, "old", "new", "applies_at", "superseded")[-1]
    assert late == ("45", "38", day(7), True)


def test_ingest_repairs_what_a_backfill_precedes(database: Engine) -> None:
    """A value inserted into the past becomes the `old` of the one after it."""
    take(database, account(0, health=Decimal(45)), account(5, health=Decimal(35)))
    take(database, account(3, health=Decimal(38)))
    changes = rows(database, tables.Change, "field", "old", "new", "superseded")
    assert changes[1:] == [
        ("health", None, "45", False),
        ("health", "38", "35", False),
        ("health", "45", "38", False),
    ]
    assert rows(database, tables.Account, "health") == [(Decimal(35),)]


def test_ingest_keeps_the_value_after_future_changes_in_the_row(database: Engine) -> None:
    """The row holds what every stored change leads to; readers undo what is not yet so."""
    take(database, account(0, plan="Basic"), account(90, plan="Pro", recorded=0))
    assert rows(database, tables.Account, "plan") == [("Pro",)]
    with reading(database) as connection:
        assert values_at(connection, CATALOGUE, Kind.ACCOUNT, ["A1"], day(10))["A1"]["plan"] == "Basic"


def test_ingest_keeps_custom_fields_in_text(database: Engine) -> None:
    """A company's own fields live in one column and have history like any other."""
    take(database, account(0, region="EMEA"))
    take(database, account(1, region="APAC"))
    assert rows(database, tables.Account, "custom") == [({"region": "APAC"},)]
    take(database, account(2, region=None))
    assert rows(database, tables.Account, "custom") == [(None,)]
    assert rows(database, tables.Change, "field", "old", "new")[-1] == ("region", "APAC", None)


def test_ingest_takes_metrics(database: Engine) -> None:
    """A metric is named after its account and holds one number."""
    entry = Entry(Kind.METRIC, "A1:exports", "A1", {"value": Decimal("12.25")}, day(0), day(0))
    take(database, account(0), entry)
    columns = ("id", "account_id", "name", "value")
    assert rows(database, tables.Metric, *columns) == [("A1:exports", "A1", "exports", Decimal("12.25"))]


@pytest.mark.parametrize("kind", [Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET])
def test_ingest_takes_children_in_any_order(database: Engine, kind: Kind) -> None:
    """A child may stand before its account in the input."""
    report = take(database, Entry(kind, "X1", "A1", {}, day(0), day(0)), account(0))
    assert (report.created, report.rejected) == (2, ())
    assert report.kinds[kind].created == 1


def test_ingest_counts_an_intake_once_and_makes_it_due(database: Engine) -> None:
    """One revision per intake that says something new; due from the earliest it applies."""
    take(database, account(3, name="Acme"), account(2, country="DE"), contact(5, "C1"))
    assert watch(database) == (1, day(2))
    take(database, account(4, name="Acme 2"))
    assert watch(database) == (2, day(2))
    take(database, account(1, plan="Pro"))
    assert watch(database) == (3, day(1))
    revisions = {row[0] for row in rows(database, tables.Change, "revision")}
    assert revisions == {1, 2, 3}


def test_ingest_asks_again_for_an_account_that_was_not_due(database: Engine) -> None:
    """An account whose due time was cleared gets one."""
    take(database, account(0))
    with writing(database) as connection:
        connection.execute(text("UPDATE watch SET due_at = NULL"))
    take(database, events=[login("E1", 4)])
    assert watch(database) == (2, day(4))


def test_ingest_takes_events_once(database: Engine) -> None:
    """The source's id makes an event idempotent, within one intake too."""
    take(database, account(0), events=[login("E1", 1), login("E1", 2), login("E2", 1, recorded_at=day(3))])
    columns = ("id", "name", "occurred_at", "applies_at", "revision", "subject_id", "properties")
    assert rows(database, tables.Event, *columns) == [
        ("E1", "login", day(1), day(1), 1, None, None),
        ("E2", "login", day(1), day(3), 1, None, None),
    ]


def test_ingest_keeps_what_an_event_carries(database: Engine) -> None:
    """Subject and properties are stored as given."""
    event = login("E1", 1, subject_id="C1", properties={"device": "phone", "times": 2})
    take(database, account(0), events=[event])
    assert rows(database, tables.Event, "subject_id", "properties") == [
        ("C1", {"device": "phone", "times": 2})
    ]


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - the mistake under test

REJECTED: list[tuple[Entry, str]] = [
    (contact(0, "C9", "A9"), 'there is no account "A9"'),
    (contact(0, "C1", "A2", name="x"), 'contact "C1" belongs to account "A1"'),
    (
        account(0, zqzqzqzqzqzqzqzqzqzqzqzqzqzqzq=Decimal(1)),
        'unknown field "account.zqzqzqzqzqzqzqzqzqzqzqzqzqzqzq"',
    ),
    (account(0, helth=Decimal(1)), 'unknown field "account.helth" (did you mean "account.health"?)'),
    (account(0, health="40"), "account.health: '40' is not a number"),
    (account(0, health=Decimal("NaN")), "account.health: NaN is not a number below 1,000,000,000,000"),
    (account(0, arr=Decimal(10) ** 12), "account.arr: 1000000000000 is not a number below 1,000,000,000,000"),
    (account(0, strategic="yes"), "account.strategic: 'yes' is neither true nor false"),
    (account(0, stage="asleep"), "account.stage: 'asleep' is not one of trial, onboarding, active, churned"),
    (account(0, renews_on="2026-01-01"), "account.renews_on: '2026-01-01' is not a date"),
    (
        account(0, renews_on=date(9999, 12, 31)),
        "account.renews_on: 9999-12-31 is outside the years 1900 to 2999",
    ),
    (
        account(0, last_touch_at=date(2026, 1, 1)),
        "account.last_touch_at: datetime.date(2026, 1, 1) is not an instant",
    ),
    (account(0, last_touch_at=NAIVE), "account.last_touch_at: 2026-01-01 00:00:00 has no time zone"),
    (
        account(0, timezone="Mars/Base"),
        "account.timezone: 'Mars/Base' is not a time zone; use an IANA name such as Europe/Berlin",
    ),
    (account(0, name="a\x00b"), "account.name: the text contains a NUL character"),
    (account(0, name="\ud800"), "account.name: the text contains half a character (a lone surrogate)"),
    (account(0, name="x" * 10_001), "account.name: the text has 10001 characters; at most 10000 are allowed"),
    (account(0, csm="x" * 201), "account.csm: the text has 201 characters; at most 200 are allowed"),
    (account(0, account_id=""), "the account id is missing"),
    (account(0, account_id="A\n1"), "the account id 'A\\n1' contains a control character"),
    (account(0, account_id="A" * 201), "the account id has 201 characters; at most 200 are allowed"),
    (contact(0, " "), "the id is missing"),
    (Entry(Kind.ACCOUNT, "A2", "A1", {}, day(0), day(0)), 'the id of an account is its account id, "A1"'),
    (Entry(Kind.METRIC, "exports", "A1", {}, day(0), day(0)), 'the id of a metric is "A1:" and its name'),
    (
        Entry(Kind.METRIC, "A1:x", "A1", {"sum": Decimal(1)}, day(0), day(0)),
        'a metric has only "value", not "sum"',
    ),
    (Entry(Kind.ACCOUNT, "A1", "A1", {}, NAIVE, day(0)), "the effective time has no time zone"),
    (
        Entry(Kind.ACCOUNT, "A1", "A1", {}, datetime(1, 1, 1, tzinfo=UTC), day(0)),
        "the effective time lies in the year 1; years from 1900 to 2999 are accepted",
    ),
]


@pytest.mark.parametrize(("entry", "reason"), REJECTED, ids=[reason for _, reason in REJECTED])
def test_ingest_rejects_one_entry_and_takes_the_rest(
    sqlite_database: Engine, entry: Entry, reason: str
) -> None:
    """The reason is returned with the entry's place; what stands around it is stored."""
    take(sqlite_database, account(0), account(0, "A2"), contact(0, "C1"))
    report = take(sqlite_database, account(1, name="before"), entry, contact(1, "C2"))
    assert [(each.of, each.index, each.reason) for each in report.rejected] == [("entry", 1, reason)]
    assert ("A1", "before") in rows(sqlite_database, tables.Account, "id", "name")
    assert rows(sqlite_database, tables.Contact, "id") == [("C1",), ("C2",)]


def test_ingest_rejects_a_child_claimed_twice_in_one_intake(database: Engine) -> None:
    """The first account in order keeps it."""
    report = take(database, account(0), account(0, "A2"), contact(0, "C1", "A2"), contact(0, "C1", "A1"))
    assert [(each.index, each.reason) for each in report.rejected] == [
        (2, 'contact "C1" belongs to account "A1"')
    ]


def test_ingest_rejects_events_of_unknown_accounts(database: Engine) -> None:
    """And leaves no trace of the account."""
    report = take(database, account(0), events=[login("E1", 1, "A9"), login("", 1), login("E2", 1)])
    assert [(each.of, each.index, each.reason) for each in report.rejected] == [
        ("event", 0, 'there is no account "A9"'),
        ("event", 1, "the id is missing"),
    ]
    assert rows(database, tables.Event, "id") == [("E2",)]
    assert rows(database, tables.Watch, "account_id") == [("A1",)]


def nested(levels: int) -> dict[str, Any]:
    """Properties with so many levels of lists in them."""
    found: Any = 1
    for _ in range(levels):
        found = [found]
    return {"n": found}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (
            {"n": float("nan")},
            "the properties are not JSON: they hold a number that is not finite",
        ),
        ({"n": Decimal(1)}, "the properties are not JSON: Object of type Decimal is not JSON serializable"),
        ({"n": "x" * 10_000}, "the properties have 10009 characters; at most 10000 are allowed"),
        (nested(33), "the properties lie deeper within one another than 32 levels"),
        (nested(100_000), "the properties lie deeper within one another than 32 levels"),
    ],
)
def test_ingest_rejects_properties_that_are_not_json(
    sqlite_database: Engine, properties: dict[str, Any], reason: str
) -> None:
    """One event is refused, not the intake."""
    events = [login("E1", 1, properties=properties), login("E2", 1)]
    report = take(sqlite_database, account(0), events=events)
    assert [(each.index, each.reason) for each in report.rejected] == [(0, reason)]
    assert report.events == 1


def test_ingest_tries_again_when_another_writer_was_first(postgresql_database: Engine) -> None:
    """Two intakes claim one contact at once: the second finds it taken, and reports that."""
    take(postgresql_database, account(0), account(0, "A2"))
    with ThreadPoolExecutor(1) as pool, postgresql_database.begin() as first:
        first.execute(text("INSERT INTO contact (id, account_id) VALUES ('C1', 'A1')"))
        second = pool.submit(take, postgresql_database, contact(1, "C1", "A2"), contact(1, "C2", "A2"))
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with postgresql_database.connect() as watcher:
            while not watcher.scalar(waiting) and not second.done():
                watcher.rollback()
        first.commit()
        report = second.result(timeout=30)
    assert [each.reason for each in report.rejected] == ['contact "C1" belongs to account "A1"']
    assert rows(postgresql_database, tables.Contact, "id", "account_id") == [("C1", "A1"), ("C2", "A2")]


def test_ingest_rounds_to_six_places(database: Engine) -> None:
    """What the database keeps is what history says, so the same number again is no change."""
    entry = account(0, health=Decimal("33.33333333333"))
    take(database, entry)
    assert rows(database, tables.Change, "new")[1] == ("33.333333",)
    assert take(database, entry).changes == 0


def test_ingest_takes_more_accounts_than_one_transaction(database: Engine) -> None:
    """Batches and chunked queries meet without a gap."""
    names = [f"A{each:04}" for each in range(1_203)]
    report = take(database, *(account(0, each, name=each) for each in names))
    assert (report.created, report.changes) == (1_203, 2_406)
    assert take(database, *(account(1, each, name=each) for each in names)).changes == 0


def test_ingest_from_several_threads_loses_nothing(database: Engine) -> None:
    """The account's row is locked, so that revisions count every intake."""
    take(database, account(0), account(0, "A2"))

    def post(number: int) -> IngestReport:
        events = [login(f"E{number}", 1), login(f"F{number}", 1, "A2")]
        return take(database, events=events if number % 2 else list(reversed(events)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(post, range(12)))
    assert watch(database)[0] == watch(database, "A2")[0] == 13
    assert len(rows(database, tables.Event, "id")) == 24


def test_ingest_writes_the_same_on_both_databases(
    sqlite_database: Engine, postgresql_database: Engine
) -> None:
    """Row for row, ids included."""
    entries = [
        account(0, "b", name="Ünï", arr=Decimal("10.5"), strategic=True),
        account(0, "B", name="upper"),
        contact(1, "C1", "b", email="x@example.com"),
        account(3, "b", arr=Decimal(11)),
        account(2, "b", arr=Decimal(9)),
    ]
    found = []
    for database in (sqlite_database, postgresql_database):
        take(database, *entries, events=[login("E1", 1, "b")])
        take(database, account(1, "b", arr=Decimal(7)))
        columns = tables.Change.__table__.columns.keys()
        found.append((rows(database, tables.Change, *columns), rows(database, tables.Account, "id", "name")))
    assert found[0] == found[1]


entries_ = st.lists(
    st.builds(
        account,
        st.integers(0, 5),
        recorded=st.one_of(st.none(), st.integers(0, 7)),
        health=st.sampled_from([Decimal(30), Decimal(45), None]),
        plan=st.sampled_from(["Basic", "Pro"]),
    ),
    min_size=1,
    max_size=5,
)


@given(st.lists(entries_, min_size=1, max_size=4))
@settings(max_examples=30)
def test_undoing_changes_gives_the_state_at_any_instant(intakes: list[list[Entry]]) -> None:
    """From the current row backwards as from the beginning forwards."""
    database = migrated("sqlite://")
    for each in intakes:
        take(database, *each)
    with reading(database) as connection:
        row = dict(connection.execute(select(tables.Account.__table__)).mappings().one())
        changes = connection.execute(
            text(
                "SELECT field, old, applies_at, superseded FROM change "
                "ORDER BY applies_at DESC, effective_at DESC, id DESC"
            ).columns(applies_at=tables.Change.__table__.c.applies_at.type)
        ).all()
        undone = list(changes)
        for number in range(8, -2, -1):
            while undone and undone[0].applies_at > day(number):
                change = undone.pop(0)
                if not change.superseded and change.field != "exists":
                    row[change.field] = decode(CATALOGUE.get(f"account.{change.field}").type, change.old)
            known = values_at(connection, CATALOGUE, Kind.ACCOUNT, ["A1"], day(number)).get("A1", {})
            assert (row["health"], row["plan"]) == (known.get("health"), known.get("plan"))
    database.dispose()


def test_values_at_forgets_what_is_not_yet_known(database: Engine) -> None:
    """Neither a later value, nor one learned later, nor a subject created later."""
    take(database, account(1, health=Decimal(45)), account(3, health=Decimal(35)), contact(4, "C1"))
    take(database, account(2, health=Decimal(50), recorded=6))
    with reading(database) as connection:
        assert values_at(connection, CATALOGUE, Kind.ACCOUNT, ["A1", "A2"], day(0)) == {}
        early = values_at(connection, CATALOGUE, Kind.ACCOUNT, ["A1"], day(2))
        assert early["A1"]["health"] == Decimal(45)
        assert values_at(connection, CATALOGUE, Kind.CONTACT, ["C1"], day(3)) == {}
        assert "C1" in values_at(connection, CATALOGUE, Kind.CONTACT, ["C1"], day(4))


def test_field_history_holds_late_values_in_effective_order(database: Engine) -> None:
    """What thresholds with recovery read."""
    take(database, account(1, health=Decimal(45)), account(3, health=Decimal(35)))
    take(database, account(2, health=Decimal(50), recorded=6))
    field = CATALOGUE.get("account.health")
    with reading(database) as connection:
        known = field_history(connection, Kind.ACCOUNT, ["A1"], field, day(5))
        later = field_history(connection, Kind.ACCOUNT, ["A1"], field, day(6))
    assert known == {"A1": [(day(1), day(1), Decimal(45)), (day(3), day(3), Decimal(35))]}
    assert later["A1"][1] == (day(2), day(6), Decimal(50))


def test_ingest_lets_an_account_exist_from_its_first_mention(database: Engine) -> None:
    """An event or a part from before its own beginning moves that beginning; nothing else does."""
    take(database, account(5, name="Acme"))
    report = take(database, contact(3, "C1"), events=[login("E1", 2), login("E2", 1, recorded_at=day(9))])
    assert (report.created, report.unchanged, report.changed) == (1, 0, 0)
    exists = rows(database, tables.Change, "subject_id", "field", "applies_at", "superseded")
    assert ("A1", "exists", day(2), False) in exists
    with reading(database) as connection:
        assert values_at(connection, CATALOGUE, Kind.ACCOUNT, ["A1"], day(1)) == {}
        assert values_at(connection, CATALOGUE, Kind.ACCOUNT, ["A1"], day(2)) == {"A1": {}}
