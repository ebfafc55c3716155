"""A console over a seeded book: one that no test changes, and one of the test's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.rulefile.problem import Problem
from engine.state.database import open_database
from tests.website import Watcher, make_service, visit
from tests.website_book import NOW, seed


@pytest.fixture
def watcher() -> Watcher:
    """What the service was asked to do."""
    return Watcher()


@pytest.fixture(scope="module")
def shelf(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A seeded book that no test changes."""
    file = tmp_path_factory.mktemp("shelf") / "tminus.db"
    shutil.copyfile(sqlite_template, file)
    engine = open_database(f"sqlite:///{file}")
    seed(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def reading_room(shelf: Engine, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The application over the book that no test changes."""
    return _app(shelf, Watcher(), tmp_path_factory.mktemp("mailbox"))


@pytest.fixture
def reader(reading_room: FastAPI, shelf: Engine) -> httpx.Client:
    """A browser signed in to the application over that book."""
    return _signed_in(reading_room, create_token(shelf, "reader", NOW))


@pytest.fixture
def app(sqlite_database: Engine, watcher: Watcher, tmp_path: Path) -> FastAPI:
    """The application over a seeded book of the test's own."""
    seed(sqlite_database)
    return _app(sqlite_database, watcher, tmp_path / "mailbox")


@pytest.fixture
def browser(app: FastAPI, sqlite_database: Engine) -> httpx.Client:
    """A browser signed in to it."""
    return _signed_in(app, create_token(sqlite_database, "first start", NOW))


def _app(database: Engine, watcher: Watcher, mailbox: Path) -> FastAPI:
    """With a mailbox and a broken rule file."""
    problem = Problem("rules/at-risk.yaml", 3, 1, 'unknown key "titel" (did you mean "title"?)')
    return create_app(make_service(database, watcher, mailbox=mailbox, problems=lambda: (problem,)))


def _signed_in(app: FastAPI, token: str) -> httpx.Client:
    client = visit(app)
    assert client.post("/sign-in", data={"token": token}).status_code == 303
    return client
