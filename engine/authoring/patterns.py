"""First drafts of playbooks: a rule file, its templates and its test, with places to fill in.

`@NAME@`, `@TITLE@`, `@OWNER@` and `@ROLE@` stand for what the author says.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way for a playbook to begin."""

    subject: str
    about: str
    """One line for whoever chooses."""
    rule: str
    """What follows the head that all drafts share."""
    templates: Mapping[str, str]
    """Texts by path below the templates folder."""
    tests: str


HEAD = """\
playbook: @NAME@
title: "@TITLE@"
owner: "@OWNER@"
review_every: 90d
subject: @SUBJECT@
"""

_TASK_TEST = """\
tests:
  - name: a drop below 40 gives a task
    at: 2026-03-02T12:00:00Z
    given:
      account: {id: acme, name: Acme, health: 72, timezone: UTC}
    timeline:
      - {at: +1h, account: {health: 40}, expect: nothing}
      - {at: +2h, account: {health: 39}, expect: {starts: 1, tasks: [{step: call, title: "@TITLE@: Acme"}]}}
  - name: a week at 60 ends it
    at: 2026-03-02T12:00:00Z
    given:
      account: {id: acme, name: Acme, health: 72, timezone: UTC}
    timeline:
      - {at: +1h, account: {health: 20}, expect: {starts: 1, tasks: [call]}}
      - {at: +2h, account: {health: 60}}
      - {at: +8d, expect: {ended: recovered, open: []}}
"""

