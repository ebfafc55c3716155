"""Sources over the API and on the command line."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.cli.main import app
from engine.clock.zones import format_instant
from engine.conditions.catalogue import BUILT_IN
from engine.people.sources import listed_sources
from engine.settings import load_settings
from engine.state.migrate import migrated
from engine.state.sources import list_sources, note_sync
from tests.builders import START
from tests.website import Watcher, make_service, visit
from tests.website_book import NOW

DAY_AGO = START - timedelta(days=1)


@pytest.fixture
def watcher() -> Watcher:
    """What the service was asked to do."""
    return Watcher()


@pytest.fixture
def client(database: Engine, watcher: Watcher) -> httpx.Client:
    """A caller with a token."""
    return visit(create_app(make_service(database, watcher)), create_token(database, "loader", NOW))


def test_posting_a_source_says_how_far_it_has_been_seen(
    client: httpx.Client, database: Engine, watcher: Watcher
) -> None:
    """Now, where nothing is said; it never goes back, and it wakes the service."""
    first = client.post("/api/v1/sources/usage", json={})
    assert (first.status_code, first.json()["watermark"]) == (200, format_instant(NOW))
    older = {"watermark": "2020-01-01T00:00:00Z", "rows": 7, "rejected": 1}
    again = client.post("/api/v1/sources/usage", json=older).json()
    assert (again["watermark"], again["rows"], again["rejected"]) == (format_instant(NOW), 7, 1)
    assert [each.name for each in list_sources(database)] == ["usage"]
    assert watcher.wakes >= 2
    assert [each["name"] for each in client.get("/api/v1/sources").json()["items"]] == ["usage"]


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("usage", "[]", 400, "Send an object"),
        ("usage", "{", 400, "nothing was taken"),
        ("usage", '{"watermark": "soon"}', 422, "soon"),
        ("usage", '{"watermark": "2999-01-01T00:00:00Z"}', 422, "lies in the future"),
        ("usage", '{"watermrk": "2026-01-01T00:00:00Z"}', 422, 'did you mean \\"watermark\\"'),
        ("usage", '{"rows": "many"}', 422, "source.rows is a number"),
        ("a%0Ab", "{}", 422, "control character"),
    ],
)
def test_posting_a_source_refuses_what_does_not_fit(
    name: str, body: str, status: int, words: str, client: httpx.Client, database: Engine
) -> None:
    """With what is wrong and the mend; nothing is kept."""
    answer = client.post(f"/api/v1/sources/{name}", content=body)
    assert answer.status_code == status
    assert words in answer.text
    assert list_sources(database) == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/sources"), ("POST", "/api/v1/sources/usage")])
def test_sources_ask_for_a_token(method: str, path: str, client: httpx.Client) -> None:
    """As everything else under /api."""
    assert client.request(method, path, json={}, headers={"Authorization": "Bearer no"}).status_code == 401


def test_sources_are_listed_with_what_rests_on_them(tmp_path: Path) -> None:
    """Those that have come and those that are only declared, for people and for machines."""
    url = f"sqlite:///{tmp_path}/t.db"
    config = tmp_path / "config.yaml"
    config.write_text(
        f"database_url: {url}\nsources:\n  usage: {{feeds: [login], lag: 1d}}\n"
        "  billing: {feeds: [paid], live: true}\n  crm: {feeds: [account.last_active_at], fresh_for: 3d}\n"
    )
    database = migrated(url)
    note_sync(database, BUILT_IN, "usage", {"watermark": DAY_AGO}, START)
    database.dispose()
    shown = CliRunner().invoke(app, ["--config", str(config), "sources"])
    assert shown.exit_code == 0
    assert "billing  live" in shown.output
    assert "crm  not seen yet" in shown.output
    assert "lag 0d, fresh for 3d; stale: it has never been seen" in shown.output
    assert "lag 1d, its values stay good" in shown.output
    assert f"usage  seen until {format_instant(DAY_AGO)}" in shown.output
    found: list[dict[str, Any]] = json.loads(
        CliRunner().invoke(app, ["--config", str(config), "sources", "--json"]).output
    )
    assert [(each["name"], each["feeds"], each["lag"]) for each in found] == [
        ("billing", ["paid"], "0d"),
        ("crm", ["account.last_active_at"], "0d"),
        ("usage", ["login"], "1d"),
    ]


def test_sources_say_what_is_stale_and_since_when(tmp_path: Path) -> None:
    """By the lag and the freshness in force; on the command line as in the API."""
    url = f"sqlite:///{tmp_path}/t.db"
    config = tmp_path / "config.yaml"
    config.write_text(
        f"database_url: {url}\nsources: {{usage: {{feeds: [account.health], lag: 1d, fresh_for: 3d}}}}\n"
    )
    database = migrated(url)
    note_sync(database, BUILT_IN, "usage", {"watermark": DAY_AGO}, START)
    settings = load_settings(config)
    (fresh,) = listed_sources(database, settings, DAY_AGO + timedelta(days=4))
    assert (fresh.fresh_for, fresh.is_stale, fresh.stale_since) == ("3d", False, None)
    (stale,) = listed_sources(database, settings, DAY_AGO + timedelta(days=4, microseconds=1))
    assert (stale.is_stale, stale.stale_since) == (True, DAY_AGO + timedelta(days=4))
    database.dispose()
    shown = CliRunner().invoke(app, ["--config", str(config), "sources"]).output
    assert f"lag 1d, fresh for 3d; stale since {format_instant(DAY_AGO + timedelta(days=4))} (" in shown


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{feeds: [account.last_activ_at]}", 'sources.usage.feeds: unknown field "account.last_activ_at"'),
        ('{feeds: [login], lag: "3"}', "sources.usage.lag: '3' is not a duration"),
        ("{feeds: [login], lag: 2bd}", "sources.usage.lag: 2bd has no fixed length"),
        ("{feeds: []}", "sources.usage.feeds"),
        ("{feed: [login]}", "sources.usage.feed"),
    ],
)
def test_settings_refuse_sources_that_make_no_sense(source: str, words: str, tmp_path: Path) -> None:
    """With the place in the settings, when a command needs them."""
    config = tmp_path / "config.yaml"
    config.write_text(f"database_url: sqlite:///{tmp_path}/t.db\nsources:\n  usage: {source}\n")
    shown = CliRunner().invoke(app, ["--config", str(config), "check"])
    assert shown.exit_code == 2
    assert words in shown.output
