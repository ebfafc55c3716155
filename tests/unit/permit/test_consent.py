"""Who may be written to."""

import pytest

from engine.permit.consent import ContactFacts, Permit, Refusal, may_send

ANN = "ann@x.example"


@pytest.mark.parametrize(
    ("contact", "suppressed", "answer"),
    [
        (ContactFacts("active", "granted", ANN), False, Permit()),
        (ContactFacts(None, None, ANN), False, Permit()),
        (None, False, Refusal("the contact no longer exists")),
        (ContactFacts("departed", "granted", ANN), False, Refusal("the contact has left the company")),
        (ContactFacts("active", "withdrawn", ANN), False, Refusal("the contact has withdrawn consent")),
        (ContactFacts("active", "granted", None), False, Refusal("the contact has no email address")),
        (ContactFacts("active", "granted", ""), False, Refusal("the contact has no email address")),
        (
            ContactFacts("active", "granted", "ann"),
            False,
            Refusal("the contact's email address is not valid"),
        ),
        (ContactFacts("active", "granted", ANN), True, Refusal("the address is suppressed")),
    ],
)
def test_may_send(contact: ContactFacts | None, suppressed: bool, answer: object) -> None:
    """One reason at a time, the weightiest first."""
    assert may_send(contact, suppressed) == answer
