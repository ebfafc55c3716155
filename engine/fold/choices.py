"""Which branch of a step is taken: the first whose condition is true."""

from dataclasses import dataclass

from engine.conditions.evaluate import because, evaluate, trace
from engine.conditions.view import View
from engine.rulefile.model import Action, ChooseAction, Deed


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a step does, and for `choose:` which branch says so, counted from 1, and why."""

    deed: Deed
    branch: int | None = None
    why: str = ""


def chosen(action: Action, view: View) -> Chosen | str:
    """What the action comes to now; where no branch is true, the reason with all that was compared."""
    if not isinstance(action, ChooseAction):
        return Chosen(action)
    passed: list[str] = []
    for number, branch in enumerate(action.branches, start=1):
        if branch.condition is None:
            return Chosen(branch.action, number, "no other was true" if passed else "always")
        words = because(trace(branch.condition, view))
        verdict = evaluate(branch.condition, view)
        if verdict:
            return Chosen(branch.action, number, words)
        passed.append(f"{number}: {words}" if verdict is False else f"{number}: unknown: {words}")
    return f"no branch is true ({'; '.join(passed)})"
