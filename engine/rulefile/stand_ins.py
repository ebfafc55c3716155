"""Values that stand in for an account's own where a template is tried out before there is one."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from engine.conditions.catalogue import Catalogue, Field, FieldType, Kind, Value

_AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
_VALUES: dict[FieldType, Value] = {
    FieldType.NUMBER: Decimal(42),
    FieldType.MONEY: Decimal(42),
    FieldType.PERCENT: Decimal(42),
    FieldType.TEXT: "text",
    FieldType.FLAG: True,
    FieldType.DATE: date(2026, 1, 31),
    FieldType.INSTANT: _AT,
}


def stand_ins(catalogue: Catalogue, subject: Kind | None) -> dict[str, Any]:
    """Everything a template of a playbook about `subject` can name, with no value missing."""
    kinds = {Kind.ACCOUNT, subject or Kind.ACCOUNT}
    found: dict[str, Any] = {kind.value: _of_kind(catalogue, kind) for kind in sorted(kinds)}
    person = {"name": "text", "email": "text"}
    return {
        **found,
        "playbook": {"name": "text", "title": "text"},
        "run": {"started_at": _AT, "reason": "text"},
        "today": date(2026, 1, 31),
        "brand": "text",
        "footer": "text",
        "champion": _of_kind(catalogue, Kind.CONTACT),
        "csm": person,
    }


def _of_kind(catalogue: Catalogue, kind: Kind) -> dict[str, Value]:
    return {"id": "text", **{name: _value(each) for name, each in catalogue.of_kind(kind).items()}}


def _value(field: Field) -> Value:
    return field.choices[0] if field.type is FieldType.ENUM else _VALUES[field.type]
