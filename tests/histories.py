"""Random but repeatable histories of a few accounts, and playing them with ticks at any times."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from engine.conditions.catalogue import Kind
from engine.state.entries import Entry, EventEntry
from tests.builders import START, Player, account, entry, happening

SILENCE, END_SILENCES = 20, 80
"""Acts from the one on silence an account; the other ends every silence."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

PLAYBOOKS = (
    """
playbook: slide
title: A slide
owner: cs
subject: account
priority: 90
audience:
  any:
    - {field: account.stage, is_missing: true}
    - {field: account.stage, not_equals: churned}
  leave: exit
when: {field: account.health, drops_below: 40, recovers_at: 50}
on: {event: cancel_requested}
existing: {since: 14d}
cooldown: 4d
mutes: {playbooks: [growth]}
steps:
  - id: alert
    day: 0
    message: {via: slack, to: "#alerts", template: note}
  - id: call
    day: 1bd
    task: {to: csm, title: "Call {{ account.name }}", due: 1bd, outcomes: [reached, silent]}
    escalate: {after: 2bd, to: csm_manager}
  - id: executive
    after: call + 1bd
    if: {any: [{step: call, is: open}, {step: call, outcome: silent}]}
    task: {to: csm_manager, title: "Write to {{ account.name }}", due: 2bd}
  - id: emergency
    on: {field: account.health, drops_below: 20}
    task: {to: csm_manager, title: "Save {{ account.name }}", due: 4h}
    escalate: {after: 4h, to: cs_ops}
exit:
  - outcome: recovered
    when: {field: account.health, at_least: 60}
    for: 2d
    then: [{message: {via: slack, to: "#wins", template: note}}]
  - {outcome: churned, on: {field: account.stage, changes_to: churned}}
""",
    """
playbook: leaver
title: A champion leaves
owner: cs
subject: contact
on: {field: contact.status, changes_to: departed, if: {field: contact.role, equals: champion}}
steps:
  - {id: notes, day: 0, task: {to: csm, title: "Note what {{ contact.name }} knew", due: 1bd}}
  - {id: successor, day: 3, task: {to: csm, title: "Meet the successor", due: 2bd, outcomes: [met, nobody]}}
exit:
  - {outcome: stayed, when: {field: contact.status, equals: active}}
""",
    """
playbook: renewal
title: A renewal
owner: cs
subject: subscription
group_by: account
when: {field: subscription.renews_on, days_until: {between: [0, 30]}}
run_per: subscription.term
anchor: subscription.renews_on
existing: fire
late: latest
steps:
  - {id: review, at: T-30, task: {to: csm, title: "Review {{ account.name }}", due: 5bd}}
  - {id: intent, at: T-14, task: {to: csm, title: "Ask {{ account.name }}", due: 2bd, outcomes: [yes, maybe]}}
  - id: chase
    at: T-7
    if: {field: subscription.signed, equals: false}
    task: {to: csm, title: "Chase {{ account.name }}", due: 1bd}
    escalate: {after: 1bd, to: csm_manager}
  - {id: thanks, at: T-0, email: {to: [champion, any], template: hello, topic: account}}
  - {id: later, after: thanks + 2d, message: {via: slack, to: "#renewals", template: note}}
exit:
  - {outcome: signed, when: {field: subscription.signed, equals: true}, for: 3d}
""",
    """
playbook: growth
title: Near the limit
owner: cs
subject: subscription
when: {field: subscription.usage, at_least: 80%, of: subscription.limit}
for: 36h
keep_active_for: 30h
cooldown: 5d
steps:
  - {id: report, day: 0, email: {to: [champion, any], template: hello, topic: usage}}
  - {id: talk, day: 2bd, task: {to: csm, title: "Talk about room", due: 2bd, outcomes: [later, yes]}}
exit:
  - {outcome: agreed, when: {step: talk, outcome: yes}}
""",
    """
playbook: silence
title: No logins
owner: cs
subject: account
when: {event: login, absent_for: 3d}
repeat_every: 60h
mode: restart
steps:
  - {id: hello, day: 0, email: {to: [any], template: hello, topic: tips}}
  - {id: again, day: 6, email: {to: [any], template: hello, topic: tips}}
exit:
  - {outcome: returned, on: {event: login}}
""",
    """
playbook: crowd
title: Many at once
owner: cs
subject: account
when: {all: [{field: account.adoption, below: 30}, {event: outage, within: 3d}]}
mutes: {playbooks: [silence, slide], open_steps: cancel}
on_missing: "false"
guard: {max_starts: 2, within: 6h}
steps:
  - {id: look, day: 0, task: {to: csm, title: "Look at {{ account.name }}", due: 1bd}}
""",
    """
playbook: falling
title: A fall
owner: cs
subject: account
when:
  any:
    - {field: account.health, drops_by: 15, within: 5d}
    - {event: outage, at_least: 2, within: 4d}
    - {field: account.stage, changes_to: churned, within: 3d}
on: {field: account.stage, changes: true, if: {field: account.health, rises_by: 20%, within: 7d}}
for: 6h
cooldown: 3d
steps:
  - {id: ask, day: 1, task: {to: csm, title: "Ask {{ account.name }}", due: 1bd}}
exit:
  - {outcome: over, when: {none: [{field: account.health, drops_by: 20%, within: 2d}]}, for: 1d}
""",
    """
playbook: milestone
title: A milestone
owner: cs
subject: subscription
on:
  - {field: subscription.usage, crosses: [70, 80, 90], take: each}
  - {field: subscription.usage, crosses: [70], direction: down, once: never}
steps:
  - {id: note, day: 0, message: {via: slack, to: "#usage", template: note}}
""",
    """
playbook: upkeep
title: After an outage
owner: cs
subject: account
on: {event: outage}
steps:
  - id: lift
    day: 1
    choose:
      - if: {field: account.health, below: 50}
        update: {account.effective_segment: high_touch, account.health: 38, account.last_touch_at: now}
      - if: {field: account.adoption, is_set: true}
        update: {account.adoption: 25}
      - task: {to: csm, title: "Measure {{ account.name }}"}
  - {id: tell, after: lift + 20h, record: {event: calmed, properties: {why: "{{ run.reason }}"}}}
""",
    """
playbook: calm
title: Calm again
owner: cs
subject: account
when: {field: account.effective_segment, equals: high_touch}
on: {event: calmed}
for: 2d
steps:
  - {id: lower, day: 0, update: {account.effective_segment: {field: account.segment}, account.health: 60}}
exit:
  - {outcome: gone, when: {field: account.stage, equals: churned}, then: [{record: {event: outage}}]}
""",
    """
playbook: rounds
title: Every week
owner: cs
subject: account
audience: {field: account.health, at_least: 30}
every: {week: second business day, spread: 3bd, if: {field: account.adoption, is_set: true}}
cooldown: 2d
guard: {max_starts: 3, within: 30h}
steps:
  - {id: ask, day: 0, expires: 3660d, task: {to: csm, title: "Ask {{ account.name }}", outcomes: [fine, bad]}}
  - {id: tell, day: 2, expires: 3660d, message: {via: slack, to: "#all", template: note}}
""",
    """
playbook: thin
title: Few to talk to
owner: cs
subject: account
when:
  any:
    - {count: contact, where: {field: contact.status, equals: active}, below: 2}
    - {count: contact, where: {field: contact.status, changes_to: departed, within: 4d}, at_least: 2}
    - {sum: subscription.usage, where: {field: subscription.signed, not_equals: true}, above: 165}
    - all:
        - {count: subscription, where: {field: subscription.renews_on, days_until: {below: 4}}, at_least: 1}
        - {count: event, name: outage, within: 4d, below: 1}
cooldown: 2d
steps:
  - {id: plan, day: 1, task: {to: csm, title: "Widen {{ account.name }}", due: 1bd}}
  - id: seen
    on: {count: event, name: login, since: run_start, at_least: 2}
    message: {via: slack, to: "#cs", template: note}
  - {id: late, day: 6, task: {to: csm, title: "Ask again", due: 1bd}}
exit:
  - {outcome: woken, when: {event: cancel_requested, since: run_start}, for: 1d}
""",
    """
playbook: carrying
title: What events carry
owner: cs
subject: account
when:
  any:
    - {count: event, name: login, where: {field: event.plan, equals: trial}, within: 4d, at_least: 2}
    - {sum: event.sale.amount, name: login, where: {field: event.is paid, equals: true}, within: 3d, above: 9}
    - {event: outage, where: {field: event.plan, in: [trial, pro]}, within: 30h}
    - {event: login, where: {field: event.plan, is_missing: true}, at_least: 1, within: 1d}
on:
  event: cancel_requested
  where: {any: [{field: event.plan, contains: R}, {field: event.plan, equals: 3}]}
cooldown: 2d
steps:
  - {id: ask, day: 1, task: {to: csm, title: "Ask {{ account.name }}", due: 1bd}}
  - id: sold
    on: {sum: event.sale.amount, name: login, since: run_start, at_least: 60}
    message: {via: slack, to: "#cs", template: note}
  - id: tried
    on: {event: login, where: {field: event.plan, not_equals: trial}}
    repeat: each
    message: {via: slack, to: "#cs", template: note}
  - {id: late, day: 5, task: {to: csm, title: "Ask again", due: 1bd}}
exit:
  - {outcome: quiet, when: {event: login, where: {field: event.plan, equals: trial}, absent_for: 3d}, for: 6h}
  - {outcome: lost, when: {event: outage, where: {field: event.sale.amount, below: 0}, since: run_start}}
""",
    """
playbook: watchful
title: Each time
owner: cs
subject: account
on: {event: outage}
steps:
  - {id: begin, day: 1, task: {to: csm, title: "Watch {{ account.name }}"}}
  - id: alarm
    on: {field: account.health, below: 50}
    repeat: each
    choose:
      - {if: {field: account.health, below: 30}, message: {via: slack, to: "#all", template: note}}
      - task: {to: csm, title: "Low again", outcomes: [fine, bad]}
    escalate: {after: 30h, to: csm_manager}
  - id: quiet
    on: {event: login, absent_for: 3d}
    repeat: each
    message: {via: slack, to: "#cs", template: note}
  - {id: moved, on: {field: account.health, changes: true}, repeat: each, record: {event: stirred}}
  - {id: fine, on: {step: alarm, outcome: fine}, repeat: each, update: {account.adoption: 55}}
exit:
  - {outcome: gone, when: {field: account.stage, equals: churned}}
  - {outcome: bad, when: {step: alarm, outcome: bad}, for: 1d}
""",
)
"""Between them they use every kind of timing, trigger and exit, and a guard that two accounts exceed."""

ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kolkata", "UTC")
COUNTRIES = ("DE", "US", "NZ", "IN")


