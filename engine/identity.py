"""Names that follow from what they name."""

from hashlib import sha256


def digest(*parts: str) -> str:
    """Sixteen hexadecimal digits that stand for `parts` in this order, on any machine."""
    return sha256("\x1f".join(parts).encode()).hexdigest()[:16]
