"""How a role finds its person, told step by step."""

from collections.abc import Mapping

from engine.conditions.catalogue import Value
from engine.runs.owners import Team


def owner_trail(team: Team, role: str, account: Mapping[str, Value]) -> tuple[str, tuple[str, ...]]:
    """Who gets a task for `role`, and a sentence for every role that was asked."""
    trail: list[str] = []
    seen: list[str] = []
    name: str | None = role
    while name is not None and name not in seen:
        seen.append(name)
        found = _alone(team, name, account)
        spec = team.roles.get(name)
        fallback = spec.fallback if spec else None
        if found is not None:
            return found, (*trail, f"{name}: {_source(team, name)} is {_named(team, found)}")
        trail.append(_nobody(team, name, fallback))
        name = fallback
    return team.owner(role, account), tuple(trail)


def _alone(team: Team, role: str, account: Mapping[str, Value]) -> str | None:
    """The person the role finds without its fallback."""
    spec = team.roles.get(role)
    if spec is None:
        return None
    own = Team({**team.roles, role: spec.model_copy(update={"fallback": None})}, team.people)
    found = own.owner(role, account)
    return None if found == f"team:{role}" else found


def _source(team: Team, role: str) -> str:
    spec = team.roles[role]
    return spec.field or f"the manager of {spec.manager_of}"


def _nobody(team: Team, role: str, fallback: str | None) -> str:
    spec = team.roles.get(role)
    is_queue = spec is None or (spec.field is None and spec.manager_of is None)
    found = "names nobody" if is_queue else f"{_source(team, role)} names nobody"
    return (
        f"{role}: {found}, so {fallback} is asked"
        if fallback
        else f"{role}: {found}, so its shared queue gets it"
    )


def _named(team: Team, person_id: str) -> str:
    person = team.people.get(person_id)
    return f"{person_id} ({person.name})" if person else f"{person_id}, of whom nothing else is known"
