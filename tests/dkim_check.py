"""An independent check of DKIM signatures, from RFC 6376, 8017, 8032 and 8463 alone, and a key to sign."""

import re
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256, sha512

Lookup = Callable[[str], str]
"""The text of the TXT record of a name."""


class NotVerifiedError(Exception):
    """The signature does not hold; the message says what differs."""


def verify(content: bytes, lookup: Lookup) -> dict[str, str]:
    """The tags of the topmost signature of `content`, which must hold. Raises NotVerifiedError.

    A signature further down is checked by leaving out those above it, which it does not cover.
    """
    head, _, body = content.partition(b"\r\n\r\n")
    fields = re.findall(rb"(?ms)^([!-9;-~]+)[ \t]*:(.*?)(?=\r\n[^ \t]|\Z)", head)
    name, value = fields[0]
    if name.lower() != b"dkim-signature":
        raise NotVerifiedError("the first header is no signature")
    tags = read_tags(value.decode("ascii"))
    kind = tags.get("a", "").removesuffix("-sha256")
    _require(tags, v="1", a=f"{kind}-sha256", c="relaxed/relaxed")
    if "l" in tags:
        raise NotVerifiedError("the signature covers part of the body")
    if b64decode(tags["bh"]) != sha256(relaxed_body(body)).digest():
        raise NotVerifiedError("the body is not the one that was signed")
    record = read_tags(lookup(f"{tags['s']}._domainkey.{tags['d']}"))
    _require(record, v="DKIM1", k=kind)
    check = {"rsa": _check_rsa, "ed25519": _check_ed25519}[kind]
    check(tags["b"], sha256(_signed(fields, tags["h"])).digest(), b64decode(record["p"]))
    return tags


def relaxed_header(name: bytes, value: bytes) -> bytes:
    """RFC 6376, section 3.4.2, without the line end."""
    unfolded = value.replace(b"\r\n", b"")
    return name.strip().lower() + b":" + re.sub(rb"[ \t]+", b" ", unfolded).strip(b" \t")


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376, section 3.4.4."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def read_tags(text: str) -> dict[str, str]:
    """A tag list (RFC 6376, section 3.2); white space within values means nothing in the tags read here."""
    found = {}
    for each in text.strip().rstrip(";").split(";"):
        name, _, value = each.partition("=")
        found[name.strip()] = re.sub(r"\s+", "", value)
    return found


def _require(tags: dict[str, str], **wanted: str) -> None:
    for name, value in wanted.items():
        if tags.get(name) != value:
            raise NotVerifiedError(f"{name}= is {tags.get(name)}")


def _signed(fields: list[tuple[bytes, bytes]], names: str) -> bytes:
    """What was hashed: the listed headers, each name from the bottom up, then the signature, emptied."""
    left = [(name.lower(), value) for name, value in fields[1:]]
    lines = []
    for wanted in names.lower().split(":"):
        places = [index for index, (name, _) in enumerate(left) if name.decode() == wanted]
        if places:
            lines.append(relaxed_header(*left.pop(places[-1])) + b"\r\n")
    name, value = fields[0]
    emptied = re.sub(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*", rb"\1", value)
    return b"".join(lines) + relaxed_header(name, emptied)


def _check_rsa(signature: str, digest: bytes, public: bytes) -> None:
    """RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.2)."""
    modulus, exponent = _numbers(public)
    size = (modulus.bit_length() + 7) // 8
    opened = pow(int.from_bytes(b64decode(signature)), exponent, modulus).to_bytes(size)
    named = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    if opened != b"\x00\x01" + b"\xff" * (size - len(named) - 3) + b"\x00" + named:
        raise NotVerifiedError("the headers are not the ones that were signed, or the key is another")


_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int]


def _check_ed25519(signature: str, digest: bytes, public: bytes) -> None:
    """Ed25519 (RFC 8032, section 5.1.7) over the hash (RFC 8463, section 3)."""
    made = b64decode(signature)
    factor = int.from_bytes(made[32:], "little")
    if len(made) != 64 or len(public) != 32 or factor >= _ORDER:
        raise NotVerifiedError("the signature or the key is no Ed25519")
    base = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    share = int.from_bytes(sha512(made[:32] + public + digest).digest(), "little") % _ORDER
    if _times(factor, base) != _sum(_point(made[:32]), _times(share, _point(public))):
        raise NotVerifiedError("the headers are not the ones that were signed, or the key is another")


