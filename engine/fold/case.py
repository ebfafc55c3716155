"""One account under judgement: its book, its episodes and runs, and all that a fold writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.admit.guard import Opening
from engine.admit.mute import mute_of
from engine.admit.silence import Silence
from engine.clock.workdays import LocalCalendar
from engine.conditions.catalogue import Kind, Value
from engine.episodes.episode import Episode
from engine.fold.view import BookView, Place
from engine.fold.world import World
from engine.health.model import GIVEN
from engine.health.score import KeptScore
from engine.match.question import Question
from engine.runs.run import Decision, Message, OpenRun, Run, Step, Task
from engine.state.book import Book, ChangeInput, DataInput, EventInput
from engine.state.entries import Entry, EventEntry
from engine.state.given import also_given

_AFTER_ALL_STORED = 2**62
"""Above the number of any stored change, for those that have none yet."""
MOST_ROUNDS = 20
"""So often one step may change one subject, or be triggered for it, at one instant. More is a circle."""


class NoRestError(Exception):
    """Playbooks keep changing one another's state at one instant; the message says so."""


@dataclass(slots=True)
class Record:
    """What is already written about an account when a fold begins."""

    episodes: list[Episode] = field(default_factory=list)
    """Those pending, active or owed."""
    runs: list[Run] = field(default_factory=list)
    """All of them, past and present."""
    steps: list[Step] = field(default_factory=list)
    """Those of open runs."""
    tasks: list[Task] = field(default_factory=list)
    """Those of open runs."""
    releases: Mapping[str, datetime] = field(default_factory=dict)
    """When holds that stop one of the episodes were released, by hold id."""
    silences: Sequence[Silence] = ()
    """All of them, past and present."""
    takes_up: Mapping[str, Value | None] = field(default_factory=dict)
    """What sources said of health before the model that goes live now, where there is one."""
    waits: Mapping[str, datetime] = field(default_factory=dict)
    """The watermarks by source that answers were waiting for."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A place of a rule file at which a fold did something: a trigger, a step, a condition or an exit."""

    playbook: str
    path: str
    """As in `engine.rulefile.places`: `when`, `on[0]`, `steps.call.if`, `steps.call.choose[1]`, `exit[0]`."""
    answer: bool | None = None
    """Of a step's `if`, what it came to; False of a `choose` where no branch was true."""


