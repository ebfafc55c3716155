"""Every call of the API, with what its description allows and what it does not: each answer is described."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis.strategies import one_of
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
    use_after_free,
)
from sqlalchemy import create_engine

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.state.database import open_database
from tests.website import make_service
from tests.website_book import NOW, seed

_LEFT_OUT = [
    positive_data_acceptance,  # what a book holds decides whether an id or a name fits
    negative_data_rejection,  # rows that do not fit are refused one by one, within a success
    unsupported_method,
    use_after_free,
]


def _calls() -> list[tuple[str, str]]:
    """Every call by its path and method, as the description names them."""
    document = create_app(make_service(create_engine("sqlite://"))).openapi()
    return [(path, method) for path, methods in document["paths"].items() for method in methods]


@pytest.fixture(scope="module")
def described(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What the service says of itself, over one seeded book, with a token in every request."""
    file = tmp_path_factory.mktemp("described") / "tminus.db"
    shutil.copyfile(sqlite_template, file)
    database = open_database(f"sqlite:///{file}")
    seed(database)
    app = create_app(make_service(database))
    found = schemathesis.openapi.from_asgi("/openapi.json", app)
    found.config.update(headers={"Authorization": f"Bearer {create_token(database, 'prober', NOW)}"})
    yield found
    database.dispose()


@pytest.mark.parametrize(("path", "method"), _calls())
def test_every_answer_is_described(described: Any, path: str, method: str) -> None:
    """No 5xx, and no status, type or shape that is not described, whether or not a request fits."""
    call = described[path][method.upper()]

    @given(case=one_of(call.as_strategy(generation_mode=mode) for mode in _modes(call)))
    @settings(max_examples=settings.default.max_examples // 5, deadline=None)
    def prove(case: Case) -> None:
        case.call_and_validate(excluded_checks=_LEFT_OUT)

    prove()


def _modes(call: Any) -> list[GenerationMode]:
    """A call without parameters cannot be called wrongly."""
    has_parameters = next(call.iter_parameters(), None) is not None or call.body
    return list(GenerationMode) if has_parameters else [GenerationMode.POSITIVE]
