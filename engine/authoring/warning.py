"""One warning about a part of a playbook."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Warned:
    """What is unwise, and the path of the part that says it: `steps.call.if`."""

    path: str
    message: str
