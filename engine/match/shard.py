"""One rule set of durable-rules with a few conditions, driven within what the library is known to hold.

The stock host starts two polling threads; this one starts none, and a shard hands over its matches itself.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import durable_rules_engine
from durable.engine import Host, MessageNotHandledException, MessageObservedException, Ruleset

from engine.conditions.tree import Condition
from engine.match.compile import (
    BATCH,
    DISCRIMINATOR,
    MOST_CONDITIONS,
    Expression,
    fact_properties,
    rules_of,
)
from engine.match.requests import Answer, Asked

_SID = "0"
_BEACON = -1
_CAP = 500
_BEACON_SLOT = "beacon"
_BEACON_FACT: dict[str, int | str] = {"sid": _SID, "id": _BEACON, DISCRIMINATOR: _BEACON_SLOT}

logger = logging.getLogger(__name__)


class _QuietHost(Host):  # type: ignore[misc]
    """A host without threads."""

    def _run(self) -> None:
        """Starts nothing: the shard drives its rule set."""


class Shard:
    """Some conditions as one rule set. Not for use by more than one thread."""

    def __init__(self, name: str, conditions: Mapping[str, Condition]) -> None:
        """Compile the conditions, at most MOST_CONDITIONS. Raises OutsideEnvelope."""
        if len(conditions) > MOST_CONDITIONS:
            raise ValueError(f"shard {name} has {len(conditions)} conditions; at most {MOST_CONDITIONS}")
        self._slots = {rule: f"c{index}" for index, rule in enumerate(conditions)}
        self._matches: set[tuple[bool, int]] = set()
        definition: dict[str, Any] = {
            _BEACON_SLOT: _rule({DISCRIMINATOR: _BEACON_SLOT}, self._recorder(True))
        }
        for rule, condition in conditions.items():
            slot = self._slots[rule]
            for verdict, pattern in zip((True, False), rules_of(condition, slot), strict=True):
                name = f"{slot}_{'yes' if verdict else 'no'}"
                definition[name] = _rule(pattern, self._recorder(verdict))
        self._ruleset = Ruleset(name, _QuietHost(), definition)

    def answers(self, questions: Sequence[Asked]) -> list[Answer]:
        """The library's verdict for each question."""
        found: list[Answer] = []
        for start in range(0, len(questions), BATCH):
            found.extend(self._batch(questions[start : start + BATCH]))
        return found

    def _batch(self, questions: Sequence[Asked]) -> list[Answer]:
        """One batch between a fresh state and its deletion.

        The library crashes on deleting a state for which no rule has fired, so one always does: the beacon's.
        """
        self._matches.clear()
        self._assert([_BEACON_FACT, *(self._fact(number, each) for number, each in enumerate(questions))])
        self._drain()
        if (True, _BEACON) not in self._matches:
            raise RuntimeError("durable-rules lost the match that every batch has")
        self._ruleset.delete_state(_SID)
        return [self._answer(number) for number in range(len(questions))]

    def _fact(self, number: int, question: Asked) -> dict[str, int | str]:
        rule, facts = question
        return {"sid": _SID, "id": number, **fact_properties(self._slots[rule], facts)}

    def _assert(self, facts: list[dict[str, int | str]]) -> None:
        """Assert facts. That some match no rule, or share a 32-bit hash with others, is no error here."""
        try:
            self._ruleset.assert_facts(facts)
        except MessageNotHandledException:
            pass
        except MessageObservedException as error:
            logger.debug("a fact was taken for one already seen: %s", error)

    def _drain(self) -> None:
        """Run the recording actions until nothing is left to match."""
        while pending := durable_rules_engine.start_action(self._ruleset._handle):
            state, message, handle = pending
            self._ruleset._flush_actions(json.loads(state), {"message": json.loads(message)}, handle, _raise)

    def _recorder(self, verdict: bool) -> Callable[[Any], None]:
        """An action of exactly one parameter: with more, the library loses matches."""

        def record(closure: Any) -> None:
            matched = closure.m if isinstance(closure.m, list) else [closure.m]
            self._matches.update((verdict, message.id) for message in matched)

        return record

    def _answer(self, number: int) -> Answer:
        is_true, is_false = (True, number) in self._matches, (False, number) in self._matches
        if is_true and is_false:
            return "both true and false"
        return True if is_true else False if is_false else None


def _rule(pattern: Expression, action: Callable[[Any], None]) -> dict[str, Any]:
    return {"all": [{"m": pattern}], "cap": _CAP, "run": action}


def _raise(error: Any, state: Any) -> None:
    if error is not None:
        raise RuntimeError(f"durable-rules failed in an action: {error}")
