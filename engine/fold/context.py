"""What a template may name."""

from typing import Any

from engine.conditions.catalogue import Kind, Value
from engine.fold.case import Case
from engine.rulefile.model import Playbook
from engine.runs.run import Run


def context(case: Case, playbook: Playbook, run: Run) -> dict[str, Any]:
    """Names and values for a template: plain mappings in which a missing field is absent.

    `champion` and `csm` are always named, so that a template can give a default for what they lack.
    """
    own_kind = Kind(run.kind)
    found: dict[str, Any] = {
        "account": _account(case),
        "playbook": {"name": playbook.name, "title": playbook.title},
        "run": {"started_at": run.started_at, "reason": run.reason},
        "today": case.calendar.day_of(case.now),
        "brand": case.world.settings.email.brand,
        "footer": case.world.settings.email.footer,
        "champion": None,
        "csm": None,
    }
    if own_kind is not Kind.ACCOUNT:
        found[own_kind.value] = subject_values(case, own_kind, run.subject_id)
    champion = find_contact(case, ("champion",))
    if champion is not None:
        found["champion"] = subject_values(case, Kind.CONTACT, champion)
    csm = case.world.team.people.get(case.world.team.owner("csm", case.account))
    if csm is not None:
        found["csm"] = {"name": csm.name, "email": csm.email}
    return found


def subject_values(case: Case, kind: Kind, subject_id: str) -> dict[str, Value | None]:
    """A subject's values with its id; the declared fields it lacks are None."""
    missing = dict.fromkeys(case.world.field_names[kind])
    return {**missing, **case.book.subjects[kind].get(subject_id, {}), "id": subject_id}


def _account(case: Case) -> dict[str, Value | None]:
    """The account; one without a name goes by its id."""
    values = subject_values(case, Kind.ACCOUNT, case.book.account_id)
    return {**values, "name": values["name"] or case.book.account_id}


def find_contact(
    case: Case, roles: tuple[str, ...], *, with_email: bool = False, subject: str | None = None
) -> str | None:
    """The first active contact of the first role that has one.

    `any` is any role, `subject` the contact that the run is about.
    """
    contacts = case.book.subjects[Kind.CONTACT]
    for role in roles:
        for contact_id in case.book.ids(Kind.CONTACT):
            values = contacts[contact_id]
            if values.get("status", "active") != "active" or (with_email and not values.get("email")):
                continue
            if role in ("any", values.get("role")) or (role == "subject" and contact_id == subject):
                return contact_id
    return None
