"""Whether a claimed entry may still go out: asked at the claim and again as the try begins."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, bindparam, select

from engine.permit.consent import ContactFacts, Refusal, may_send
from engine.permit.objections import NOBODY, Objections, objections, person_keys
from engine.state.tables import Account, Contact, Outbox, Run, StoppedSequence

EXIT_STEP = "exit:"
"""Begins the step of a message that an exit sends; its run has ended by design."""

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]
_run: Table = Run.__table__  # type: ignore[attr-defined]
_contact: Table = Contact.__table__  # type: ignore[attr-defined]
_account: Table = Account.__table__  # type: ignore[attr-defined]

_stopped: Table = StoppedSequence.__table__  # type: ignore[attr-defined]

_FACTS: Any = (
    select(
        _outbox.c.id,
        _outbox.c.step,
        _outbox.c.contact_id,
        _outbox.c.recipient,
        _outbox.c.topic,
        _stopped.c.why.label("stopped"),
        _run.c.state.label("run_state"),
        _run.c.outcome.label("run_outcome"),
        _contact.c.id.label("known_contact"),
        _contact.c.status,
        _contact.c.consent,
        _contact.c.email,
        _contact.c.timezone.label("contact_timezone"),
        _account.c.timezone,
        _account.c.country,
    )
    .select_from(
        _outbox.outerjoin(_run, _run.c.id == _outbox.c.run_id)
        .outerjoin(_contact, _contact.c.id == _outbox.c.contact_id)
        .outerjoin(_account, _account.c.id == _outbox.c.account_id)
        .outerjoin(
            _stopped,
            and_(_stopped.c.run_id == _outbox.c.run_id, _stopped.c.contact_id == _outbox.c.contact_id),
        )
    )
    .where(_outbox.c.id.in_(bindparam("ids", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the answer rests on, read in the transaction of the claim."""

    refusal: str | None
    contact_timezone: str | None
    timezone: str | None
    """The account's."""
    country: str | None


def circumstances(
    connection: Connection, ids: Iterable[str], transactional: Collection[str] = ()
) -> Mapping[str, Circumstances]:
    """Those of each outbox row by id. Emails of `transactional` topics pass by what stops a single topic."""
    rows: Sequence[Row[Any]] = connection.execute(_FACTS, {"ids": list(ids)}).all()
    people = {key for row in rows if row.contact_id for key in _keys(row)}
    found = objections(connection, people) if people else NOBODY
    return {
        row.id: Circumstances(
            _refusal(row, found, row.topic in transactional), row.contact_timezone, row.timezone, row.country
        )
        for row in rows
    }


def _refusal(row: Row[Any], found: Objections, is_transactional: bool) -> str | None:
    return _run_refusal(row) or _contact_refusal(row, found, is_transactional)


def _run_refusal(row: Row[Any]) -> str | None:
    """An exit stops what its run had still to say; a run that simply came to its last step does not."""
    if row.step.startswith(EXIT_STEP) or row.run_state == "open" or row.run_outcome == "completed":
        return None
    if row.run_state is None:
        return "the run no longer exists"
    return f"the run has ended: {row.run_outcome or 'without an outcome'}"


def _contact_refusal(row: Row[Any], found: Objections, is_transactional: bool) -> str | None:
    if row.contact_id is None:
        return None
    facts = ContactFacts(row.status, row.consent, row.email) if row.known_contact else None
    keys = _keys(row)
    opted_out = found.opted_out(keys, None if is_transactional else row.topic)
    answer = may_send(facts, found.is_suppressed(keys), opted_out)
    if isinstance(answer, Refusal):
        return answer.reason
    return None if is_transactional or row.step.startswith(EXIT_STEP) else row.stopped


def _keys(row: Row[Any]) -> tuple[str, ...]:
    return person_keys(row.contact_id, row.recipient, row.email)
