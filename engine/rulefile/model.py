"""A playbook as typed values: what a rule file says, after every check has passed."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from engine.clock.durations import Duration
from engine.clock.periods import DayOfPeriod, Period
from engine.conditions.catalogue import Field, Kind
from engine.conditions.tree import Condition, Predicate
from engine.rulefile.effects import RecordAction, UpdateAction


class Missing(StrEnum):
    """What an unknown verdict means to an episode."""

    FREEZE = "freeze"
    FALSE = "false"
    TRUE = "true"


class Late(StrEnum):
    """Which of the steps already past at enrolment are still run."""

    RUN = "run"
    LATEST = "latest"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Existing:
    """What happens to subjects already in the state when the playbook goes live.

    `wait` lets them be, `fire` starts them, `since` starts those in the state no longer than that.
    """

    mode: Literal["wait", "fire", "since"]
    since: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """The blast radius: at most `max_starts` starts of the playbook within any stretch of `within`."""

    max_starts: int
    within: timedelta
    max_share: Decimal | None = None
    """Nor more than this percentage of the subjects there were when the stretch began, but always one."""

    def allowed(self, subjects: int) -> int:
        """How many starts are allowed in a stretch that began with so many subjects.

        Where there were none, only `max_starts` counts.
        """
        if self.max_share is None or not subjects:
            return self.max_starts
        return min(self.max_starts, max(1, int(subjects * self.max_share / 100)))


class Leave(StrEnum):
    """What becomes of an open run whose subject is no longer in the audience."""

    STAY = "stay"
    EXIT = "exit"


class Mode(StrEnum):
    """What an opening does while a run of the same playbook and subject is open."""

    SINGLE = "single"
    RESTART = "restart"


class OpenSteps(StrEnum):
    """What becomes of the open runs of a muted playbook."""

    HOLD = "hold"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Mutes:
    """While a run is open, the named playbooks do not start for its account."""

    playbooks: tuple[str, ...]
    open_steps: OpenSteps = OpenSteps.HOLD
    """Their waiting steps wait, or their open runs end as `muted`."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An occurrence that starts a run: a `changes_to` or a bare `event`, with an optional condition."""

    predicate: Predicate
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class Every:
    """What the calendar starts: once in each period, on one of its days."""

    period: Period
    day: DayOfPeriod | Field
    """A field is a date that comes round: the day of the month that it has, beginning after it."""
    spread: Duration | None = None
    """Over how many days the accounts are spread, each always at the same place."""
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class DayTiming:
    """`day: 3` — the third local day after the start; `day: 2bd` counts business days."""

    offset: Duration


@dataclass(frozen=True, slots=True)
class AnchorTiming:
    """`at: T-90` — days before (negative) or after the anchor's local date."""

    days: int


@dataclass(frozen=True, slots=True)
class AfterTiming:
    """`after: outreach + 2bd` — counted from when the named step acted or was settled without acting."""

    step: str
    offset: Duration


@dataclass(frozen=True, slots=True)
class OnTiming:
    """`on: …` — when a moment happens, or a state first holds, within the run."""

    condition: Condition
    repeats: bool = False
    """`repeat: each`: at every such moment, and each time the state holds anew; else once a run."""


Timing: TypeAlias = DayTiming | AnchorTiming | AfterTiming | OnTiming


@dataclass(frozen=True, slots=True)
class TaskAction:
    """Puts a task in somebody's queue."""

    to: str
    """A role; who that is is resolved when the step falls due."""
    title: str
    """A template of one line."""
    template: str | None
    """`templates/tasks/NAME.md.j2`, the guidance shown with the task."""
    due: Duration
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmailAction:
    """Sends one email to the first contact that the list of roles finds."""

    to: tuple[str, ...]
    """Contact roles in order of preference; `any` is any active contact."""
    template: str
    """`templates/emails/NAME/{subject.txt,body.html}.j2`, and `{body,preheader}.txt.j2` if there are any."""
    topic: str


@dataclass(frozen=True, slots=True)
class MessageAction:
    """Posts to a chat channel through a connector."""

    via: str
    to: str
    template: str
    """`templates/messages/NAME.txt.j2`."""


@dataclass(frozen=True, slots=True)
class WebhookAction:
    """Posts a JSON document to another system through a connector."""

    via: str
    template: str
    """`templates/webhooks/NAME.json.j2`."""


Deed: TypeAlias = TaskAction | EmailAction | MessageAction | WebhookAction | RecordAction | UpdateAction
"""What is done in one way, whatever is so."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One way to go of several; without a condition it is always taken."""

    condition: Condition | None
    action: Deed


@dataclass(frozen=True, slots=True)
class ChooseAction:
    """Does what the first branch says whose condition is true; nothing when none is."""

    branches: tuple[Branch, ...]


Action: TypeAlias = Deed | ChooseAction


def deeds(action: Action) -> tuple[Deed, ...]:
    """Everything that an action can come to."""
    if isinstance(action, ChooseAction):
        return tuple(each.action for each in action.branches)
    return (action,)


def is_sent(deed: Deed) -> bool:
    """Whether it leaves this system, so that a silence puts it off."""
    return isinstance(deed, EmailAction | MessageAction | WebhookAction)


@dataclass(frozen=True, slots=True)
class Escalation:
    """Hands an unfinished task to another role after a while."""

    after: Duration
    to: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a run does, once or each time its moment comes."""

    id: str
    timing: Timing
    action: Action
    condition: Condition | None = None
    escalate: Escalation | None = None
    expires: Duration | None = None
    """A step missed by more than this, because the service was down, is skipped."""
    purpose: str | None = None
    """What it asks for, so that two steps asking for the same thing are seen."""

    @property
    def repeats(self) -> bool:
        """Whether it may act more than once in a run."""
        return isinstance(self.timing, OnTiming) and self.timing.repeats


@dataclass(frozen=True, slots=True)
class Exit:
    """How a run ends before its last step."""

    outcome: str
    condition: Condition
    """A state, or a single moment predicate."""
    held_for: timedelta
    then: tuple[Deed, ...] = ()


@dataclass(frozen=True, slots=True)
class Playbook:
    """One rule file. `version` is the hash of the file and of every template it names."""

    name: str
    title: str
    owner: str
    subject: Kind
    steps: tuple[Step, ...]
    file: str
    version: str
    renamed_from: tuple[str, ...] = ()
    """The names it had before, whose past is its own."""
    review_every: Duration | None = None
    priority: int = 50
    audience: Condition | None = None
    leave: Leave = Leave.STAY
    when: Condition | None = None
    on: tuple[Moment, ...] = ()
    every: Every | None = None
    held_for: timedelta = timedelta(0)
    existing: Existing = Existing("wait")
    on_missing: Missing = Missing.FREEZE
    keep_active_for: timedelta = timedelta(0)
    cooldown: timedelta | None = None
    repeat_every: timedelta | None = None
    mode: Mode = Mode.SINGLE
    run_per: Field | None = None
    group_by: Literal["account"] | None = None
    anchor: Field | None = None
    late: Late = Late.LATEST
    guard: Guard = Guard(25, timedelta(hours=1))
    mutes: Mutes | None = None
    exits: tuple[Exit, ...] = ()

    def step(self, step_id: str) -> Step:
        """The step of that id. Raises KeyError."""
        for each in self.steps:
            if each.id == step_id:
                return each
        raise KeyError(step_id)
