"""The shipped playbooks over the sample book, ticked at two paces."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from engine.match.matcher import ReferenceMatcher
from engine.rulebook import Library
from engine.sample.seed import seed
from engine.settings import load_settings
from engine.state.database import open_database
from engine.tick import Ticker
from tests.builders import Company, difference

ROOT = Path(__file__).parents[2]
END = datetime(2026, 6, 17, 9, 30, tzinfo=UTC)
DAYS = 9


def shipped(database: Engine) -> Company:
    """The shipped configuration over a small sample book."""
    settings = load_settings(ROOT / "config.yaml").model_copy(
        update={"rules": ROOT / "rules", "templates": ROOT / "templates"}
    )
    catalogue = settings.catalogue()
    seed(database, catalogue, accounts=60, end=END)
    library = Library(settings, catalogue, database)
    return Company(database, library, Ticker(database, settings, library, ReferenceMatcher()))


def ticked(database: Engine, step: timedelta) -> tuple[Company, str]:
    """Live for nine days, at that pace."""
    mine = shipped(database)
    first = END - timedelta(days=DAYS)
    for index in range(int(timedelta(days=DAYS) / step) + 1):
        mine.tick(first + index * step)
    mine.tick(END)
    return mine, mine.ledger()


def test_shipped_playbooks_decide_the_same_at_any_pace(sqlite_template: Path, tmp_path: Path) -> None:
    """Twice a day, and every third day, which is as late as their steps may be."""
    ledgers = []
    for name, step in (("often", timedelta(hours=12)), ("seldom", timedelta(days=3))):
        shutil.copyfile(sqlite_template, tmp_path / f"{name}.db")
        database = open_database(f"sqlite:///{tmp_path}/{name}.db")
        mine, ledger = ticked(database, step)
        assert len({each.playbook for each in mine.runs()}) >= 3
        ledgers.append(ledger)
        database.dispose()
    assert difference(*ledgers) == []
