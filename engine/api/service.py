"""What the API and the console are given; the composition root builds it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from engine.conditions.catalogue import Catalogue
from engine.explanation.document import Explanation
from engine.rulefile.model import Playbook
from engine.rulefile.problem import Problem
from engine.settings import Settings
from engine.users.openid import OpenIdProvider


@dataclass(frozen=True)
class Service:
    """The running service as its web pages see it."""

    database: Engine
    settings: Settings
    catalogue: Catalogue
    wake: Callable[[], None]
    """Called after every write that may start something; returns at once."""
    now: Callable[[], datetime]
    """The clock, in UTC."""
    playbooks: Callable[[], tuple[Playbook, ...]]
    """The live set."""
    problems: Callable[[], tuple[Problem, ...]]
    """What is wrong with rule files."""
    status: Callable[[], dict[str, Any]]
    """`scheduler_alive` (bool) and `last_tick_at` (datetime or None), for readiness."""
    explanations: Callable[[str, str | None, str | None, datetime], list[Explanation]]
    """Of a playbook by name for an account, or one subject, at an instant. Raises NothingToExplainError."""
    release: Callable[[Sequence[str], str], int]
    """Releases holds by id, in the name of somebody; returns how many were held."""
    openid: OpenIdProvider | None = None
    """The company's own sign-in, where there is one."""
    mailbox: Path | None = None
    """The folder of the local mailbox, in a trial set-up that has one."""

    @property
    def is_https(self) -> bool:
        """Whether people reach the console over TLS."""
        return self.settings.console.public_url.startswith("https:")
