"""Imports from end to end: files and a mapping in, accounts, history, events and rejects out."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from engine.cli.main import app
from engine.conditions.catalogue import BUILT_IN, Kind
from engine.sources.importing import ImportReport, run_import
from engine.state.database import reading
from engine.state.history import values_at
from engine.state.migrate import migrated
from engine.state.sources import list_sources

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)

ACCOUNTS = """\
source: crm
files:
  - file: accounts.csv
    rows: account
    id: id
    says: [{set: {name: name, arr: arr}}]
"""


class Place:
    """A folder of files, a mapping and a database to import them into."""

    def __init__(self, root: Path, database: Engine) -> None:
        self.root = root
        self.database = database
        self.source = root / "source"
        self.source.mkdir()
        self.rejects = root / "rejects" / "rows.csv"

    def write(self, mapping: str = "", **files: str | bytes) -> None:
        """Write the mapping and files such as `accounts` for accounts.csv."""
        if mapping:
            (self.root / "m.yaml").write_text(mapping, encoding="utf-8")
        for name, content in files.items():
            raw = content if isinstance(content, bytes) else content.encode()
            (self.source / f"{name}.csv").write_bytes(raw)

    def run(self, now: datetime = NOW) -> ImportReport:
        """Import."""
        return run_import(
            self.database, BUILT_IN, self.root / "m.yaml", self.source, now=now, rejects=self.rejects
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        with reading(self.database) as connection:
            return [tuple(row) for row in connection.execute(text(sql))]


@pytest.fixture
def place(tmp_path: Path, database: Engine) -> Place:
    """On either database."""
    return Place(tmp_path, database)


@pytest.fixture
def here(tmp_path: Path, sqlite_database: Engine) -> Place:
    """On SQLite, for what does not depend on the database."""
    return Place(tmp_path, sqlite_database)


def test_import_of_the_same_files_twice_changes_nothing(place: Place) -> None:
    """Not even on another day."""
    place.write(ACCOUNTS, accounts="id,name,arr\nA1,Acme,10\nA2,Bolt,\n")
    first = place.run()
    assert (first.kinds[Kind.ACCOUNT].created, first.changes, first.rejected) == (2, 5, 0)
    again = place.run(NOW + timedelta(days=1))
    assert (again.kinds[Kind.ACCOUNT].unchanged, again.changes, again.accounts) == (2, 0, frozenset())
    assert place.query("SELECT account_id, revision FROM watch ORDER BY account_id") == [
        ("A1", 1),
        ("A2", 1),
        ("source:crm", 2),
    ]


def test_import_writes_history_for_what_changed(place: Place) -> None:
    """One change, from the old value to the new one, at the time of the import."""
    place.write(ACCOUNTS, accounts="id,name,arr\nA1,Acme,10\nA2,Bolt,7\n")
    place.run()
    place.write(accounts="id,name,arr\nA1,Acme,12.5\nA2,Bolt,7\n")
    later = NOW + timedelta(days=1)
    report = place.run(later)
    assert (report.kinds[Kind.ACCOUNT].changed, report.accounts) == (1, {"A1"})
    found = place.query(
        "SELECT subject_id, field, old, new, source FROM change WHERE kind = 'account' "
        "ORDER BY id DESC LIMIT 1"
    )
    assert found == [("A1", "arr", "10", "12.5", "crm")]
    with reading(place.database) as connection:
        before = values_at(connection, BUILT_IN, Kind.ACCOUNT, ["A1"], later - timedelta(seconds=1))
    assert before["A1"]["arr"] == 10


def test_import_notes_the_source(place: Place) -> None:
    """When it was read, how far it reaches, and what it held."""
    mapping = ACCOUNTS.replace("says: [{", "says: [{at: since, ")
    place.write(mapping, accounts="id,name,arr,since\nA1,Acme,1,2026-01-20\nA2,,x,2026-01-21\n")
    place.run()
    place.write(accounts="id,name,arr,since\nA1,Acme,1,2026-01-10\n")
    place.run(NOW + timedelta(days=1))
    (noted,) = list_sources(place.database)
    assert (noted.name, noted.rows, noted.rejected) == ("crm", 1, 0)
    assert noted.watermark == datetime(2026, 1, 20, tzinfo=UTC)
    assert noted.last_sync_at == NOW + timedelta(days=1)


def test_import_takes_times_from_a_column(here: Place) -> None:
    """Effective when the file says, recorded when imported; in a backfill, recorded when effective."""
    mapping = ACCOUNTS.replace("says: [{", "says: [{at: since, ")
    here.write(mapping, accounts="id,name,arr,since\nA1,Acme,1,2025-06-01\n")
    here.run()
    assert here.query("SELECT DISTINCT effective_at, recorded_at FROM change WHERE kind = 'account'") == [
        ("2025-06-01 00:00:00.000000", "2026-01-31 09:00:00.000000")
    ]
    here.write("backfill: true\n" + mapping, accounts="id,name,arr,since\nA2,Bolt,1,2025-06-01\n")
    here.run()
    assert here.query("SELECT DISTINCT effective_at, recorded_at FROM change WHERE account_id = 'A2'") == [
        ("2025-06-01 00:00:00.000000", "2025-06-01 00:00:00.000000")
    ]


@pytest.mark.parametrize(
    ("repeated", "rows", "names", "reasons"),
    [
        ("reject", "A1,one\nA1,two", ["one"], ['"A1" is already on line 2']),
        ("same", "A1,one\nA1,one", ["one"], []),
        ("same", "A1,one\nA1,two", ["one"], ['"A1" is already on line 2']),
        ("first", "A1,one\nA1,two", ["one"], []),
        ("last", "A1,one\nA1,two\nA1,three", ["three"], []),
        ("suffix", "A1,one\nA1,two\nA1,three", ["one", "two", "three"], []),
        ("history", "A1,one\nA1,two", ["two"], []),
    ],
)
def test_import_treats_repeated_ids_as_declared(
    here: Place, repeated: str, rows: str, names: list[str], reasons: list[str]
) -> None:
    """And the same way each time."""
    mapping = ACCOUNTS.replace("says:", f"repeated: {repeated}\n    says:").replace(", arr: arr", "")
    here.write(mapping, accounts=f"id,name\n{rows}\n")
    report = here.run()
    assert [each.reason for each in report.bad_rows] == reasons
    assert [row[0] for row in here.query("SELECT name FROM account ORDER BY id")] == names
    assert here.run(NOW + timedelta(days=1)).changes == 0


def test_import_rejects_a_bad_row_without_marking_its_id_as_seen(here: Place) -> None:
    """The good row of the same id that follows is taken."""
    here.write(ACCOUNTS, accounts="id,name,arr\nA1,Acme,lots\nA1,Acme,5\n")
    assert [str(each) for each in here.run().bad_rows] == ["accounts.csv:2: arr: 'lots' is not a number"]
    assert here.query("SELECT id FROM account") == [("A1",)]


def test_import_writes_rejected_rows_to_a_file(here: Place) -> None:
    """Beside the source, never in it; a clean import leaves none behind."""
    here.write(ACCOUNTS, accounts='id,name,arr\nA1,"Acme, Ltd",lots\n,x,1\n')
    report = here.run()
    assert report.rejects == here.rejects
    assert here.rejects.read_text(encoding="utf-8").splitlines() == [
        "file,line,column,reason,row",
        'accounts.csv,2,arr,\'lots\' is not a number,"A1,""Acme, Ltd"",lots"',
        'accounts.csv,3,id,the id is missing,",x,1"',
    ]
    assert sorted(each.name for each in here.source.iterdir()) == ["accounts.csv"]
    here.write(accounts="id,name,arr\nA1,Acme,1\n")
    assert here.run().rejects is None
    assert not here.rejects.exists()


PARTS = """\
source: helpdesk
files:
  - file: tickets.csv
    rows: ticket
    id: id
    account: account
    says: [{set: {priority: priority}}]
  - file: notes.csv
    rows: event
    id: id
    account: ticket
    through: ticket
    events: [{name: noted, at: at, subject: ticket, properties: {stars: {column: stars, type: number}}}]
