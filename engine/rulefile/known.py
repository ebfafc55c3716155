"""What rule files may name that is not in them."""

from collections.abc import Collection
from dataclasses import dataclass

from engine.conditions.catalogue import Catalogue
from engine.rulefile.model import Guard


@dataclass(frozen=True)
class Known:
    """The words of one company: its fields, roles and topics, and the guard of playbooks that state none."""

    catalogue: Catalogue
    roles: Collection[str]
    guard: Guard
    topics: Collection[str] = ()
    """Of emails; without any, every name may be used."""