@dataclass
class History:
    """What sources say and people do from START on, each at its instant."""

    accounts: tuple[str, ...]
    days: int
    before: list[Entry | EventEntry] = field(default_factory=list)
    """Known when the playbooks go live."""
    inputs: list[tuple[datetime, Entry | EventEntry]] = field(default_factory=list)
    """By the instant at which they are recorded."""
    acts: list[tuple[datetime, int]] = field(default_factory=list)
    """When a person finishes a task (chosen by the number) or releases what is held (a negative one)."""

    @property
    def end(self) -> datetime:
        """The last tick of every way to play it."""
        return START + timedelta(days=self.days)


def seeds(first: int, usual: int, long: int) -> list[Any]:
    """`usual` seeds from `first` on for every run of the tests, and `long` more for the long form."""
    more = range(first + usual, first + usual + long)
    return [*range(first, first + usual), *(pytest.param(each, marks=pytest.mark.soak) for each in more)]


def random_history(seed: int, *, accounts: int = 3, days: int = 18) -> History:
    """A history with everything that may happen to accounts; equal seeds give equal histories."""
    random = Random(seed)
    names = tuple(f"a{index}" for index in range(accounts))
    history = History(names, days)
    for name in names[:-1]:
        history.before += _founding(random, name, START - timedelta(days=random.randint(1, 20)))
    late_comer = START + timedelta(days=random.randint(1, days // 2 - 1), minutes=random.randint(0, 1400))
    history.inputs += [(late_comer, each) for each in _founding(random, names[-1], late_comer)]
    for name in names:
        since = late_comer if name == names[-1] else START
        for _ in range(days):
            when = _instant(random, since + HOUR, history.end)
            history.inputs += [(_recorded(each), each) for each in _incident(random, name, when)]
    _crowd(random, history)
    history.inputs.sort(key=lambda each: each[0])
    history.acts = sorted(
        (_instant(random, START + DAY, history.end), choice)
        for choice in (*(random.choice((-1, *range(9))) for _ in range(8)), *_silences(random))
    )
    return history


def _silences(random: Random) -> list[int]:
    """A few silences, and their end before their time."""
    return [random.randrange(SILENCE, END_SILENCES) for _ in range(3)] + [END_SILENCES]


def _instant(random: Random, start: datetime, end: datetime) -> datetime:
    whole = random.random() < 0.3
    seconds = random.randint(0, int((end - start).total_seconds()) - 1)
    when = start + timedelta(seconds=seconds)
    return when.replace(minute=0, second=0) + HOUR if whole and when + HOUR < end else when


def _recorded(given: Entry | EventEntry) -> datetime:
    return given.recorded_at


def _founding(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    renews = (when + timedelta(days=random.randint(0, 60))).date()
    return [
        account(
            when,
            name,
            name=name.upper(),
            csm=random.choice(("dana", None)),
            health=random.choice((None, 35, 45, 70)),
            adoption=random.choice((None, 20, 40)),
            timezone=random.choice(ZONES),
            country=random.choice(COUNTRIES),
        ),
        entry(
            Kind.CONTACT, f"{name}-kim", when, name,
            name="Kim", role="champion", status="active", email=f"kim@{name}.example",
        ),
        entry(
            Kind.CONTACT, f"{name}-lee", when, name,
            name="Lee", role="end_user", status="active", email=f"lee@{name}.example",
        ),
        *(
            entry(
                Kind.SUBSCRIPTION, f"{name}-s{index}", when, name,
                term="2026", renews_on=renews, usage=random.randint(40, 95), limit=100, signed=False,
            )
            for index in range(2)
        ),
        happening("login", when, name),
    ]  # fmt: skip


def _incident(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    return random.choice(_INCIDENTS)(random, name, when)


def _health(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    return [account(when, name, health=random.choice((10, 18, 35, 39, 40, 45, 50, 60, 75, None)))]


def _flicker(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    """Down and up again, learned at once, a while after."""
    recorded = when + random.choice((timedelta(0), HOUR, DAY))
    steps = random.choice(((45, 35, 45), (60, 30, 62), (35, 55, 38, 70)))
    return [
        account(when + index * MINUTE, name, recorded=max(recorded, when + index * MINUTE), health=value)
        for index, value in enumerate(steps)
    ]


def _late(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    """Learned days after it was so; often something newer is known by then."""
    return [
        account(when, name, recorded=when + random.randint(1, 5) * DAY, health=random.choice((15, 30, 80)))
    ]


def _ahead(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    """Known before it is so."""
    return [
        account(when, name, recorded=when - random.randint(1, 30) * MINUTE, adoption=random.choice((10, 50)))
    ]


def _contact(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    who = f"{name}-{random.choice(('kim', 'lee'))}"
    values: dict[str, Any] = random.choice(
        (
            {"status": "departed"},
            {"status": "departed", "role": "end_user"},
            {"status": "active"},
            {"role": "champion"},
        )
    )
    return [entry(Kind.CONTACT, who, when, name, **values)]


def _usage(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    who = f"{name}-s{random.randint(0, 1)}"
    return [entry(Kind.SUBSCRIPTION, who, when, name, usage=random.choice((60, 79, 80, 95, None)))]


def _renewal(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    """A corrected date, a signature, or the next term."""
    who = f"{name}-s{random.randint(0, 1)}"
    day: date = when.date() + timedelta(days=random.randint(-3, 45))
    values: dict[str, Any] = random.choice(
        (
            {"renews_on": day},
            {"signed": True},
            {"signed": False},
            {"term": "2027", "renews_on": day},
            {"term": "2027"},
        )
    )
    return [entry(Kind.SUBSCRIPTION, who, when, name, **values)]


def _event(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    late = random.choice((timedelta(0), timedelta(0), 2 * HOUR, 2 * DAY))
    kind = random.choice(("login", "login", "outage", "cancel_requested", "unknown_event"))
    return [happening(kind, when, name, recorded=when + late, carries=_carried(when))]


def _carried(when: datetime) -> dict[str, Any] | None:
    """What an event carries: always the same at the same instant."""
    step = when.day + when.hour + when.minute
    plans: tuple[Any, ...] = ("trial", "pro", "trial", None, 3)
    amounts: tuple[Any, ...] = (120, 40.5, "120", -30, 75, 60)
    carried = {"plan": plans[step % 5], "sale": {"amount": amounts[step % 6]}, "is paid": step % 3 > 0}
    return carried if step % 7 else None


def _move(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    return [account(when, name, timezone=random.choice(ZONES), country=random.choice(COUNTRIES))]


def _stage(random: Random, name: str, when: datetime) -> list[Entry | EventEntry]:
    return [account(when, name, stage=random.choice(("onboarding", "churned", None)))]


_Incident = Callable[[Random, str, datetime], list[Entry | EventEntry]]
_INCIDENTS: Sequence[_Incident] = (
    _health, _health, _flicker, _flicker, _late, _ahead, _contact, _contact, _usage, _usage,
    _renewal, _renewal, _event, _event, _event, _move, _stage,
)  # fmt: skip


def _crowd(random: Random, history: History) -> None:
    """One outage that everybody feels at one instant, which the guard stops."""
    when = _instant(random, START + timedelta(days=history.days // 2), history.end - DAY)
    for name in history.accounts:
        history.inputs.append((when, account(when, name, adoption=12)))
        history.inputs.append((when, happening("outage", when, name)))


def play(company: Player, history: History, ticks: Iterable[datetime]) -> str:
    """Take each input in when it is recorded, act when people act, tick at `ticks`; the ledger at the end.

    A person sees what has been decided until then, so every way to play ticks just before an act, and right
    after it, as the service does. Playbooks go live at START; what is recorded is taken in first.
    """
    company.take(*history.before)
    company.tick(START)
    acts = dict(history.acts)
    waiting = list(history.inputs)
    instants = {*ticks, history.end, *acts, *(each - timedelta(seconds=1) for each in acts)}
    for instant in sorted(each for each in instants if START < each <= history.end):
        ready = [each for when, each in waiting if when <= instant]
        waiting = waiting[len(ready) :]
        if ready:
            company.take(*ready)
        if instant in acts:
            _act(company, acts[instant], instant)
        company.tick(instant)
    return company.ledger()


def _act(company: Player, choice: int, when: datetime) -> None:
    if choice < 0:
        company.release(when)
        return
    if choice >= SILENCE:
        _silence(company, choice - SILENCE, when)
        return
    found = sorted(company.open_tasks(), key=lambda each: each.id)
    if found:
        task = found[choice % len(found)]
        outcomes = task.outcomes or [None]
        company.finish_task(task.id, when, outcomes[choice % len(outcomes)])


def _silence(company: Player, choice: int, when: datetime) -> None:
    """Silence one of the accounts for some days, in one playbook or in all, or end what is silenced."""
    if choice + SILENCE == END_SILENCES:
        company.end_silences(when)
        return
    known = company.accounts()
    name = known[choice % len(known)]
    playbook = (None, None, "slide", "renewal")[choice % 4]
    until = when + (1 + choice % 5) * DAY + choice % 3 * HOUR
    company.silence(name, when, until, playbook)


def every(step: timedelta, history: History) -> list[datetime]:
    """Ticks at an even pace from START to the end."""
    return [START + step * index for index in range(1, (history.end - START) // step + 1)]


def at_random(seed: int, history: History, count: int) -> list[datetime]:
    """Ticks at `count` instants of no pattern."""
    random = Random(seed)
    span = int((history.end - START).total_seconds())
    return [START + timedelta(seconds=random.randint(1, span)) for _ in range(count)]