"""


def test_import_finds_accounts_that_came_before(place: Place) -> None:
    """Accounts by their id, events through the part they speak of, in this import or an earlier one."""
    place.write(ACCOUNTS, accounts="id,name,arr\nA1,Acme,1\n")
    place.run()
    place.write(PARTS, tickets="id,account,priority\nT1,A1,low\n", notes="id,ticket,at,stars\n")
    place.run()
    place.write(
        tickets="id,account,priority\nT2,A1,high\n",
        notes="id,ticket,at,stars\nN1,T1,2026-01-30,4\nN2,T2,2026-01-30,4.5\nN3,T9,2026-01-30,\n",
    )
    report = place.run()
    assert [str(each) for each in report.bad_rows] == ['notes.csv:4: ticket: there is no ticket "T9"']
    found = place.query("SELECT id, account_id, subject_id FROM event ORDER BY id")
    assert found == [("N1", "A1", "T1"), ("N2", "A1", "T2")]


def test_import_rejects_a_part_that_moves_to_another_account(here: Place) -> None:
    """Whether it was stored before or stands in the same file."""
    here.write(ACCOUNTS, accounts="id,name,arr\nA1,Acme,1\nA2,Bolt,1\n")
    here.run()
    here.write(PARTS, tickets="id,account,priority\nT1,A1,low\n", notes="id,ticket,at,stars\n")
    here.run()
    here.write(tickets="id,account,priority\nT1,A2,low\nT2,A1,low\n")
    assert [str(each) for each in here.run().bad_rows] == [
        'tickets.csv:2: id: ticket "T1" belongs to account "A1"'
    ]


def test_import_reads_account_files_first(here: Place) -> None:
    """Wherever the mapping lists them."""
    both = PARTS.replace("source: helpdesk\nfiles:\n", ACCOUNTS).replace("source: crm", "source: all")
    head, first, *rest = both.split("  - file:")
    here.write(
        "  - file:".join([head, *rest, first]),
        accounts="id,name,arr\nA1,Acme,1\n",
        tickets="id,account,priority\nT1,A1,low\n",
        notes="id,ticket,at,stars\n",
    )
    assert here.run().rejected == 0


def test_import_reads_cells_as_the_mapping_says(here: Place) -> None:
    """Other words, scales, signs and constants; a cell may stand for nothing."""
    mapping = ACCOUNTS.replace(
        "name: name, arr: arr",
        'name: name, arr: {column: arr, scale: 12, strip: "$"}, stage: {constant: active}, '
        'country: {column: land, values: {UK: GB, n/a: ""}}',
    ).replace("says:", "delimiter: ;\n    encoding: cp1252\n    says:")
    here.write(mapping, accounts="id;name;arr;land\nA1;Café;$ 1,000.50;UK\nA2;Bolt;;n/a\n".encode("cp1252"))
    assert here.run().bad_rows == ()
    assert here.query("SELECT name, arr, stage, country FROM account ORDER BY id") == [
        ("Café", 12_006 * 10**6, "active", "GB"),
        ("Bolt", None, "active", None),
    ]


def test_import_streams_many_rows(here: Place) -> None:
    """More rows than are held at a time, with a bad one among them."""
    rows = [f"A{each},Name {each},{each}" for each in range(12_345)]
    rows[11_000] = "A11000,Name,lots"
    here.write(ACCOUNTS, accounts="id,name,arr\n" + "\n".join(rows))
    report = here.run()
    assert (report.rows, report.rejected, report.kinds[Kind.ACCOUNT].created) == (12_345, 1, 12_344)
    assert report.bad_rows[0].line == 11_002


DERIVED = """\
source: billing
backfill: true
files:
  - file: accounts.csv
    rows: account
    id: id
    says: [{at: since, set: {name: name}}]
  - file: subs.csv
    rows: subscription
    id: id
    account: account
    says:
      - {at: begins, set: {arr: arr, status: {constant: active}}}
      - at: {column: begins, every: year, until: ends}
        set: {renews_on: {period: end}, term: {period: start, part: year}}
      - {at: ends, set: {status: {constant: ended}}}
