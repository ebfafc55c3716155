"""Test files played in several processes at once, reported in their order."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from engine.conditions.catalogue import Catalogue
from engine.rehearsal.report import Report
from engine.rehearsal.run import rehearse
from engine.rehearsal.script import Rehearsal
from engine.rulefile.load import shared_files
from engine.rulefile.source import Source
from engine.settings import Settings

FEWEST = 4
"""Files below which a second process costs more than it spares."""


class WorkerLostError(Exception):
    """A process that played tests ended without an answer; something outside stopped it."""


@dataclass(frozen=True)
class Job:
    """What every file is played with."""

    settings: Settings
    catalogue: Catalogue
    wanted: Callable[[Rehearsal], bool]
    beside: Mapping[str, Source]

    def report(self, file: Path) -> Report:
        """Play the tests of one file."""
        (found,) = rehearse([file], self.settings, self.catalogue, wanted=self.wanted, beside=self.beside)
        return found


def usual_processes() -> int:
    """One for each processor that may be used, where processes can be split off cheaply."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def rehearse_abreast(
    files: Iterable[Path],
    settings: Settings,
    catalogue: Catalogue,
    *,
    processes: int,
    wanted: Callable[[Rehearsal], bool] = lambda test: True,
) -> Iterator[Report]:
    """Run the tests of each file as `rehearse` does, up to `processes` files at once.

    Raises WorkerLostError.
    """
    chosen = list(files)
    if processes < 2 or len(chosen) < FEWEST:
        yield from rehearse(chosen, settings, catalogue, wanted=wanted)
        return
    job = Job(settings, catalogue, wanted, shared_files(settings.rules))
    gc.freeze()
    pool = ProcessPoolExecutor(
        min(processes, len(chosen)), get_context("fork"), initializer=_take, initargs=(job,)
    )
    try:
        yield from pool.map(_report, chosen)
    except BrokenProcessPool as error:
        raise WorkerLostError("a process that played tests was stopped from outside") from error
    finally:
        pool.shutdown(cancel_futures=True)


_JOBS: list[Job] = []
"""What a worker was split off with: nothing of it has to be sent."""


def _take(job: Job) -> None:
    """Begin as a worker. Ctrl-C is for the process that prints."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _JOBS.append(job)


def _report(file: Path) -> Report:
    return _JOBS[-1].report(file)
