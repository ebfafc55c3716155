"""What every request passes: a bound on the body, no NUL in the address, and headers that forbid tricks."""

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_API_BODY = 8 * 1024 * 1024
"""Bytes of one post to the API."""
LARGEST_FORM_BODY = 64 * 1024
"""Bytes of one post to the console."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PERMISSIONS_POLICY = ", ".join(
    f"{each}=()"
    for each in (
        *("accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope"),
        *("magnetometer", "microphone", "midi", "payment", "publickey-credentials-get", "serial", "usb"),
    )
)
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "permissions-policy": PERMISSIONS_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_ONLY_TLS = {"strict-transport-security": "max-age=31536000"}


def security_headers(path: str, *, is_https: bool) -> dict[str, str]:
    """What every answer carries. Browsers may keep the pages' own files, and ask whether they changed."""
    kept = "no-cache" if path.startswith("/static/") else "no-store"
    return {**_HEADERS, "cache-control": kept, **(_ONLY_TLS if is_https else {})}


class SecurityHeaders:
    """Adds the headers above to every answer that has not set its own."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self._is_https = is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back with headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in security_headers(scope["path"], is_https=self._is_https).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


_REPLACEMENT = b"%EF%BF%BD"
"""U+FFFD, in place of a NUL in a parameter: no database keeps a NUL, so nothing is found by it."""


class RequestBounds:
    """Refuses bodies that are too large, however they are sent; no NUL of an address gets to a database."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a receiver that counts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = LARGEST_API_BODY if scope["path"].startswith("/api/") else LARGEST_FORM_BODY
        taken = 0
        query = scope["query_string"].replace(b"%00", _REPLACEMENT)

        async def receive_bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, f"The body is larger than {limit:,} bytes; send it in parts.")
            return message

        if "\x00" in scope["path"]:
            nowhere = "/api/invalid-address" if scope["path"].startswith("/api/") else "/invalid-address"
            scope = {**scope, "path": nowhere, "raw_path": nowhere.encode()}
        await self._app({**scope, "query_string": query}, receive_bounded, send)