derived:
  account.arr: {sum: subscription.arr, where: {subscription.status: active}}
  account.segment: {bands: account.arr, steps: {0: tech_touch, 15000: low_touch}}
  account.renews_on: {earliest: subscription.renews_on, where: {subscription.status: active}}
"""


def test_import_derives_fields_over_time(place: Place) -> None:
    """Each at the instant it changed, and the same again on a second import."""
    place.write(
        DERIVED,
        accounts="id,name,since\nA1,Acme,2023-01-01\n",
        subs=(
            "id,account,begins,ends,arr\n"
            "S1,A1,2023-02-01,2025-02-01,10000\nS2,A1,2023-06-01,,9000\nS3,A1,2025-06-30,,1\n"
        ),
    )
    place.run()
    course = place.query(
        "SELECT field, new, applies_at FROM change WHERE kind = 'account' AND field IN "
        "('arr', 'segment', 'renews_on') ORDER BY applies_at, id"
    )
    assert [(field, new, str(at)[:10]) for field, new, at in course] == [
        ("arr", "10000", "2023-02-01"),
        ("segment", "tech_touch", "2023-02-01"),
        ("renews_on", "2024-02-01", "2023-02-01"),
        ("arr", "19000", "2023-06-01"),
        ("segment", "low_touch", "2023-06-01"),
        ("renews_on", "2024-06-01", "2024-02-01"),
        ("renews_on", "2025-02-01", "2024-06-01"),
        ("arr", "9000", "2025-02-01"),
        ("segment", "tech_touch", "2025-02-01"),
        ("renews_on", "2025-06-01", "2025-02-01"),
        ("renews_on", "2026-06-01", "2025-06-01"),
        ("arr", "9001", "2025-06-30"),
    ]
    terms = place.query("SELECT id, term FROM subscription ORDER BY id")
    assert terms == [("S1", "2024"), ("S2", "2025"), ("S3", "2025")]
    assert place.run(NOW + timedelta(days=1)).changes == 0


def run_command(place: Place, *arguments: str) -> Any:
    """`tminus import` on the database of the place."""
    url = place.database.url.render_as_string(hide_password=False)
    return CliRunner().invoke(app, ["import", *arguments], env={"TMINUS_DATABASE_URL": url})


def test_command_prints_what_it_did(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts by kind; exit code 0 when every row was taken."""
    monkeypatch.chdir(here.root)
    here.write(ACCOUNTS, accounts="id,name,arr\nA1,Acme,1\n")
    result = run_command(here, "m.yaml", "source")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "accounts: 1 new, 0 changed, 0 unchanged",
        "events: 0 new, 0 known already",
        "history: 3 changes written",
        "rows: 1 read, 0 rejected",
    ]


