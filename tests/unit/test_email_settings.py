"""What `email:` in the settings means: topics, hours and caps."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from engine.permit.policy import policy_of
from engine.settings import Settings

SATURDAY = datetime(2026, 2, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "topic", "leaves"),
    [
        ({}, "tips", "2026-03-02T08:00"),
        ({"start": "09:30"}, "tips", "2026-03-02T09:30"),
        ({"days": "all"}, "tips", "2026-02-28T12:00"),
        ({"days": "all", "end": "11:00"}, "tips", "2026-03-01T08:00"),
        ({}, "security", "2026-02-28T12:00"),
        ({}, None, "2026-03-02T08:00"),
    ],
)
def test_email_leaves_in_its_hours(hours: dict[str, str], topic: str | None, leaves: str) -> None:
    """The working hours of business days, or what the settings say; transactional emails at any time."""
    topics = {"security": {"title": "Security", "transactional": True}, "tips": {"title": "Tips"}}
    settings = Settings(email={"hours": hours, "topics": topics})
    expected = datetime.fromisoformat(leaves).replace(tzinfo=UTC)
    assert settings.email_leaves(SATURDAY, (None, "UTC"), "US", topic) == expected


def test_policy_has_the_bounds_and_what_is_exempt() -> None:
    """As delivery asks for them; by default one email a day and three a week to a person."""
    policy = policy_of(Settings(email={"topics": {"bills": {"title": "Bills", "transactional": True}}}).email)
    assert [(each.most, each.per) for each in policy.bounds["person"]] == [(1, "1d"), (3, "7d")]
    assert [(each.most, each.per) for each in policy.bounds["account"]] == [(10, "7d")]
    assert policy.transactional == ("bills",)
    assert policy.longest["person"].days == 7


@pytest.mark.parametrize(
    "email",
    [
        {"caps": {"person": [{"max": 0, "per": "1d"}]}},
        {"caps": {"person": [{"max": 1, "per": "3bd"}]}},
        {"caps": {"account": [{"max": 1, "per": "500d"}]}},
        {"caps": {"people": []}},
        {"hours": {"start": "18:00", "end": "08:00"}},
        {"topics": {"Über uns": {"title": "About us"}}},
        {"topics": {"tips": {}}},
        {"topics": {"tips": {"title": "Tips", "transactionl": True}}},
    ],
)
def test_email_settings_refuse_what_means_nothing(email: dict[str, Any]) -> None:
    """Before anything starts."""
    with pytest.raises(ValidationError):
        Settings(email=email)
