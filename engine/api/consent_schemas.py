"""The shapes of what is on record about consent, as the OpenAPI document shows them."""

from typing import Literal

from pydantic import BaseModel, Field

from engine.api.lists import NEXT_CURSOR
from engine.permit.suppression import Reason


class SuppressionItem(BaseModel):
    """An address nothing is sent to."""

    email: str
    reason: Reason
    since: str
    by: str | None = Field(description="Who decided it; null where a bounce or a complaint did.")
    why: str = Field(description="In their words, or what the other side said.")


class SuppressionList(BaseModel):
    """A page of addresses, the newest first."""

    items: list[SuppressionItem]
    next_cursor: str | None = Field(description=NEXT_CURSOR)


class SuppressedAs(BaseModel):
    """Why an address gets nothing."""

    reason: Reason
    since: str
    by: str | None
    why: str


class ConsentOf(BaseModel):
    """A contact, and the consent that is known of it."""

    id: str
    account_id: str
    name: str | None
    status: str | None
    consent: str | None = Field(description="granted or withdrawn; null where nobody asked.")


class ConsentEntry(BaseModel):
    """One change of what a person may be written about."""

    at: str
    change: str = Field(
        description="opted_out, opted_in, suppressed or released; of a source, the consent it gave."
    )
    topic: str | None = Field(description="Of an opt-out or opt-in; `everything` for all email.")
    how: Literal[
        "one_click",
        "link",
        "preference_page",
        "command",
        "api",
        "console",
        "bounce",
        "complaint",
        "source",
    ]
    by: str | None = Field(description="Who of ours, or which source; null where it was the person.")
    address: str | None
    contact_id: str | None
    account_id: str | None
    why: str


class ConsentRecord(BaseModel):
    """What holds for an address, and every change of it, the oldest first."""

    address: str
    suppressed: SuppressedAs | None
    opted_out: list[str] = Field(description="Topics; `everything` for all email.")
    contacts: list[ConsentOf]
    changes: list[ConsentEntry]