def test_command_names_the_first_rejected_rows(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty of them, then how many more; exit code 1."""
    monkeypatch.chdir(here.root)
    here.write(ACCOUNTS, accounts="id,name,arr\n" + "".join(f"A{each},x,y\n" for each in range(25)))
    result = run_command(here, "m.yaml", "source")
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert lines[0] == "accounts.csv:2: arr: 'y' is not a number"
    assert lines[20] == "… and 5 more"
    assert lines[-1] == f"rejected rows are in {Path('var') / 'rejects'}/{here.root.name}-m.csv"


def test_command_prints_json(here: Place) -> None:
    """For machines: the same facts."""
    here.write(ACCOUNTS, accounts="id,name,arr\nA1,Acme,1\nA2,Bolt,x\n")
    result = run_command(
        here, str(here.root / "m.yaml"), str(here.source), "--rejects", str(here.rejects), "--json"
    )
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "source": "crm",
        "rows": 2,
        "kinds": {"account": {"created": 1, "changed": 0, "unchanged": 0}},
        "events": {"created": 0, "known": 0},
        "changes": 3,
        "accounts": 1,
        "rejected": 1,
        "rejects": str(here.rejects),
        "bad_rows": [{"file": "accounts.csv", "line": 3, "column": "arr", "reason": "'x' is not a number"}],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.yaml", "source"], "there is no mapping file gone.yaml"),
        (["m.yaml", "gone"], "there is no folder gone"),
        (
            ["m.yaml", "source", "--rejects", "source/r.csv"],
            "the rejects file source/r.csv lies in the folder that is imported; choose another place",
        ),
        (
            ["m.yaml", "source", "--rejects", "m.yaml"],
            "m.yaml cannot be the rejects file; choose another place",
        ),
        (["bad.yaml", "source"], 'bad.yaml:1:1: a mapping needs "files"'),
    ],
)
def test_command_refuses_wrong_use(
    here: Place, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """Exit code 2, and one plain sentence."""
    monkeypatch.chdir(here.root)
    here.write(ACCOUNTS, accounts="id,name,arr\nA1,Acme,1\n")
    (here.root / "bad.yaml").write_text("source: crm\n")
    result = run_command(here, *arguments)
    assert (result.exit_code, result.stderr) == (2, message + "\n")


def test_command_creates_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import into nothing works as it stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "accounts.csv").write_text("id,name,arr\nA1,Acme,1\n")
    (tmp_path / "m.yaml").write_text(ACCOUNTS)
    url = f"sqlite:///{tmp_path}/var/new.db"
    result = CliRunner().invoke(app, ["import", "m.yaml", "source"], env={"TMINUS_DATABASE_URL": url})
    assert result.exit_code == 0, result.output
    engine = migrated(url)
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM account")) == 1
    engine.dispose()
