"""How health is computed and what it came to, as the database has it."""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, and_, func, or_, select

from engine.conditions.catalogue import Catalogue, Kind
from engine.health.config import HealthSettings
from engine.health.model import GIVEN, HEALTH, SOURCE, LiveHealth, health_model, version_of
from engine.health.score import KeptScore, as_plain, from_plain
from engine.state import tables
from engine.state.history import chunked
from engine.state.upsert import upsert

_MODEL: Any = tables.HealthModelRow.__table__  # type: ignore[attr-defined]
_SCORE: Any = tables.HealthScoreRow.__table__  # type: ignore[attr-defined]
_CHANGE: Any = tables.Change.__table__  # type: ignore[attr-defined]


def live_health(connection: Connection, catalogue: Catalogue) -> LiveHealth | None:
    """The model that decides now; None before there ever was one, or when the settings lack what it reads."""
    query = select(_MODEL.c.content, _MODEL.c.live_since).order_by(_MODEL.c.live_since.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    try:
        model = health_model(HealthSettings.model_validate(row.content), catalogue)
    except (ValidationError, ValueError):
        return None
    if model.computes and GIVEN.path not in catalogue.fields:
        return None
    return LiveHealth(model, row.live_since)


def is_health_current(connection: Connection, settings: HealthSettings) -> bool:
    """Whether the model that decides is the configured one."""
    query = select(_MODEL.c.version).order_by(_MODEL.c.live_since.desc()).limit(1)
    version = connection.scalar(query)
    if version is None:
        return not settings.components
    return bool(version == version_of(settings))


def health_goes_live(connection: Connection, settings: HealthSettings, at: datetime) -> None:
    """Let the configured model decide from `at` on."""
    content = settings.model_dump(mode="json")
    upsert(connection, _MODEL, [{"live_since": at, "version": version_of(settings), "content": content}])


def given_health(connection: Connection, ids: Iterable[str], at: datetime) -> dict[str, Decimal]:
    """What sources last said each account's health is, as known at `at`; absent where they said nothing."""
    by_source = or_(
        and_(_CHANGE.c.field == HEALTH.name, _CHANGE.c.source != SOURCE), _CHANGE.c.field == GIVEN.name
    )
    order = (_CHANGE.c.effective_at.desc(), _CHANGE.c.applies_at.desc(), _CHANGE.c.id.desc())
    found: dict[str, Decimal] = {}
    for chunk in chunked(ids):
        place = func.row_number().over(partition_by=_CHANGE.c.subject_id, order_by=order)
        said = (
            select(_CHANGE.c.subject_id, _CHANGE.c.new, place.label("place"))
            .where(_CHANGE.c.kind == Kind.ACCOUNT.value, _CHANGE.c.subject_id.in_(chunk))
            .where(by_source, _CHANGE.c.applies_at <= at)
            .subquery()
        )
        query = select(said.c.subject_id, said.c.new).where(said.c.place == 1, said.c.new.is_not(None))
        found.update((account_id, Decimal(new)) for account_id, new in connection.execute(query))
    return found


def write_scores(connection: Connection, scores: Collection[KeptScore]) -> None:
    """Keep what the folds computed; of two at one instant the last."""
    newest = {(each.account_id, each.at): each for each in scores}
    rows = [
        {
            "account_id": each.account_id,
            "at": each.at,
            "score": each.score,
            "parts": None if each.parts is None else as_plain(each.parts),
        }
        for each in newest.values()
    ]
    upsert(connection, _SCORE, rows)


def score_at(connection: Connection, account_id: str, at: datetime) -> KeptScore | None:
    """The score that was kept last by `at`."""
    query = select(_SCORE).where(_SCORE.c.account_id == account_id, _SCORE.c.at <= at)
    row = connection.execute(query.order_by(_SCORE.c.at.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    parts = None if row.parts is None else from_plain(row.parts)
    return KeptScore(account_id, row.at, row.score, parts)
