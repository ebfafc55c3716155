"""Signs messages with DKIM (RFC 6376): rsa-sha256, relaxed/relaxed, over all of the body."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from dkim.canonicalization import Relaxed
from dkim.crypto import RSASSA_PKCS1_v1_5_sign, UnparsableKeyError, parse_pem_private_key

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
"""Bits, below which receivers ignore a signature: RFC 8301, section 3.2."""

_LINE = 72
_RSA = bytes.fromhex("06092a864886f70d0101010500")
"""The algorithm of an RSA public key, in DER: the object identifier 1.2.840.113549.1.1.1 and NULL."""


class BadKeyError(ValueError):
    """A text is no private key that can sign; the message says why, and never shows the key."""


@dataclass(frozen=True, slots=True)
class DkimSigner:
    """Signs for one domain. Made once: reading a key takes longer than preparing what it signs."""

    domain: str
    selector: str
    key: Any = field(repr=False)
    """From `read_key`."""

    def sign(self, content: bytes, at: datetime) -> bytes:
        """`content`, as it goes over the wire with lines ended by CRLF, with its signature in front."""
        head, _, body = content.partition(b"\r\n\r\n")
        headers = _by_name(head + b"\r\n")
        names = [name for name in SIGNED if name in headers] + [b"from"]
        unsigned = self._unsigned(names, sha256(Relaxed.canonicalize_body(body)).digest(), at)
        chosen = [(name, headers[name]) for name in names[:-1]]
        lines = b"".join(name + b":" + value for name, value in Relaxed.canonicalize_headers(chosen))
        ((_, own),) = Relaxed.canonicalize_headers([(b"dkim-signature", unsigned)])
        signed = sha256(lines + b"dkim-signature:" + own.removesuffix(b"\r\n"))
        signature = b64encode(RSASSA_PKCS1_v1_5_sign(signed, self.key))
        folded = b"\r\n\t".join(signature[start : start + _LINE] for start in range(0, len(signature), _LINE))
        return b"DKIM-Signature:" + unsigned + folded + b"\r\n" + content

    def record(self) -> tuple[str, str]:
        """The name and the text of the TXT record by which receivers check the signatures."""
        public = b64encode(_public_key(self.key["modulus"], self.key["publicExponent"])).decode()
        return f"{self.selector}._domainkey.{self.domain}", f"v=DKIM1; k=rsa; p={public}"

    def _unsigned(self, names: list[bytes], digest: bytes, at: datetime) -> bytes:
        """The value of the header up to the signature itself."""
        first = f" v=1; a=rsa-sha256; c=relaxed/relaxed; d={self.domain}; s={self.selector};"
        second = f"\r\n\tt={int(at.timestamp())}; bh={b64encode(digest).decode()};"
        listed = b":".join(names).replace(b":list", b":\r\n\tlist", 1)
        return first.encode() + second.encode() + b"\r\n\th=" + listed + b";\r\n\tb="


def read_key(pem: str) -> Any:
    """The RSA key of a PEM text, in the form of PKCS#1 or PKCS#8. Raises BadKeyError."""
    text = pem.strip().replace("\\n", "\n").replace("\r\n", "\n")
    if "ENCRYPTED" in text:
        raise BadKeyError("the key is encrypted; give one without a passphrase")
    if "PRIVATE KEY-----" not in text:
        raise BadKeyError("it holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)")
    try:
        key = parse_pem_private_key(text.encode("ascii"))
        message = sha256(b"tried out")
        signature = RSASSA_PKCS1_v1_5_sign(message, key)
    except (UnparsableKeyError, ValueError, TypeError, AssertionError, LookupError, ArithmeticError) as error:
        raise BadKeyError("it is no RSA key; make one with: openssl genrsa -out dkim.pem 2048") from error
    if key["modulus"].bit_length() < SHORTEST_KEY:
        raise BadKeyError(f"the key has fewer than {SHORTEST_KEY} bits; receivers ignore it; take 2048")
    opened = pow(int.from_bytes(signature), key["publicExponent"], key["modulus"])
    if not opened.to_bytes(len(signature)).endswith(message.digest()):
        raise BadKeyError("the parts of the key do not belong together")
    return key


def _by_name(head: bytes) -> dict[bytes, bytes]:
    """The last header of each name, which is the one that is signed first, with its value as it stands."""
    found = {}
    for each in re.split(rb"(?<=\r\n)(?![ \t])", head):
        name, _, value = each.partition(b":")
        found[name.strip().lower()] = value
    return found


def _public_key(modulus: int, exponent: int) -> bytes:
    """SubjectPublicKeyInfo in DER (RFC 5280, section 4.1)."""
    numbers = _der(0x30, _integer(modulus) + _integer(exponent))
    return _der(0x30, _der(0x30, _RSA) + _der(0x03, b"\0" + numbers))


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content
