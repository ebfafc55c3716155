"""The RavenStack set through its mapping: the past as it was known, checked against the files themselves."""

import csv
import os
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from engine.conditions.catalogue import BUILT_IN, Kind
from engine.sources.importing import ImportReport, run_import
from engine.state.database import reading
from engine.state.history import values_at
from engine.state.migrate import migrated
from engine.state.tables import Source

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("TMINUS_RAVENSTACK", ROOT.parent / "shared" / "data" / "ravenstack"))
MAPPING = ROOT / "examples" / "ravenstack" / "mapping.yaml"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILES = ("accounts", "subscriptions", "churn_events", "supports_ticket", "feature_usage")

pytestmark = pytest.mark.skipif(
    not (FOLDER / "ravenstack_accounts.csv").exists(),
    reason=f"the RavenStack files are not in {FOLDER}; TMINUS_RAVENSTACK names their folder",
)

Row = dict[str, str]


def read_rows(name: str, folder: Path | None = None) -> list[Row]:
    """The rows of one file, by column."""
    file = (folder or FOLDER) / f"ravenstack_{name}.csv"
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def instant(cell: str) -> datetime:
    """A cell such as 27-07-2023 or 28-07-2023 03:00."""
    form = "%d-%m-%Y %H:%M" if " " in cell else "%d-%m-%Y"
    return datetime.strptime(cell, form).replace(tzinfo=UTC)


def anniversary(start: date, on_or_after: date) -> date:
    """The first anniversary of a start that is not before a date."""
    for year in range(start.year + 1, on_or_after.year + 2):
        last = 28 if (start.month, start.day) == (2, 29) and year % 4 else start.day
        if (found := date(year, start.month, last)) >= on_or_after:
            return found
    raise AssertionError("an anniversary comes within a year")


