"""Email addresses: which can be written to, and how they are written on the wire."""

import re
from dataclasses import dataclass
from functools import lru_cache

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NAMED = re.compile(r'\s*"?(?P<name>[^"<>]*?)"?\s*<(?P<address>[^<>]*)>\s*')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class BadAddressError(ValueError):
    """A text is no address that mail can be sent to; the message says why."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody's name, which may be empty, and address, in ASCII."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What stands after the @."""
        return self.address.rpartition("@")[2]


@lru_cache(maxsize=4096)
def parse_mailbox(text: str) -> Mailbox:
    """Read `ann@example.com` or `Ann <ann@example.com>`. Raises BadAddressError."""
    if _CONTROL.search(text):
        raise BadAddressError("an address must not hold line breaks or control characters")
    named = _NAMED.fullmatch(text)
    if named:
        return Mailbox(named["name"].strip(), _ascii_address(named["address"]))
    return Mailbox("", _ascii_address(text.strip()))


def is_address(text: str) -> bool:
    """Whether `text` is a bare address, without a name, that mail can be sent to."""
    try:
        return parse_mailbox(text).name == "" and "<" not in text
    except BadAddressError:
        return False


def _ascii_address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    shown = text[:80]
    if not at:
        raise BadAddressError(f'"{shown}" is no email address: it has no @')
    if not local.isascii():
        raise BadAddressError(
            f'"{shown}" has letters before the @ that few servers take (SMTPUTF8); ask for another address'
        )
    if len(local) > 64 or not _LOCAL.fullmatch(local):
        raise BadAddressError(f'"{shown}" is no email address that every server takes: see before the @')
    wire = _ascii_domain(domain)
    labels = wire.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise BadAddressError(f'"{shown}" is no email address: "{domain[:60]}" is no domain')
    if len(local) + 1 + len(wire) > 254:
        raise BadAddressError(f'"{shown}…" is longer than an email address can be')
    return f"{local}@{wire}"


def _ascii_domain(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
