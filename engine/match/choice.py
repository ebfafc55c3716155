"""Which matcher the configuration asks for."""

from engine.match.matcher import DurableMatcher, Matcher, ReferenceMatcher
from engine.settings import Settings


def open_matcher(settings: Settings) -> Matcher:
    """The matcher of `matching:`; with no workers the reference evaluator decides alone."""
    if settings.matching.workers == 0:
        return ReferenceMatcher()
    return DurableMatcher(settings.matching.workers, settings.matching.timeout_seconds)