class Oracle:
    """What the files say was known of an account at an instant, computed without the importer."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, list[Row]]] = {name: defaultdict(list) for name in FILES}
        owners = {row["subscription_id"]: row["account_id"] for row in read_rows("subscriptions")}
        for name in FILES:
            for row in read_rows(name):
                account = row.get("account_id") or owners[row["subscription_id"]]
                self.rows[name][account].append(row)

    def live(self, account: str, at: datetime) -> list[Row]:
        """Subscriptions begun and not ended."""
        return [
            row
            for row in self.rows["subscriptions"][account]
            if instant(row["start_date"]) <= at and not (row["end_date"] and instant(row["end_date"]) <= at)
        ]

    def arr(self, account: str, at: datetime) -> Decimal | None:
        """The sum over live subscriptions that are no trials; missing before the first."""
        begun = [r for r in self.rows["subscriptions"][account] if instant(r["start_date"]) <= at]
        paid = [Decimal(row["arr_amount"]) for row in self.live(account, at) if row["is_trial"] == "FALSE"]
        return sum(paid, Decimal(0)) if begun else None

    def segment(self, account: str, at: datetime) -> str | None:
        """By ARR."""
        arr = self.arr(account, at)
        if arr is None:
            return None
        return "high_touch" if arr >= 100_000 else "low_touch" if arr >= 15_000 else "tech_touch"

    def renews_on(self, account: str, at: datetime) -> date | None:
        """The next anniversary of any live paid subscription, that day included."""
        found = [
            anniversary(instant(row["start_date"]).date(), at.date())
            for row in self.live(account, at)
            if row["is_trial"] == "FALSE"
        ]
        return min(found, default=None)

    def open_tickets(self, account: str, at: datetime) -> Decimal:
        """Submitted and not closed."""
        return Decimal(
            sum(
                instant(row["submitted_at"]) <= at < instant(row["closed_at"])
                for row in self.rows["supports_ticket"][account]
            )
        )

    def csat(self, account: str, at: datetime) -> Decimal | None:
        """The mean score of tickets closed within 90 days."""
        scores = [
            Decimal(row["satisfaction_score"])
            for row in self.rows["supports_ticket"][account]
            if row["satisfaction_score"] and at - timedelta(days=90) < instant(row["closed_at"]) <= at
        ]
        return round(sum(scores, Decimal(0)) / len(scores), 6) if scores else None

    def used(self, account: str, at: datetime) -> list[Row]:
        """Uses of days that are over."""
        day = timedelta(days=1)
        return [r for r in self.rows["feature_usage"][account] if instant(r["usage_date"]) + day <= at]

    def usage(self, account: str, at: datetime) -> Decimal | None:
        """The count of 30 days; missing before the first use."""
        used = self.used(account, at)
        recent = [row for row in used if instant(row["usage_date"]) > at - timedelta(days=30)]
        return Decimal(sum(int(row["usage_count"]) for row in recent)) if used else None

    def last_active_at(self, account: str, at: datetime) -> datetime | None:
        """The day of the newest use."""
        return max((instant(row["usage_date"]) for row in self.used(account, at)), default=None)

    def churned(self, account: str, at: datetime) -> bool:
        """Whether the account had churned and not come back."""
        turns = [
            (instant(row["churn_date"]), 1, row["is_reactivation"] == "FALSE")
            for row in self.rows["churn_events"][account]
        ]
        turns += [
            (instant(row["start_date"]), 0, False)
            for row in self.rows["subscriptions"][account]
            if row["is_trial"] == "FALSE"
        ]
        past = [turn for turn in turns if turn[0] <= at]
        newest = max((turn[:2] for turn in past), default=None)
        # Two churn rows of one day: the later in the file counts.
        return next((turn[2] for turn in reversed(past) if turn[:2] == newest), False)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, ImportReport]]:
    """The whole set in a database."""
    folder = tmp_path_factory.mktemp("ravenstack")
    engine = migrated(f"sqlite:///{folder}/tminus.db")
    report = run_import(engine, BUILT_IN, MAPPING, FOLDER, now=NOW, rejects=folder / "rejects.csv")
    yield engine, report
    engine.dispose()


def test_import_takes_every_row(imported: tuple[Engine, ImportReport]) -> None:
    """Nothing is rejected: what is untidy is dealt with by declaration."""
    _, report = imported
    assert report.bad_rows == ()
    assert (report.rows, report.events) == (33_100, 25_600)
    created = {kind.value: count.created for kind, count in report.kinds.items()}
    assert created == {"account": 500, "subscription": 5_000, "ticket": 2_000}


def test_import_invents_nothing(imported: tuple[Engine, ImportReport]) -> None:
    """What the set lacks stays missing."""
    engine, _ = imported
    with reading(engine) as connection:
        for column in ("health", "csm", "ae", "usage_limit", "timezone", "nps"):
            assert connection.scalar(text(f"SELECT count(*) FROM account WHERE {column} IS NOT NULL")) == 0
        assert connection.scalar(text("SELECT count(*) FROM contact")) == 0
        assert connection.scalar(text("SELECT count(*) FROM event WHERE name = 'login'")) == 0


def test_import_notes_how_fresh_the_source_is(imported: tuple[Engine, ImportReport]) -> None:
    """The watermark is the newest time in the files, not today."""
    engine, _ = imported
    with reading(engine) as connection:
        row = connection.execute(select(Source.name, Source.watermark, Source.rows, Source.rejected)).one()
    assert tuple(row) == ("ravenstack", datetime(2024, 12, 31, 19, tzinfo=UTC), 33_100, 0)


def test_state_of_any_past_instant_is_what_the_files_knew_then(
    imported: tuple[Engine, ImportReport],
) -> None:
    """Random accounts on random instants of both years, field by field."""
    engine, _ = imported
    oracle = Oracle()
    chance = random.Random(20240701)
    accounts = sorted(oracle.rows["accounts"])
    checked = 0
    with reading(engine) as connection:
        for _ in range(40):
            at = datetime(2023, 1, 10, tzinfo=UTC) + timedelta(hours=chance.randrange(720 * 24))
            chosen = chance.sample(accounts, 20)
            known = values_at(connection, BUILT_IN, Kind.ACCOUNT, chosen, at)
            for account in chosen:
                checked += account in known
                found = known.get(account, {})
                for field in ("arr", "segment", "renews_on", "csat", "usage", "last_active_at"):
                    expected = getattr(oracle, field)(account, at)
                    assert found.get(field) == expected, (account, at, field)
                assert found.get("open_tickets", Decimal(0)) == oracle.open_tickets(account, at)
                assert (found.get("stage") == "churned") == oracle.churned(account, at), (account, at)
    assert checked > 400


def truncated(rows: dict[str, list[Row]], at: datetime) -> dict[str, list[Row]]:
    """The files as an exporter would have written them at an instant."""
    kept: dict[str, list[Row]] = {name: [] for name in FILES}
    begins = {
        "accounts": "signup_date",
        "subscriptions": "start_date",
        "churn_events": "churn_date",
        "supports_ticket": "submitted_at",
        "feature_usage": "usage_date",
    }
    for name, column in begins.items():
        kept[name] = [dict(row) for row in rows[name] if instant(row[column]) <= at]
    for row in kept["subscriptions"]:
        if row["end_date"] and instant(row["end_date"]) > at:
            row.update(end_date="", churn_flag="FALSE")
    for row in kept["supports_ticket"]:
        if instant(row["closed_at"]) > at:
            row.update(closed_at="", satisfaction_score="", first_response_time_minutes="1")
    known = {row["subscription_id"] for row in kept["subscriptions"]}
    accounts = {row["account_id"] for row in kept["accounts"]}
    kept["feature_usage"] = [row for row in kept["feature_usage"] if row["subscription_id"] in known]
    kept["supports_ticket"] = [row for row in kept["supports_ticket"] if row["account_id"] in accounts]
    return kept


def write_rows(folder: Path, rows: dict[str, list[Row]]) -> None:
    """The rows as files with the headers of the originals."""
    folder.mkdir()
    for name in FILES:
        with (folder / f"ravenstack_{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(read_rows(name)[0]))
            writer.writeheader()
            writer.writerows(rows[name])


def test_import_lets_nothing_of_the_future_in(tmp_path: Path) -> None:
    """An export cut off at an instant gives the same state there as one that goes on for years.

    Rows that speak of what begins later, which only a made-up set has, are left out of both.
    """
    rows = subset(60)
    states = []
    at = datetime.combine(date(2024, 7, 1), time(0), UTC)
    for name, part in (("whole", rows), ("cut", truncated(rows, at))):
        write_rows(tmp_path / name, part)
        engine = migrated(f"sqlite:///{tmp_path}/{name}.db")
        rejects = tmp_path / "rejects.csv"
        report = run_import(engine, BUILT_IN, MAPPING, tmp_path / name, now=NOW, rejects=rejects)
        assert report.rejected == 0
        states.append(state(engine, rows, at))
        engine.dispose()
    assert states[0] == states[1]
    assert states[0]["subscription"]


def subset(size: int) -> dict[str, list[Row]]:
    """Some accounts with all that concerns them, but for uses and tickets from before their beginning."""
    rows = {name: read_rows(name) for name in FILES}
    rows["accounts"] = rows["accounts"][:size]
    since = {row["account_id"]: instant(row["signup_date"]) for row in rows["accounts"]}
    for name in ("subscriptions", "churn_events", "supports_ticket"):
        rows[name] = [row for row in rows[name] if row["account_id"] in since]
    begun = {row["subscription_id"]: instant(row["start_date"]) for row in rows["subscriptions"]}
    rows["supports_ticket"] = [
        row for row in rows["supports_ticket"] if instant(row["submitted_at"]) >= since[row["account_id"]]
    ]
    rows["feature_usage"] = [
        row
        for row in rows["feature_usage"]
        if row["subscription_id"] in begun and instant(row["usage_date"]) >= begun[row["subscription_id"]]
    ]
    return rows


def state(engine: Engine, rows: dict[str, list[Row]], at: datetime) -> dict[str, Any]:
    """Everything known at an instant, by kind and id."""
    ids = {
        Kind.ACCOUNT: [row["account_id"] for row in rows["accounts"]],
        Kind.SUBSCRIPTION: [row["subscription_id"] for row in rows["subscriptions"]],
        Kind.TICKET: [row["ticket_id"] for row in rows["supports_ticket"]],
    }
    with reading(engine) as connection:
        return {
            kind.value: values_at(connection, BUILT_IN, kind, members, at) for kind, members in ids.items()
        }
