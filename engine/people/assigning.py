"""Whom a task can be given to."""

from engine.settings import Settings


def shared_queues(settings: Settings) -> frozenset[str]:
    """The shared queues, `team:ROLE`, one of each role of the settings."""
    return frozenset(f"team:{role}" for role in settings.roles)