@dataclass(slots=True)
class Case:
    """The working state of one fold. Only functions of this package change it."""

    world: World
    book: Book
    now: datetime
    until: datetime
    stopped: Mapping[str, str]
    """Episodes the guard stops in this pass, with the hold that owns them."""
    releases: Mapping[str, datetime]
    silences: Sequence[Silence] = ()
    by_calendar: bool = False
    """Whether time alone, rather than an input, is what is being judged."""
    learned: datetime | None = None
    """When the input under judgement was effective, where that was before now."""
    states: dict[tuple[str, str], Episode] = field(default_factory=dict)
    """The open episode of each (playbook, subject) whose playbook has a `when`."""
    moments: dict[str, Episode] = field(default_factory=dict)
    """Moments still owed a run, by episode id."""
    runs: dict[str, list[Run]] = field(default_factory=dict)
    """All runs by playbook."""
    open: dict[str, OpenRun] = field(default_factory=dict)
    """Runs under way, by id."""
    retries: dict[str, datetime] = field(default_factory=dict)
    """When a cooldown that stops an owed episode ends, by episode id."""
    changed_episodes: dict[str, Episode] = field(default_factory=dict)
    changed_runs: dict[str, Run] = field(default_factory=dict)
    changed_steps: dict[str, Step] = field(default_factory=dict)
    changed_tasks: dict[str, Task] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    silenced_runs: set[str] = field(default_factory=set)
    """Runs that left by an exit: what they have not sent yet is cancelled."""
    decisions: list[Decision] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    born: list[Entry | EventEntry] = field(default_factory=list)
    """What the fold itself brings into the account's state, to be written with everything else."""
    scores: list[KeptScore] = field(default_factory=list)
    """What the account's health was computed to be, whenever that changed."""
    set_at: dict[Place, datetime] = field(default_factory=dict)
    """When the fold last gave a field its value."""
    unseen: list[list[DataInput]] = field(default_factory=list)
    """Of that, what the account has still to be moved by, at this instant: what came together, together."""
    rounds: dict[tuple[datetime, str, str, str, str], int] = field(default_factory=dict)
    """How often a step of a playbook has changed a subject, or was triggered, at an instant."""
    incidents: list[str] = field(default_factory=list)
    """What somebody should know of this fold."""
    passed: set[Passed] = field(default_factory=set)

    @property
    def account(self) -> dict[str, Value]:
        """The account's values as they stand."""
        return self.book.account

    @property
    def calendar(self) -> LocalCalendar:
        """Where and when the account works."""
        return self.world.calendar(self.book.account)

    def view(
        self,
        kind: Kind,
        subject_id: str,
        steps: Mapping[str, Step] | None = None,
        before: Mapping[Place, Value | None] | None = None,
        ahead_of: datetime | None = None,
        started_at: datetime | None = None,
    ) -> BookView:
        """What a condition sees of a subject now; of `before`, as it was just ahead of that instant."""
        zone = self.calendar.zone
        return BookView(
            self.book, kind, subject_id, self.now, zone, steps, started_at, before or {}, ahead_of
        )

    def view_of(self, course: OpenRun) -> BookView:
        """What a condition sees within a run."""
        run = course.run
        return self.view(Kind(run.kind), run.subject_id, course.steps, started_at=run.started_at)

    def muted_by(self, playbook: str, *, holding: bool = False) -> str | None:
        """Which open run mutes `playbook`, in words; only those that hold open steps, when `holding`."""
        under_way = (each.run for each in self.open.values())
        live = self.world.by_name.get(playbook)
        former = live.playbook.renamed_from if live is not None else ()
        return mute_of(under_way, self.world.pinned, playbook, former=former, holding=holding)

    def change(
        self, kind: Kind, subject_id: str, values: Mapping[str, Value | None], source: str
    ) -> dict[str, Value | None]:
        """Give fields of a subject new values now, as if a source had said so.

        Everything sees it at this same instant, after what is under way. What says nothing new is left out;
        of the rest, the values until now are returned.
        """
        declared = {GIVEN.name: GIVEN} if GIVEN.name in self.world.field_names[Kind.ACCOUNT] else {}
        born = self._born(kind, subject_id, also_given(kind, declared, values), source)
        if born:
            self.unseen.append([*born])
        return {each.field: each.old for each in born if each.field in values}

    def compute(self, values: Mapping[str, Value | None], source: str) -> list[ChangeInput]:
        """Give fields of the account the values that follow from what is being taken in, along with it."""
        return self._born(Kind.ACCOUNT, self.book.account_id, values, source)

    def _born(
        self, kind: Kind, subject_id: str, values: Mapping[str, Value | None], source: str
    ) -> list[ChangeInput]:
        """The changes by which fields take new values now, to be written and to be taken in."""
        known = self.standing(kind, subject_id)
        new = {name: value for name, value in values.items() if known.get(name) != value}
        if not new:
            return []
        self.born.append(Entry(kind, subject_id, self.book.account_id, new, self.now, self.now, source))
        self.set_at.update(((kind, subject_id, name), self.now) for name in new)
        order = _AFTER_ALL_STORED + len(self.born)
        return [
            ChangeInput(self.now, self.now, order, kind, subject_id, name, known.get(name), value)
            for name, value in new.items()
        ]

    def standing(self, kind: Kind, subject_id: str) -> Mapping[str, Value | None]:
        """A subject's values with what has still to be seen."""
        known: dict[str, Value | None] = dict(self.book.subjects[kind].get(subject_id, {}))
        for each in (each for batch in self.unseen for each in batch):
            if isinstance(each, ChangeInput) and (each.kind, each.subject_id) == (kind, subject_id):
                known[each.field] = each.new
        return known

    def record(self, event: EventEntry) -> None:
        """Let an event of the account happen now. Everything sees it at this same instant."""
        self.born.append(event)
        self.unseen.append(
            [
                EventInput(
                    self.now, event.occurred_at, event.id, event.name, event.subject_id, event.properties
                )
            ]
        )

    def check_rest(self, playbook: str, step: str, subject_id: str, what: str = "did this") -> None:
        """Count a change that a step is about to make, or what else may go in a circle.

        Raises NoRestError where there are too many at this instant.
        """
        key = (self.now, playbook, step, subject_id, what)
        self.rounds[key] = count = self.rounds.get(key, 0) + 1
        if count <= MOST_ROUNDS:
            return
        words = f"it {what} {MOST_ROUNDS} times at one instant, and more than that is taken for a circle"
        if count == MOST_ROUNDS + 1:
            at = f"{self.now:%Y-%m-%d %H:%M:%S} UTC"
            self.incidents.append(
                f"playbook {playbook}, step {step}, {subject_id}: stopped at {at}, for {words}"
            )
        raise NoRestError(f"stopped: {words}")

    def is_stopped(self, playbook: str, step: str, subject_id: str, what: str) -> bool:
        """Whether `check_rest` has found too many already at this instant."""
        return self.rounds.get((self.now, playbook, step, subject_id, what), 0) > MOST_ROUNDS

    def passes(self, playbook: str, path: str, answer: bool | None = None) -> None:
        """Note that a place of a playbook did something."""
        self.passed.add(Passed(playbook, path, answer))

    def decide(self, decision: Decision) -> None:
        """Record a decision."""
        self.decisions.append(decision)

    def touch(self, row: Episode | Run | Step | Task) -> None:
        """Mark a row as changed, to be written when the fold is done."""
        match row:
            case Episode():
                self.changed_episodes[row.id] = row
            case Run():
                self.changed_runs[row.id] = row
            case Step():
                self.changed_steps[row.id] = row
            case Task():
                self.changed_tasks[row.id] = row


@dataclass(frozen=True, slots=True)
class Folded:
    """What one account's fold came to."""

    account_id: str
    due_at: datetime | None
    episodes: Sequence[Episode]
    runs: Sequence[Run]
    steps: Sequence[Step]
    tasks: Sequence[Task]
    messages: Sequence[Message]
    silenced_runs: frozenset[str]
    decisions: Sequence[Decision]
    openings: Sequence[Opening]
    questions: Sequence[Question]
    born: Sequence[Entry | EventEntry] = ()
    """Changes and events that the fold brought about, for the account's state."""
    passed: frozenset[Passed] = frozenset()
    incidents: Sequence[str] = ()
    scores: Sequence[KeptScore] = ()
    waits: Mapping[str, datetime] | None = None
    """The watermarks by source that answers wait for from now on; None where that is as it was."""
