"""Signs messages with DKIM (RFC 6376, RFC 8463): relaxed/relaxed, over all of the body.

The header is put together here, for dkimpy's own signer works out an RSA signature in Python and takes no
other. Canonical forms are dkimpy's, signatures are those of `cryptography`.
"""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from dkim.canonicalization import Relaxed

SIGNED = (
    b"from",
    b"to",
    b"reply-to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"feedback-id",
)
"""The headers that are signed where a message has them. `From` is listed twice, so that none can be added."""

SHORTEST_KEY = 1024
"""Bits of an RSA key, below which receivers ignore a signature: RFC 8301, section 3.2."""

PrivateKey: TypeAlias = RSAPrivateKey | Ed25519PrivateKey
Kind = Literal["rsa", "ed25519"]

_LINE = 72
_BITS, _EXPONENT = 2048, 65537
"""Of a new RSA key: what every receiver takes, and what fits into a DNS record."""


class BadKeyError(ValueError):
    """A text is no private key that can sign; the message says why, and never shows the key."""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key, and the name under which its other half is published."""

    selector: str
    key: PrivateKey = field(repr=False)
    """From `read_key`."""

    @property
    def kind(self) -> Kind:
        """`rsa` or `ed25519`, as records and signatures name it."""
        return "rsa" if isinstance(self.key, RSAPrivateKey) else "ed25519"

    def signature(self, signed: bytes) -> bytes:
        """What goes into `b=`. Ed25519 signs the hash of what RSA hashes itself: RFC 8463, section 3."""
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(signed, PKCS1v15(), SHA256())
        return self.key.sign(sha256(signed).digest())

    def record(self, domain: str) -> tuple[str, str]:
        """The name and the text of the TXT record by which receivers check the signatures."""
        public = b64encode(_published(self.key)).decode()
        return f"{self.selector}._domainkey.{domain}", f"v=DKIM1; k={self.kind}; p={public}"


@dataclass(frozen=True, slots=True)
class DkimSigner:
    """Signs for one domain, once with each key. Made once: reading a key takes longer than signing."""

    domain: str
    keys: tuple[DkimKey, ...]

    def sign(self, content: bytes, at: datetime) -> bytes:
        """`content`, as it goes over the wire with lines ended by CRLF, with its signatures in front."""
        head, _, body = content.partition(b"\r\n\r\n")
        headers = _by_name(head + b"\r\n")
        names = [name for name in SIGNED if name in headers]
        chosen = Relaxed.canonicalize_headers([(name, headers[name]) for name in names])
        lines = b"".join(name + b":" + value for name, value in chosen)
        body_hash = b64encode(sha256(Relaxed.canonicalize_body(body)).digest())
        found = [self._header(each, lines, [*names, b"from"], body_hash, at) for each in self.keys]
        return b"".join([*found, content])

    def records(self) -> list[tuple[str, str]]:
        """The name and the text of the TXT record of each key."""
        return [each.record(self.domain) for each in self.keys]

    def _header(
        self, key: DkimKey, lines: bytes, names: list[bytes], body_hash: bytes, at: datetime
    ) -> bytes:
        first = f" v=1; a={key.kind}-sha256; c=relaxed/relaxed; d={self.domain}; s={key.selector};"
        second = f"\r\n\tt={int(at.timestamp())}; bh={body_hash.decode()};"
        listed = b":".join(names).replace(b":list", b":\r\n\tlist", 1)
        unsigned = first.encode() + second.encode() + b"\r\n\th=" + listed + b";\r\n\tb="
        ((_, own),) = Relaxed.canonicalize_headers([(b"dkim-signature", unsigned)])
        signature = b64encode(key.signature(lines + b"dkim-signature:" + own.removesuffix(b"\r\n")))
        folded = b"\r\n\t".join(signature[start : start + _LINE] for start in range(0, len(signature), _LINE))
        return b"DKIM-Signature:" + unsigned + folded + b"\r\n"


def read_key(pem: str) -> PrivateKey:
    """The RSA or Ed25519 key of a PEM text. Raises BadKeyError."""
    text = pem.strip().replace("\\n", "\n").replace("\r\n", "\n")
    if "ENCRYPTED" in text:
        raise BadKeyError("the key is encrypted; give one without a passphrase")
    if "PRIVATE KEY-----" not in text:
        raise BadKeyError("it holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)")
    mend = "make one with: tminus dkim --new var/dkim.pem"
    try:
        key = load_pem_private_key(text.encode("ascii"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKeyError(f"it cannot be read as a private key, or its parts do not match; {mend}") from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise BadKeyError(f"it is neither an RSA nor an Ed25519 key; {mend}")
    if isinstance(key, RSAPrivateKey) and key.key_size < SHORTEST_KEY:
        raise BadKeyError(f"the key has fewer than {SHORTEST_KEY} bits; receivers ignore it; take 2048")
    return key


def new_key(kind: Kind) -> str:
    """A new private key as a PEM text (PKCS#8)."""
    key: PrivateKey = (
        generate_private_key(_EXPONENT, _BITS) if kind == "rsa" else Ed25519PrivateKey.generate()
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _by_name(head: bytes) -> dict[bytes, bytes]:
    """The last header of each name, which is the one that is signed first, with its value as it stands."""
    found = {}
    for each in re.split(rb"(?<=\r\n)(?![ \t])", head):
        name, _, value = each.partition(b":")
        found[name.strip().lower()] = value
    return found


def _published(key: PrivateKey) -> bytes:
    """Of an RSA key a SubjectPublicKeyInfo (RFC 6376, 3.6.1); of Ed25519 its 32 bytes (RFC 8463, 4)."""
    public = key.public_key()
    if isinstance(key, RSAPrivateKey):
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
