"""The rule files as the settings have them: where they are, and what they may name."""

from dataclasses import replace

from engine.clock.durations import parse_duration
from engine.conditions.catalogue import Catalogue
from engine.rulefile.known import Known
from engine.rulefile.load import Rules, load_rules
from engine.rulefile.model import Guard
from engine.rulefile.problem import Problem
from engine.settings import ConfigError, Settings


def default_guard(settings: Settings) -> Guard:
    """The guard of playbooks that state none. Raises ConfigError when its duration cannot be read."""
    try:
        return Guard(settings.guard.max_starts, parse_duration(settings.guard.within).elapsed)
    except ValueError as error:
        raise ConfigError(f"guard.within: {error}") from error


def known_to(settings: Settings, catalogue: Catalogue) -> Known:
    """What the settings let rule files name. Raises ConfigError as `default_guard` does."""
    return Known(catalogue, settings.roles, default_guard(settings), settings.email.topics)


def read_rules(settings: Settings, catalogue: Catalogue) -> Rules:
    """Every rule file of the configured folder, with everything wrong with them."""
    found = load_rules(settings.rules, settings.templates, known_to(settings, catalogue))
    if found.playbooks or found.problems:
        return found
    empty = Problem(
        settings.rules.as_posix(), 1, 1, "holds no playbook; those in force, if any, stay", "warning"
    )
    return replace(found, problems=(empty,))
