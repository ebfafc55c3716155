"""An explanation as one document: the same for the command line, the API and the console."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.clock.zones import format_instant
from engine.conditions.evaluate import Trace
from engine.explanation.judgement import Judged
from engine.explanation.reasoning import Remark, Upcoming
from engine.health.composition import Composition, plain_composition

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Explanation:
    """One playbook and one subject at one instant."""

    playbook: str
    kind: str
    subject_id: str
    account_id: str
    at: datetime
    judged: Judged
    verdict: bool | None
    """Of audience and `when` together; None also where only moments start it."""
    audience: Trace | None
    when: Trace | None
    moments: Sequence[str]
    """What else starts it, in words."""
    reasoning: Sequence[Remark]
    upcoming: Upcoming | None
    """When time alone could next change the answer."""
    episodes: Sequence[Facts]
    runs: Sequence[Facts]
    decisions: Sequence[Facts]
    """The newest ten up to then, oldest first."""
    health: Composition | None = None
    """The account's health then, where the playbook asks about it."""
    waiting: Sequence[Facts] = ()
    """Messages of its open runs that are not to leave yet: what each waits for, and until when."""

    @property
    def conclusion(self) -> str:
        """One sentence: it runs, waits, or why it does not."""
        return self.judged.sentence


def as_plain(found: Explanation) -> dict[str, Any]:
    """The explanation as plain JSON values."""
    coming = found.upcoming
    return {
        "playbook": found.playbook,
        "kind": found.kind,
        "subject": found.subject_id,
        "account_id": found.account_id,
        "at": format_instant(found.at),
        "answer": found.judged.answer,
        "owed": found.judged.owed,
        "conclusion": found.conclusion,
        "verdict": found.verdict,
        "audience": _tree(found.audience),
        "when": _tree(found.when),
        "moments": list(found.moments),
        "reasoning": [
            {"topic": each.topic, "words": each.words, "stops": each.stops} for each in found.reasoning
        ],
        "next": None if coming is None else {"at": format_instant(coming.at), "words": coming.words},
        "episodes": [_json(each) for each in found.episodes],
        "runs": [_json(each) for each in found.runs],
        "waiting": [_json(each) for each in found.waiting],
        "decisions": [_json(each) for each in found.decisions],
        "health": None if found.health is None else plain_composition(found.health),
    }


def _tree(node: Trace | None) -> dict[str, Any] | None:
    if node is None:
        return None
    found: dict[str, Any] = {"path": node.path, "words": node.words, "verdict": node.verdict}
    if node.children:
        found["children"] = [_tree(each) for each in node.children]
    else:
        found.update(actual=node.actual, wanted=node.wanted)
    return found


def _json(row: Facts) -> dict[str, Any]:
    return {name: format_instant(each) if isinstance(each, datetime) else each for name, each in row.items()}