def _point(written: bytes) -> _Point:
    """RFC 8032, section 5.1.3."""
    y = int.from_bytes(written, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or y >= _P:
        raise NotVerifiedError("a part of the signature is no point of the curve")
    return (x if x % 2 == written[31] >> 7 else _P - x), y


def _sum(one: _Point, other: _Point) -> _Point:
    """The addition law of the twisted Edwards curve."""
    product = _D * one[0] * other[0] * one[1] * other[1]
    x = (one[0] * other[1] + other[0] * one[1]) * pow(1 + product, -1, _P)
    y = (one[1] * other[1] + one[0] * other[0]) * pow(1 - product, -1, _P)
    return x % _P, y % _P


def _times(factor: int, point: _Point) -> _Point:
    found = (0, 1)
    while factor:
        if factor & 1:
            found = _sum(found, point)
        factor, point = factor >> 1, _sum(point, point)
    return found


def _numbers(der: bytes) -> tuple[int, int]:
    """Modulus and exponent of a SubjectPublicKeyInfo."""
    outer = _parts(_parts(der)[0])
    key = _parts(_parts(outer[1][1:])[0])
    return int.from_bytes(key[0]), int.from_bytes(key[1])


def _parts(der: bytes) -> list[bytes]:
    """The contents of the elements that stand one after the other."""
    found, at = [], 0
    while at < len(der):
        size, at = der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(der[at : at + count]), at + count
        found.append(der[at : at + size])
        at += size
    return found


# Made for these tests with openssl genrsa 2048; it opens nothing.
PRIVATE_KEY = """\
-----BEGIN PRIVATE KEY-----
MIIEuwIBADANBgkqhkiG9w0BAQEFAASCBKUwggShAgEAAoIBAQDQBpKrqrC1xLKM
YwOOXI/PQhXPph+4k92nTb/6vW7IAK9Ky2Xe5k9U4oSsStmtV/lBRsIizo7apaB/
LZ3lM1F2WtTR2tENik433kZfK5Yi03ZAN9Px74LH321XLPLXLx/KBzPUCw5SZpAp
XZ2hPcI6tCglb4pLnjcmw8ZcHnDUI8b8ov9TRA63hdIo7IVEKRxyuZYWsHOswQZB
OEiRHr+UTs1Mk2uc4Xu7V9PuEzJWASwdoD9lEJgCFjJJcGC1C8VIvxaBhjgvTm3U
Z0yvTU5AbjixqJMJXk3QLBZF+0CjgNrp5WhW+ngtEM7TGPMZO78qVZa2X0nhiyTV
7H06pe3pAgMBAAECggEADi6kiTeV3I6QbanCcE43L7Ydro5w0zChh+pxEDMh/lit
mrfLNisVdYAL84MW3A6HW7/rNFxIuPdZvdHqVdntz9fZcoUsg3POaViqC4r5LV6l
TTOBK5lcnSvKVIsn8yuvSyK6kdY/H7cGVQug14FSYJYvtn2oPAeJUwc92sHoh03Z
pyyqhR39ilpu4y90oEAvoc7k1FxTnByMUc639PQtq/3uSH3tDvtX2dL6WVowq3Zt
mHwD73CPKwN7eGTMTf0Aw19Wh9BQVjUM6153a5uO1dwkMoF57+hHLZJwDNUGrAyM
6zJGj8SnOO5hCejJopRNbv0rHo1TdU2jEmFk2qaqAQKBgQDpphCSR0Qa1dj+KTxq
LIwN4WWC2+L27Ch0WEMHefhjjDLvUlN0N/vWVgW7/f7ZFRF0Xv+8rlvuU7+CQz38
jYaZBMeL/MHWafqZcperQAqiXO73E5cMsiXblwDr4nABMUcs6yXCMMBeKK6eAwQM
K3+FXRetzIeGrfUbnn9yhnJQcQKBgQDj7QOL4nzvgeCNi9CpNDcTftlPUaesZdRc
1U2eYztLSphp3vb/ImkJQPKDaCRGmE7E3tmNvu2UntTTjhaeqooOrdhDSmQdju5Z
vm/mh5zUmjdnSAcvoR7UcBScy02gGc3oOQIDFNqW1RRiTOIMjSMhFx6erGVIqnhz
GWBAVKiw+QKBgFwb53SDO8oIe97WisaggSYHsWkBHlyRhPE4ylPsNYuo/XtzTQsH
9vPsPZ565zjVIWhq+w56/iraQSktMQabFHDGfZQmNJQ+e1h64GfWe1q+oEYvJuEO
afZDdU2ImvcdYh3HJb+EUJHOH+iS78mMbF068dbGRrdFZNdaiIuxjOdBAn9IHbYB
jKf7IBzsrFBZOSwz/u7DKhLjeVS4CsWEV+Fq8S9IUEPWdgzF4MbazRitPYOuxtQP
BVomrBqq1UpS6aLFAjxrDh6fO5ouyxKc3kvA+QqOozui1lfq34umEK1++qsrzt3U
G8UN9F1+vNTJI975mVcW3XUuiMGTqXPK5v55AoGBAIsnU6CEfDhWqQhFQl+Y+qiB
KnR80ErCIuqsopm7CQmlFS3TSXuPHQX1JH9R5Q4uyFJVfRl149e52uDHWrmQWAso
fHhi2DweSE7cSyrM8c+RvwIzby4xF8Lng8oOl7W57QXyxTRsPvutGMm42sOO5Br0
l+oCJVpjGsmwBgJ+U6+l
-----END PRIVATE KEY-----
"""
