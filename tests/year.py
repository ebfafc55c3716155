"""Playbooks of every kind, each with the second reading of what it must do in a year."""

from collections.abc import Mapping

from tests.round_readings import first_business, last_business, quarterly, spread, thirtieth, weekly, yearly
from tests.state_readings import (
    Oracle,
    absent,
    busy,
    cooled,
    drops,
    held,
    kept,
    repeated,
    since,
    until,
    within,
)
from tests.step_readings import aged, anchored, left, spoiled, valued, worked

_NOTE = """
steps:
  - {id: note, day: 0, expires: 3660d, message: {via: slack, to: "#all", template: note}}
"""
_ANCHORED = """
steps:
  - {id: early, at: T-45, message: {via: slack, to: "#all", template: note}}
  - {id: middle, at: T-14, message: {via: slack, to: "#all", template: note}}
  - {id: last, at: T-0, message: {via: slack, to: "#all", template: note}}
  - {id: later, at: T+10, message: {via: slack, to: "#all", template: note}}
"""
_WORK = """
steps:
  - {id: a, day: 0, task: {to: csm, title: A, due: 1bd}, escalate: {after: 2bd, to: csm_manager}}
  - {id: mail, day: 0, email: {to: any, template: hello, topic: t}}
  - {id: b, day: 3, task: {to: csm, title: B, due: 4h}}
  - {id: c, day: 2bd, task: {to: csm, title: C, due: 2d}}
  - {id: d, after: a + 3bd, task: {to: csm, title: D, due: 1bd}}
  - {id: e, after: b + 5h, task: {to: csm, title: E, due: 1d}, escalate: {after: 6h, to: csm_manager}}
"""
_LEFT = """
steps:
  - {id: never, on: {event: never}, message: {via: slack, to: "#all", template: note}}
exit:
  - {outcome: fine, when: {field: account.health, at_least: 60}, for: 3d}
"""
_SPOILED = """
steps:
  - {id: soon, day: 1, expires: 1d, message: {via: slack, to: "#all", template: note}}
  - {id: work, day: 2, expires: 1bd, message: {via: slack, to: "#all", template: note}}
  - {id: task, day: 0, task: {to: csm, title: T}}
"""
_AGED = """
steps:
  - {id: a, at: T+7, message: {via: slack, to: "#all", template: note}}
  - {id: b, at: T+30, message: {via: slack, to: "#all", template: note}}
  - {id: c, at: T+90, message: {via: slack, to: "#all", template: note}}
  - {id: d, at: T+365, message: {via: slack, to: "#all", template: note}}
"""
_VALUED = """
steps:
  - {id: week, at: T+7, message: {via: slack, to: "#all", template: note}}
  - {id: month, at: T+30, message: {via: slack, to: "#all", template: note}}
"""
_LOW = "when: {field: account.health, below: 40}\n"

KINDS: Mapping[str, tuple[str, Oracle]] = {
    "drops": ("when: {field: account.health, drops_below: 40, recovers_at: 50}" + _NOTE, drops),
    "held": (_LOW + "for: 2d" + _NOTE, held),
    "cooled": (_LOW + "cooldown: 7d" + _NOTE, cooled),
    "repeated": (_LOW + "repeat_every: 5d" + _NOTE, repeated),
    "kept": (_LOW + "keep_active_for: 5d" + _NOTE, kept),
    "until": ("when: {field: account.renews_on, days_until: {between: [0, 30]}}" + _NOTE, until),
    "anchored": (
        "when: {field: account.renews_on, days_until: {between: [0, 60]}}\n"
        "run_per: account.plan\nanchor: account.renews_on\nlate: run" + _ANCHORED,
        anchored,
    ),
    "since": (
        "when: {any: ["
        + ", ".join(f"{{field: account.customer_since, days_since: {{equals: {n}}}}}" for n in (30, 90, 365))
        + "]}"
        + _NOTE,
        since,
    ),
    "aged": (
        "when: {field: account.customer_since, is_set: true}\nexisting: fire\n"
        "anchor: account.customer_since\nlate: latest" + _AGED,
        aged,
    ),
    "valued": (
        "when: {field: account.first_value_at, is_set: true}\nanchor: account.first_value_at" + _VALUED,
        valued,
    ),
    "within": ("when: {event: login, within: 7d}" + _NOTE, within),
    "absent": ("when: {event: login, absent_for: 14d}" + _NOTE, absent),
    "busy": ("when: {event: spike, at_least: 3, within: 4d}" + _NOTE, busy),
    "first": ("every: {month: first business day}" + _NOTE, first_business),
    "final": ("every: {month: last business day}" + _NOTE, last_business),
    "thirtieth": ("every: {month: 30}" + _NOTE, thirtieth),
    "quarterly": ("every: {quarter: first business day}" + _NOTE, quarterly),
    "spread": ("every: {quarter: first business day, spread: 10bd}" + _NOTE, spread),
    "weekly": ("every: {week: thursday}" + _NOTE, weekly),
    "yearly": ("every: {year: account.customer_since}" + _NOTE, yearly),
    "worked": ("on: {event: kick}\nmode: restart" + _WORK, worked),
    "left": ("on: {event: kick}" + _LEFT, left),
    "spoiled": ("on: {event: kick}\nmode: restart" + _SPOILED, spoiled),
}
"""A playbook of each kind without its head, and what it must do."""


def playbooks() -> list[str]:
    """All of them as files."""
    head = "title: T\nowner: cs\nsubject: account\nguard: {max_starts: 1000000}\n"
    return [f"playbook: {name}\n{head}{body}" for name, (body, _) in KINDS.items()]
