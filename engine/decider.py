"""What a running service decides with: the playbooks in force, the ticks, and what the last one did."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine

from engine.conditions.catalogue import Catalogue
from engine.first_start import REPLAYED, finish_sample, sample_end, write_sample
from engine.judging import TickReport
from engine.match.matcher import Matcher
from engine.rulebook import Library, live_set
from engine.rulefile.model import Playbook
from engine.sample.work import finish_tasks
from engine.settings import Settings
from engine.state.database import reading
from engine.tick import Ticker, TickInThePastError, last_tick

log = logging.getLogger(__name__)


class Decider:
    """Ticks over one database. `tick` belongs to one thread; everything else may be asked from any."""

    def __init__(self, database: Engine, settings: Settings, catalogue: Catalogue, matcher: Matcher) -> None:
        """Read the rules. Raises ConfigError and ValueError for settings that cannot be used."""
        self.library = Library(settings, catalogue, database)
        self.last_tick_at: datetime | None = None
        self._database = database
        self._settings = settings
        self._ticker = Ticker(database, settings, self.library, matcher)
        self._is_ahead = False
        """Whether a tick later than the clock has decided already, so that there is nothing to do yet."""
        self._tell_problems()

    def fill(self, now: datetime, say: Callable[[str], None]) -> None:
        """On a first start, write the sample book and let the playbooks run over its last days."""
        end = sample_end(self._database, now)
        if end is None:
            return
        accounts = self._settings.sample.accounts
        say(f"First start: writing a sample book of {accounts} accounts with 18 months of history.")
        write_sample(self._database, self.library.catalogue, accounts, end)
        say(f"Running the playbooks over its last {REPLAYED.days} days.")
        for days in range(REPLAYED.days, -1, -1):
            at = end - timedelta(days=days)
            last = last_tick(self._database)
            if last is None or last < at:
                finish_tasks(self._database, at)
                self.tick(at)
        finish_sample(self._database, accounts, now)

    def tick(self, at: datetime) -> bool:
        """One pass; whether it put anything in the outbox."""
        if self.library.refresh():
            self._tell_problems()
        try:
            report = self._ticker.tick(at)
        except TickInThePastError as error:
            self._is_ahead = True
            log.warning("No tick: %s", error)
            return False
        self._is_ahead = False
        self.last_tick_at = at
        _tell(report)
        return report.messages > 0

    def is_due(self, at: datetime) -> bool:
        """Whether an account waits to be looked at, whoever wrote it, or a rule file changed."""
        return self.library.is_stale() or (not self._is_ahead and self._ticker.is_due(at))

    def playbooks(self) -> tuple[Playbook, ...]:
        """The playbooks in force."""
        with reading(self._database) as connection:
            return tuple(each.playbook for each in live_set(connection, self.library))

    def _tell_problems(self) -> None:
        problems = self.library.problems
        for problem in problems:
            log.log(logging.ERROR if problem.is_error else logging.WARNING, "%s", problem)
        if any(each.is_error for each in problems):
            log.warning("The rules have errors, so the playbooks in force stay as they were.")


def _tell(report: TickReport) -> None:
    for incident in [*report.incidents, *report.circles]:
        log.warning("%s", incident)
    if report.starts or report.held:
        log.info("%d runs started, %d held, %d tasks", report.starts, report.held, report.tasks)
