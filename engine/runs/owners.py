"""Who a task goes to. No task is ownerless: a role that finds nobody has a shared queue."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.conditions.catalogue import Value
from engine.settings import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on our side."""

    id: str
    name: str
    email: str | None = None
    role: str = "csm"
    manager: str | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """The roles of the configuration and the people who can fill them."""

    roles: Mapping[str, Role]
    people: Mapping[str, Person]

    def owner(self, role: str, account: Mapping[str, Value]) -> str:
        """The person's id, or `team:ROLE` of the last fallback."""
        seen: list[str] = []
        name: str | None = role
        while name is not None and name not in seen:
            seen.append(name)
            found = self._person(name, account)
            if found is not None:
                return found
            spec = self.roles.get(name)
            name = spec.fallback if spec else None
        return f"team:{seen[-1]}"

    def _person(
        self, role: str, account: Mapping[str, Value], asked: frozenset[str] = frozenset()
    ) -> str | None:
        """Whom the role itself finds; a role that asks for itself finds nobody."""
        spec = self.roles.get(role)
        if spec is None or role in asked:
            return None
        if spec.field is not None:
            named = account.get(spec.field.removeprefix("account."))
            return named if isinstance(named, str) and named else None
        if spec.manager_of is not None:
            person = self.people.get(self._person(spec.manager_of, account, asked | {role}) or "")
            return person.manager if person else None
        return None
