"""How TLS went wrong, in words for the one who configures it."""

import ssl

NO_HINT = ssl.SSLCertVerificationError, ssl.SSLEOFError, ssl.SSLZeroReturnError
"""Trouble with TLS at the right port."""
_OLD = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE")


def tls_trouble(error: ssl.SSLError) -> str:
    """What the other side does that keeps a secured connection from coming about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "hung up while TLS was agreed on"
    if any(each in (error.reason or "") for each in _OLD):
        return "speaks no version of TLS that is still safe"
    return "does not speak TLS"
