"""Whether a person may be written to. Pure; asked when an email is planned and again when it is claimed."""

from dataclasses import dataclass
from typing import TypeAlias

from connectors.address import is_address


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What the decision rests on, as the contact's row has it."""

    status: str | None
    consent: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Permit:
    """Nothing stands in the way."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """It must not be sent, and why, in words."""

    reason: str


Answer: TypeAlias = Permit | Refusal


def may_send(contact: ContactFacts | None, suppressed: bool, opted_out: str | None = None) -> Answer:
    """Whether to write to `contact`; None is one who has been erased.

    A status or consent never given stands in nobody's way; a departed person and withdrawn consent do.
    `opted_out` is the topic the person does not want, empty for everything.
    """
    if contact is None:
        return Refusal("the contact no longer exists")
    if contact.status == "departed":
        return Refusal("the contact has left the company")
    if contact.consent == "withdrawn":
        return Refusal("the contact has withdrawn consent")
    if not contact.email:
        return Refusal("the contact has no email address")
    if not is_address(contact.email):
        return Refusal("the contact's email address is not valid")
    if opted_out is not None:
        return Refusal(f"the contact has opted out of {_named(opted_out)}")
    if suppressed:
        return Refusal("the address is suppressed")
    return Permit()


def _named(topic: str) -> str:
    return f'the topic "{topic}"' if topic else "all email"
