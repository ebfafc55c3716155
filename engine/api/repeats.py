"""A request that is sent again with its `Idempotency-Key` is answered as it was, and does nothing twice.

The header is that of the IETF draft "The Idempotency-Key HTTP Header Field": a key names one request. With
another request it is refused (422), and while the first is under way the second is told to wait (409).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.api import problems
from engine.api.problems import Problem
from engine.api.tokens import token_digest, used_token
from engine.state.database import reading, writing
from engine.state.tables import Repeatable

KEPT_FOR = timedelta(hours=24)
"""How long an answer is kept for the same key."""
ABANDONED_AFTER = timedelta(minutes=2)
"""A request without an answer for so long has died with its process; the next of its key is carried out."""
LONGEST_KEY = 255
"""Characters."""
_LARGEST_ANSWER = 256 * 1024
"""Bytes. A larger answer is not kept: no call that changes something gives one."""
_NOT_KEPT = (401, 403, 413, 429)
"""Refusals that say nothing of the request itself."""

_REPEATABLE: Table = Repeatable.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key: whose request it names, and the answer once there is one."""

    request: str
    status: int | None
    content_type: str
    body: str


class Repeats:
    """Answers repeated requests of the API that change something, where they carry a key."""

    def __init__(self, app: ASGIApp, *, database: Engine, now: Callable[[], datetime]) -> None:
        self._app = app
        self._database = database
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it has been answered."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        key = headers.get("idempotency-key")
        if key is None or scope["method"] in ("GET", "HEAD") or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        owner = token_digest(headers.get("authorization", "").partition(" ")[2].strip())
        if await run_in_threadpool(used_token, self._database, owner, self._now()) is None:
            await self._app(scope, receive, send)
            return
        try:
            body = await _whole_body(receive)
            answer = await run_in_threadpool(self._begin, owner, key, _digest(scope, body))
        except Problem as problem:
            answer = problem.response()
        except HTTPException as error:
            answer = problems.from_http(error).response()
        if answer is not None:
            await answer(scope, receive, send)
            return
        heard = _Heard(send)
        try:
            await self._app(scope, _again(body, receive), heard)
        finally:
            await run_in_threadpool(settle, self._database, _row_id(owner, key), heard.kept(), self._now())

    def _begin(self, owner: str, key: str, request: str) -> Response | None:
        """The answer there is already; None where the request is to be carried out. Raises Problem."""
        if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
            detail = f"Idempotency-Key takes 1 to {LONGEST_KEY} printable characters."
            raise Problem(422, "Key does not fit", detail)
        row_id, now = _row_id(owner, key), self._now()
        if begin(self._database, row_id, request, now):
            return None
        with reading(self._database) as connection:
            kept = _kept(connection, row_id)
        if kept is not None and kept.request != request:
            detail = "This Idempotency-Key named another request before; take a new key for this one."
            raise Problem(422, "Key is taken", detail)
        if kept is None or kept.status is None:
            detail = "The request of this Idempotency-Key is being carried out; ask again in a moment."
            raise Problem(409, "Request under way", detail, headers={"Retry-After": "1"})
        headers = {"Idempotent-Replayed": "true"}
        return Response(kept.body, kept.status, headers, media_type=kept.content_type)


def begin(database: Engine, row_id: str, request: str, now: datetime) -> bool:
    """Take the key for a request; False where it is taken already. Old keys are forgotten on the way."""
    fresh = {"id": row_id, "request": request, "at": now}
    dead = (_REPEATABLE.c.status.is_(None)) & (_REPEATABLE.c.at < now - ABANDONED_AFTER)
    try:
        with writing(database) as connection:
            connection.execute(delete(_REPEATABLE).where(_REPEATABLE.c.at < now - KEPT_FOR))
            connection.execute(delete(_REPEATABLE).where(_REPEATABLE.c.id == row_id, dead))
            connection.execute(insert(_REPEATABLE).values(fresh))
    except IntegrityError:
        return False
    return True


def settle(database: Engine, row_id: str, answer: dict[str, Any] | None, now: datetime) -> None:
    """Keep the answer of a request, or, with None, let its key be used anew."""
    mine = _REPEATABLE.c.id == row_id
    with writing(database) as connection:
        if answer is None:
            connection.execute(delete(_REPEATABLE).where(mine, _REPEATABLE.c.status.is_(None)))
        else:
            connection.execute(update(_REPEATABLE).where(mine).values(**answer, at=now))


def _kept(connection: Connection, row_id: str) -> Kept | None:
    columns = [_REPEATABLE.c[name] for name in ("request", "status", "content_type", "body")]
    row = connection.execute(select(*columns).where(_REPEATABLE.c.id == row_id)).one_or_none()
    return None if row is None else Kept(*row)


class _Heard:
    """Passes an answer on and keeps a copy."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 500
        self._content_type = ""
        self._body = b""
        self._is_whole = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._content_type = Headers(raw=message["headers"]).get("content-type", "")
        elif message["type"] == "http.response.body":
            if len(self._body) <= _LARGEST_ANSWER:
                self._body += message.get("body", b"")
            self._is_whole = not message.get("more_body", False)
        await self._send(message)

    def kept(self) -> dict[str, Any] | None:
        """The answer as it is kept; None for one that is not."""
        is_worth = self._status < 500 and self._status not in _NOT_KEPT
        if not is_worth or not self._is_whole or len(self._body) > _LARGEST_ANSWER:
            return None
        return {"status": self._status, "content_type": self._content_type, "body": self._body.decode()}


async def _whole_body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """What hands the body over once more, and then what else comes."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _digest(scope: Scope, body: bytes) -> str:
    place = f"{scope['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n"
    return sha256(place + body).hexdigest()


def _row_id(owner: str, key: str) -> str:
    """Keys of one token are its own."""
    return sha256(f"{owner}:{key}".encode(errors="surrogatepass")).hexdigest()
