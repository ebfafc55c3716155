"""The proof a shard must pass before it may confirm anything.

For each predicate there are facts on both sides of its boundary, equal to it and missing, while the other
predicates have values that let it decide the condition's verdict. The library's answers must be the
reference evaluator's.
"""

from collections.abc import Iterator, Mapping

from engine.conditions.evaluate import evaluate
from engine.conditions.tree import Condition
from engine.match.question import Question, question
from engine.match.samples import views
from engine.match.shard import Shard


def failure(shard: Shard, conditions: Mapping[str, Condition]) -> str | None:
    """What the shard got wrong, or None when it agrees with the reference everywhere."""
    questions = [each for rule, condition in conditions.items() for each in _questions(rule, condition)]
    for asked, answer in zip(
        questions, shard.answers([(each.rule, each.facts) for each in questions]), strict=True
    ):
        if answer is not asked.expected:
            return (
                f"for {asked.rule} with {dict(asked.facts)} durable-rules says {answer}, "
                f"the reference {asked.expected}"
            )
    return None


def _questions(rule: str, condition: Condition) -> Iterator[Question]:
    for number, view in enumerate(views(condition)):
        yield question(rule, f"sample {number}", condition, view, evaluate(condition, view))
