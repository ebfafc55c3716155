"""Whose accounts somebody sees: one value, which the database understands."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, exists, or_, select, true

from engine.state.tables import Account, Person, Task

_ACCOUNT: Table = Account.__table__  # type: ignore[attr-defined]
_PERSON: Table = Person.__table__  # type: ignore[attr-defined]
_TASK: Table = Task.__table__  # type: ignore[attr-defined]

_OWNERS = ("csm", "ae", "exec_sponsor")
"""The fields of an account that name people of ours."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which accounts somebody may see: all of them, or those of the team."""

    person_id: str | None = None
    team: frozenset[str] | None = None
    """The people whose accounts are seen; None for every account."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is hidden."""
        return self.team is None

    def sees(self, account_id: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition that the account of that id may be seen, for any query that has its id in a column.

        Seen are the accounts that name somebody of the team, those that nobody looks after, and those in
        which the person has an open task.
        """
        if self.team is None:
            return true()
        account, task = _ACCOUNT.alias("seen_account"), _TASK.alias("own_task")
        team = sorted(self.team)
        named = [account.c[name].in_(team) for name in _OWNERS]
        own = exists().where(
            task.c.account_id == account.c.id, task.c.state == "open", task.c.assignee == self.person_id
        )
        return exists().where(account.c.id == account_id, or_(account.c.csm.is_(None), *named, own))

    def sees_task(self, account_id: ColumnElement[str], assignee: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition that a task may be seen: it is one's own, or its account may be seen."""
        return true() if self.team is None else or_(assignee == self.person_id, self.sees(account_id))

    def may_see(self, connection: Connection, account_id: str) -> bool:
        """Whether the account of that id may be seen. One that does not exist may be seen by nobody."""
        query = select(_ACCOUNT.c.id).where(_ACCOUNT.c.id == account_id, self.sees(_ACCOUNT.c.id))
        return connection.scalar(query) is not None


EVERYTHING = Scope()


def team_scope(connection: Connection, person_id: str) -> Scope:
    """What a person sees whose sight ends at the team."""
    rows = connection.execute(select(_PERSON.c.id, _PERSON.c.manager))
    return Scope(person_id, team_of(person_id, {row.id: row.manager for row in rows}))


def team_of(person_id: str, managers: Mapping[str, str | None]) -> frozenset[str]:
    """The person's team: the manager with all who report there, and everybody beneath the person.

    `managers` has everybody's manager by id, None for those who have none.
    """
    above = managers.get(person_id)
    beside = {above, *(each for each, manager in managers.items() if manager == above)} if above else set()
    return frozenset({person_id, *beside, *_beneath(person_id, managers)} - {None})


def _beneath(person_id: str, managers: Mapping[str, str | None]) -> set[str]:
    """Everybody whose line of managers leads to the person; a line that runs in a circle ends."""
    found: set[str] = set()
    looked_at = {person_id}
    while looked_at:
        looked_at = {each for each, manager in managers.items() if manager in looked_at} - found
        found |= looked_at
    return found
