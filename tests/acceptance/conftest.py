"""A workplace for each acceptance test."""

import os
from pathlib import Path

import pytest

from tests.acceptance.workplace import ROOT, Workplace


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """A folder with the shipped configuration, playbooks and templates, and an empty database to come."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TMINUS_")}
    environment = {
        **kept,
        "TMINUS_RULES": str(ROOT / "rules"),
        "TMINUS_TEMPLATES": str(ROOT / "templates"),
        "TMINUS_DATABASE_URL": f"sqlite:///{tmp_path}/tminus.db",
    }
    (tmp_path / "config.yaml").write_text(
        (ROOT / "config.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    return Workplace(tmp_path, environment)
