"""Certificates of every kind a server may show, and an authority that vouches for some of them."""

import ssl
import warnings
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_CURVE = ec.SECP256R1()


class Authority:
    """Signs certificates, and writes them where TLS can read them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(_CURVE)
        self._certificate = _certificate("An authority", self._key, None, self._key, is_authority=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, kind: str) -> ssl.SSLContext:
        """A server's side of TLS: `good`, `self-signed`, `expired`, `other host` or `old`."""
        key = ec.generate_private_key(_CURVE)
        name = (
            x509.DNSName("other.example")
            if kind == "other host"
            else x509.IPAddress(IPv4Address("127.0.0.1"))
        )
        age = timedelta(days=60 if kind == "expired" else 1)
        issuer = None if kind == "self-signed" else self._certificate
        signer = key if kind == "self-signed" else self._key
        found = _certificate("A server", key, issuer, signer, name=name, age=age)
        file = self._folder / f"{kind}.pem"
        file.write_bytes(
            found.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return _aged(context) if kind == "old" else context


def _aged(context: ssl.SSLContext) -> ssl.SSLContext:
    """One that knows nothing newer than TLS 1.1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _certificate(
    title: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    signer: ec.EllipticCurvePrivateKey,
    *,
    name: x509.GeneralName | None = None,
    age: timedelta = timedelta(days=1),
    is_authority: bool = False,
) -> x509.Certificate:
    """Of a month's life, begun `age` ago."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, title)])
    since = datetime.now(UTC) - age
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if name is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
    return builder.sign(signer, hashes.SHA256())
