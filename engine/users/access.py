"""What somebody may do: four kinds of access for people, five permissions beneath them."""

from collections.abc import Collection, Mapping
from enum import StrEnum


class Permission(StrEnum):
    """One thing that may be allowed. Tokens of the API are given them by name."""

    READ = "read"
    """See everything that is shown."""
    TASKS = "tasks"
    """Finish, put off and pass on tasks."""
    DATA = "data"
    """Send in accounts, events and the watermarks of sources."""
    OPS = "ops"
    """Pause playbooks, release holds, send mail again or stop it, silence accounts."""
    ADMIN = "admin"
    """Say who may sign in, make and revoke tokens, try connectors."""


class Access(StrEnum):
    """What a person may do in the console. Which tasks find the person is another matter: the role."""

    VIEWER = "viewer"
    CSM = "csm"
    OPS = "ops"
    ADMIN = "admin"


ALL = frozenset(Permission)

GRANTS: Mapping[Access, frozenset[Permission]] = {
    Access.VIEWER: frozenset({Permission.READ}),
    Access.CSM: frozenset({Permission.READ, Permission.TASKS}),
    Access.OPS: ALL - {Permission.ADMIN},
    Access.ADMIN: ALL,
}


def access_of(permissions: Collection[Permission]) -> Access | None:
    """The most that these permissions amount to; None when they do not even allow to read."""
    held = frozenset(permissions)
    return next((each for each in reversed(Access) if GRANTS[each] <= held), None)
