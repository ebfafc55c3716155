"""Two playbooks that give the same person the same task, and two steps that ask for the same thing."""

from collections.abc import Callable, Iterable, Iterator

from engine.authoring.possible import Claim, conflict
from engine.authoring.warning import Warned
from engine.conditions.catalogue import Kind
from engine.conditions.tree import Condition, Group, Predicate, predicates
from engine.rulefile.model import Playbook, Step, TaskAction, deeds
from engine.rulefile.problem import quote


def overlaps(
    playbooks: Iterable[Playbook], place: Callable[[Playbook, str], str]
) -> Iterator[tuple[Playbook, Warned]]:
    """A warning at every step that asks the same of the same role as an earlier playbook's.

    `place` says where a path of a playbook stands. Playbooks whose audiences have no account in common
    never meet.
    """
    by_task: dict[tuple[str, str], list[tuple[Playbook, str]]] = {}
    for playbook in playbooks:
        for step_id, keys in _tasks(playbook):
            for key in keys:
                by_task.setdefault(key, []).append((playbook, step_id))
    told = set()
    for same in by_task.values():
        for index, (playbook, step_id) in enumerate(same):
            first = next((each for each in same[:index] if _can_meet(each[0], playbook)), None)
            if first is None or (playbook.name, step_id, first[0].name, first[1]) in told:
                continue
            told.add((playbook.name, step_id, first[0].name, first[1]))
            where = place(first[0], f"steps.{first[1]}")
            yield (
                playbook,
                Warned(
                    f"steps.{step_id}",
                    f"step {step_id}: gives the same task to the same role as step {first[1]} of "
                    f"{quote(first[0].name)} ({where}); tell them apart, or keep one",
                ),
            )


def purposes(
    playbooks: Iterable[Playbook], place: Callable[[Playbook, str], str]
) -> Iterator[tuple[Playbook, Warned]]:
    """A warning at every step with the purpose of an earlier one that can act for the same account.

    Steps of one playbook whose conditions exclude each other never both act.
    """
    known: dict[str, list[tuple[Playbook, Step]]] = {}
    for playbook in playbooks:
        for step in playbook.steps:
            if step.purpose is None:
                continue
            same = known.setdefault(step.purpose, [])
            first = next((each for each in same if _can_both_act(each, (playbook, step))), None)
            same.append((playbook, step))
            if first is not None:
                at = place(first[0], f"steps.{first[1].id}")
                where = f"step {first[1].id} of {quote(first[0].name)} ({at}), for the same account"
                told = f"step {step.id}: purpose: {step.purpose} is also that of {where}"
                yield playbook, Warned(f"steps.{step.id}.purpose", told)


def _can_both_act(one: tuple[Playbook, Step], other: tuple[Playbook, Step]) -> bool:
    if one[0].name != other[0].name:
        return _can_meet(one[0], other[0])
    claims: list[Claim] = [(each, True) for _, step in (one, other) if (each := step.condition) is not None]
    return len(claims) < 2 or conflict(claims) is None


def _tasks(playbook: Playbook) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """Every task by what it asks of whom: its guidance, or its title."""
    for step in playbook.steps:
        keys: set[tuple[str, str]] = set()
        for deed in deeds(step.action):
            if isinstance(deed, TaskAction):
                keys.add((deed.to, f"title {' '.join(deed.title.lower().split())}"))
            if isinstance(deed, TaskAction) and deed.template is not None:
                keys.add((deed.to, f"template {deed.template}"))
        yield step.id, keys


def _can_meet(first: Playbook, second: Playbook) -> bool:
    """Whether one account can be in the audience of both playbooks, which must be two."""
    if first.name == second.name:
        return False
    claims = [
        (each, True) for audience in (first.audience, second.audience) for each in _of_account(audience)
    ]
    return not claims or conflict(claims) is None


def _of_account(audience: Condition | None) -> list[Condition]:
    """What must be so of the account; of its contacts and subscriptions one may be so and another not."""
    if audience is None:
        return []
    if isinstance(audience, Group) and audience.kind == "all":
        return [each for member in audience.members for each in _of_account(member)]
    return [audience] if all(map(_is_of_account, predicates(audience))) else []


def _is_of_account(predicate: Predicate) -> bool:
    return all(each is None or each.kind is Kind.ACCOUNT for each in (predicate.field, predicate.of))
