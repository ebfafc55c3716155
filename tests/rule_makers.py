"""Random but repeatable playbooks over the fields and events of random histories."""

import json
from random import Random
from typing import Any

NUMBERS = {"account": ("health", "adoption"), "subscription": ("usage",)}
EVENTS = ("login", "outage", "cancel_requested")
CARRIED = (
    {"field": "event.plan", "equals": "trial"},
    {"none": [{"field": "event.plan", "equals": "trial"}, {"field": "event.is paid", "equals": True}]},
    {"field": "event.sale.amount", "at_least": 50},
)
DEEPEST = 2


def random_playbooks(seed: int, count: int) -> list[str]:
    """Sound playbooks, each with other triggers and keys; equal seeds give equal playbooks."""
    random = Random(seed)
    names = [f"made-{index}" for index in range(count)]
    return [json.dumps(_playbook(random, name, names[:index])) for index, name in enumerate(names)]


def _playbook(random: Random, name: str, earlier: list[str]) -> dict[str, Any]:
    subject = random.choice(("account", "account", "contact", "subscription"))
    found: dict[str, Any] = {"playbook": name, "title": name, "owner": "cs", "subject": subject}
    starts = random.choice(("when", "when", "on", "both"))
    if starts != "on":
        found["when"] = _condition(random, subject, 0)
        found |= _some(
            random,
            {
                "for": random.choice(("6h", "2d")),
                "keep_active_for": random.choice(("12h", "2d")),
                "repeat_every": random.choice(("30h", "4d")),
                "on_missing": random.choice(("true", "false")),
                "existing": random.choice(("fire", {"since": "10d"})),
            },
        )
    if starts != "when":
        found["on"] = _moment(random, subject)
    if random.random() < 0.4:
        found["audience"] = _condition(random, subject, 1)
        if random.random() < 0.5:
            found["audience"] |= {"leave": "exit"}
    if earlier and random.random() < 0.4:
        held = random.choice(("hold", "cancel"))
        found["mutes"] = {"playbooks": [random.choice(earlier)], "open_steps": held}
    found |= _some(
        random,
        {
            "cooldown": random.choice(("1d", "3d")),
            "mode": "restart",
            "guard": {"max_starts": 1, "within": "3h"},
        },
    )
    task: dict[str, Any] = {"to": "csm", "title": "Ask", "due": "1bd"}
    task |= _some(random, {"outcomes": ["yes", "no"]})
    found["steps"] = [
        {"id": "ask", "day": random.choice((0, 1)), "task": task},
        {"id": "tell", "day": 2, "message": {"via": "slack", "to": "#cs", "template": "note"}},
    ]
    if random.random() < 0.6:
        found["exit"] = [{"outcome": "over", "when": _condition(random, subject, 1), "for": "4h"}]
    return found


def _some(random: Random, keys: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if random.random() < 0.35}


def _condition(random: Random, subject: str, depth: int) -> dict[str, Any]:
    if depth < DEEPEST and random.random() < 0.35:
        members = [_condition(random, subject, depth + 1) for _ in range(random.randint(1, 3))]
        return {random.choice(("all", "any", "none")): members}
    return random.choice((_of_number, _of_number, _of_change, _of_event, _of_events, _of_stage))(
        random, subject
    )


def _number(random: Random, subject: str) -> str:
    kind = random.choice([each for each in NUMBERS if each in ("account", subject)])
    return f"{kind}.{random.choice(NUMBERS[kind])}"


def _of_number(random: Random, subject: str) -> dict[str, Any]:
    operator = random.choice(("below", "at_least", "drops_below", "rises_above", "between"))
    level = random.choice((20, 40, 50, 80))
    value: Any = [level, level + 20] if operator == "between" else level
    return {"field": _number(random, subject), operator: value}


def _of_change(random: Random, subject: str) -> dict[str, Any]:
    operator = random.choice(("drops_by", "rises_by"))
    field = _number(random, subject)
    amount = random.choice((10, 25) if field == "account.adoption" else (10, 25, "20%"))
    return {"field": field, operator: amount, "within": random.choice(("36h", "4d"))}


def _of_event(random: Random, subject: str) -> dict[str, Any]:
    asked: dict[str, Any] = random.choice(
        ({"within": "2d"}, {"absent_for": "3d"}, {"at_least": 2, "within": "5d"})
    )
    return {"event": random.choice(EVENTS), **asked, **_some(random, {"where": random.choice(CARRIED)})}


def _of_events(random: Random, subject: str) -> dict[str, Any]:
    about: dict[str, Any] = random.choice(
        ({"count": "event", "at_least": 2}, {"sum": "event.sale.amount", "above": 90})
    )
    asked = {**about, "name": random.choice(EVENTS), "within": random.choice(("2d", "5d"))}
    return {**asked, **_some(random, {"where": random.choice(CARRIED)})}


def _of_stage(random: Random, subject: str) -> dict[str, Any]:
    asked: dict[str, Any] = random.choice(({"is_missing": True}, {"is_set": True}, {"equals": "churned"}))
    return {"field": "account.stage", **asked}


def _moment(random: Random, subject: str) -> dict[str, Any]:
    if subject == "contact" and random.random() < 0.5:
        return {"field": "contact.status", "changes_to": "departed"}
    if subject == "account" and random.random() < 0.5:
        return {"event": random.choice(EVENTS), **_some(random, {"where": random.choice(CARRIED)})}
    moment: dict[str, Any] = {"field": _number(random, subject), "changes": True}
    return moment | ({"if": _condition(random, subject, 1)} if random.random() < 0.5 else {})
