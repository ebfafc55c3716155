"""A company of one test's own playbooks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.builders import Company, company

Opened = Callable[..., Company]


@pytest.fixture
def opened(sqlite_database: Engine, tmp_path: Path) -> Opened:
    """Makes the company of the playbooks given."""
    return lambda *playbooks: company(sqlite_database, tmp_path, playbooks)