PATTERNS: Mapping[str, Pattern] = {
    "health": Pattern(
        "account",
        "an account's health drops, and somebody gets a task",
        """\
when: {field: account.health, drops_below: 40, recovers_at: 50}
cooldown: 30d

steps:
  - id: call
    day: 0
    task:
      to: @ROLE@
      title: "@TITLE@: {{ account.name }}"
      template: @NAME@-call
      due: 1bd
      outcomes: [reached, no_answer]

exit:
  - {outcome: recovered, when: {field: account.health, at_least: 60}, for: 7d}
  - {outcome: churned, when: {field: account.stage, equals: churned}}
""",
        {
            "tasks/@NAME@-call.md.j2": "{{ account.name }}: {{ run.reason }}.\n\n"
            "1. What changed?\n2. Who is affected?\n3. What do we offer?\n"
        },
        _TASK_TEST,
    ),
    "silence": Pattern(
        "account",
        "nobody has logged in for two weeks, and a contact gets an email",
        """\
when: {event: login, absent_for: 14d}
cooldown: 60d

steps:
  - id: hello
    day: 0
    email: {to: [champion, any], template: @NAME@-hello, topic: tips}
    expires: 3d
  - id: again
    day: 7
    email: {to: [champion, any], template: @NAME@-again, topic: tips}
    expires: 3d

exit:
  - {outcome: returned, on: {event: login}}
""",
        {
            "emails/@NAME@-hello/subject.txt.j2": "Can we help with {{ brand }}?\n",
            "emails/@NAME@-hello/body.txt.j2": 'Hi {{ contact.name | default("there") }},\n\n'
            "it has been a while. Is there anything we can help {{ account.name }} with?\n",
            "emails/@NAME@-hello/body.html.j2": '<p>Hi {{ contact.name | default("there") }},</p>\n'
            "<p>it has been a while. Is there anything we can help {{ account.name }} with?</p>\n",
            "emails/@NAME@-again/subject.txt.j2": "One idea for {{ account.name }}\n",
            "emails/@NAME@-again/body.txt.j2": 'Hi {{ contact.name | default("there") }},\n\n'
            "here is one idea that others found useful.\n",
            "emails/@NAME@-again/body.html.j2": '<p>Hi {{ contact.name | default("there") }},</p>\n'
            "<p>here is one idea that others found useful.</p>\n",
        },
        """\
tests:
  - name: two weeks without a login write to the champion
    at: 2026-03-02T12:00:00Z
    given:
      account: {id: acme, name: Acme, timezone: UTC}
      contacts: [{id: kim, name: Kim Lee, role: champion, status: active, email: kim@acme.example}]
      earlier: [{at: -1d, event: login}]
    timeline:
      - {at: 2026-03-15T11:59:59Z, expect: nothing}
      - {at: 2026-03-17T23:59:59Z, expect: {starts: 1, emails: [{step: hello, to: kim@acme.example}]}}
      - {at: 2026-03-18T12:00:00Z, event: login, expect: {ended: returned}}
""",
    ),
    "departure": Pattern(
        "contact",
        "a champion leaves, and somebody gets a task",
        """\
on:
  field: contact.status
  changes_to: departed
  if: {field: contact.role, equals: champion}

steps:
  - id: replace
    day: 0
    task: {to: @ROLE@, title: "@TITLE@: {{ account.name }}", template: @NAME@-replace, due: 2bd}
""",
        {
            "tasks/@NAME@-replace.md.j2": '{{ contact.name | default("The champion") }} has left '
            "{{ account.name }}.\n\n"
            "1. Who takes over?\n2. What did they know?\n3. Who introduces us?\n"
        },
        """\
tests:
  - name: a champion who leaves gives a task, anybody else none
    at: 2026-03-02T12:00:00Z
    given:
      account: {id: acme, name: Acme, timezone: UTC}
      contacts:
        - {id: kim, name: Kim Lee, role: champion, status: active}
        - {id: uwe, name: Uwe Fuchs, role: end_user, status: active}
    timeline:
      - {at: +1h, contact: {id: uwe, status: departed}, expect: nothing}
      - at: +2h
        contact: {id: kim, status: departed}
        expect: {starts: 1, tasks: [{step: replace, title: "@TITLE@: Acme"}]}
""",
    ),
    "renewal": Pattern(
        "subscription",
        "a subscription renews in 90 days, and somebody gets a task",
        """\
when: {field: subscription.renews_on, days_until: {between: [0, 90]}}
run_per: subscription.renews_on
anchor: subscription.renews_on
existing: fire

steps:
  - id: intent
    at: T-90
    task:
      to: @ROLE@
      title: "@TITLE@: {{ account.name }}"
      template: @NAME@-intent
      due: 5bd
      outcomes: [renewing, undecided, leaving]

exit:
  - {outcome: renewed, when: {field: subscription.signed, equals: true}}
""",
        {
            "tasks/@NAME@-intent.md.j2": "The subscription of {{ account.name }} renews on "
            "{{ subscription.renews_on | date }}.\n\n1. Do they stay?\n2. On what plan?\n3. Who signs?\n"
        },
        """\
tests:
  - name: ninety days before the renewal somebody asks
    at: 2026-03-02T12:00:00Z
    given:
      account: {id: acme, name: Acme, timezone: UTC}
      subscriptions: [{id: plan, renews_on: 2026-06-10, status: active}]
    timeline:
      - {at: 2026-03-11T23:59:59Z, expect: nothing}
      - {at: 2026-03-12T23:59:59Z, expect: {starts: 1, tasks: [{step: intent, title: "@TITLE@: Acme"}]}}
      - {at: 2026-03-14T12:00:00Z, subscription: {signed: true}, expect: {ended: renewed, open: []}}
""",
    ),
    "ticket": Pattern(
        "ticket",
        "a pressing ticket stays open for a day, and somebody gets a task",
        """\
when:
  all:
    - {field: ticket.status, equals: open}
    - {field: ticket.priority, in: [high, urgent]}
for: 1d

steps:
  - id: help
    day: 0
    task: {to: @ROLE@, title: "@TITLE@: {{ account.name }}", template: @NAME@-help, due: 1bd}

exit:
  - {outcome: closed, when: {field: ticket.status, equals: closed}}
""",
        {
            "tasks/@NAME@-help.md.j2": 'The ticket "{{ ticket.subject | default("without a subject") }}" is '
            "{{ ticket.priority }} and still open.\n\n1. Who works on it?\n2. What does the customer know?\n"
        },
        """\
tests:
  - name: a day of high priority gives a task
    at: 2026-03-02T12:00:00Z
    given:
      account: {id: acme, name: Acme, timezone: UTC}
      tickets: [{id: t-1, subject: No login, status: open, priority: low}]
    timeline:
      - {at: +1h, ticket: {priority: urgent}}
      - {at: +1d, expect: nothing}
      - {at: +3d, expect: {starts: 1, tasks: [{step: help, title: "@TITLE@: Acme"}]}}
      - {at: +4d, ticket: {status: closed}, expect: {ended: closed, open: []}}
""",
    ),
}
"""By the name under which an author asks for one."""
