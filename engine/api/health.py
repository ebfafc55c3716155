"""Whether the process lives, and whether it does its work."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from engine.api.access import ServiceHere
from engine.api.schemas import Health, Readiness
from engine.clock.zones import format_instant
from engine.tick import last_tick

routes = APIRouter(tags=["health"])

_CLOCKS_DIFFER = timedelta(minutes=1)


@routes.get("/healthz", response_model=Health)
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@routes.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
def readyz(service: ServiceHere) -> JSONResponse:
    """The database answers, the scheduler runs and time can go on; 503 with the reason otherwise."""
    status = service.status()
    reason = _fault(service.database, status, service.now())
    last: datetime | None = status.get("last_tick_at")
    body = {
        "status": "not ready" if reason else "ready",
        "reason": reason,
        "last_tick_at": format_instant(last) if last else None,
    }
    return JSONResponse(body, 503 if reason else 200)


def _fault(database: Engine, status: dict[str, Any], now: datetime) -> str | None:
    try:
        decided_to = last_tick(database)
    except SQLAlchemyError:
        return "the database does not answer; look at its server and at database_url"
    if not status.get("scheduler_alive"):
        return "the scheduler has stopped; restart the service and read its log"
    if decided_to and decided_to > now + _CLOCKS_DIFFER:
        return f"the last tick was made for {format_instant(decided_to)}, and nothing is decided before then"
    return None
