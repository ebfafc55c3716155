"""Test files played in several processes."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from engine.rehearsal.abreast import FEWEST, WorkerLostError, rehearse_abreast
from engine.rehearsal.report import Report
from engine.rehearsal.run import find_tests, rehearse
from engine.rehearsal.script import Rehearsal
from engine.settings import Settings
from tests.unit.rehearsal.test_command import PLAYBOOK, TESTS


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """More test files than processes, each with a test that passes and one that fails."""
    for index in range(FEWEST + 1):
        (tmp_path / f"slump-{index}.yaml").write_text(PLAYBOOK.replace("slump", f"slump-{index}"))
        (tmp_path / f"slump-{index}.test.yaml").write_text(TESTS)
    (tmp_path / "broken.test.yaml").write_text("tests: [")
    return find_tests([tmp_path])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One role."""
    return Settings(rules=tmp_path, roles={"csm": {"field": "account.csm"}})  # type: ignore[dict-item]


def timeless(reports: list[Report]) -> list[Report]:
    """The reports without how long each test took."""
    return [
        replace(each, results=tuple(replace(one, seconds=0.0) for one in each.results)) for each in reports
    ]


def test_abreast_reports_what_one_process_reports(files: list[Path], settings: Settings) -> None:
    """File by file in their order, with failures, problems and coverage."""
    catalogue = settings.catalogue()
    alone = list(rehearse(files, settings, catalogue))
    abreast = list(rehearse_abreast(files, settings, catalogue, processes=2))
    assert timeless(abreast) == timeless(alone)
    assert sum(bool(each.problems) for each in alone) == 1


def test_abreast_plays_only_what_is_wanted(files: list[Path], settings: Settings) -> None:
    """Whatever chooses is known in every process."""
    reports = rehearse_abreast(
        files, settings, settings.catalogue(), processes=2, wanted=lambda test: test.name == "a wish"
    )
    assert {one.test.name for each in reports for one in each.results} == {"a wish"}


def test_abreast_says_that_a_process_was_stopped(files: list[Path], settings: Settings) -> None:
    """As one is that takes more memory than there is."""

    def stop(_test: Rehearsal) -> bool:
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    with pytest.raises(WorkerLostError, match="was stopped from outside"):
        list(rehearse_abreast(files, settings, settings.catalogue(), processes=2, wanted=stop))
