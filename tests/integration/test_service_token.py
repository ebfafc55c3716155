"""The token of a first start, and the people of a trial."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.api.tokens import create_token, token_digest, used_token
from engine.first_start import FirstPeople, FirstToken, data_folder, first_people, first_token
from engine.sample.staff import staff
from engine.service import greeting
from engine.settings import Settings
from engine.state.database import reading
from engine.users.access import Access
from engine.users.links import use_link
from engine.users.passwords import check_password
from engine.users.users import list_users
from tests.website_book import put

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_first_token_is_made_once_and_kept_for_its_owner_alone(database: Engine, tmp_path: Path) -> None:
    """The file can be read by nobody else, and a second start makes no other."""
    first = first_token(database, tmp_path / "var", NOW)
    assert first.token is not None
    assert used_token(database, token_digest(first.token), NOW) is not None
    assert first.file.read_text().strip() == first.token
    assert stat.S_IMODE(first.file.stat().st_mode) == 0o600
    assert first_token(database, tmp_path / "var", NOW) == FirstToken(first.file, None)


def test_first_token_is_not_made_where_there_is_one(sqlite_database: Engine, tmp_path: Path) -> None:
    """Whoever made a token by hand has one."""
    create_token(sqlite_database, "ada", NOW)
    assert first_token(sqlite_database, tmp_path, NOW).token is None
    assert list(tmp_path.glob("first-token")) == []


def test_first_token_replaces_the_file_of_a_lost_database(sqlite_database: Engine, tmp_path: Path) -> None:
    """A leftover file, or a link put in its place, is removed and not written through."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    (tmp_path / "first-token").symlink_to(elsewhere)
    made = first_token(sqlite_database, tmp_path, NOW)
    assert made.file.read_text().strip() == made.token
    assert elsewhere.read_text() == "untouched"


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("sqlite:///var/tminus.db", "var"),
        ("sqlite:////srv/tminus/book.db", "/srv/tminus"),
        ("sqlite://", "var"),
        ("postgresql://tminus@db/tminus", "var"),
    ],
)
def test_data_folder_is_beside_the_database(url: str, folder: str) -> None:
    """Files of the service live with its data."""
    assert data_folder(url) == Path(folder)


def test_greeting_shows_a_token_only_when_it_was_made(tmp_path: Path) -> None:
    """Later starts say where it is, or how to make another."""
    file = tmp_path / "first-token"
    shown = greeting(Settings(), FirstToken(file, "secret"))
    assert shown[0] == "Tminus runs at http://127.0.0.1:8025"
    assert any("secret" in line for line in shown)
    assert "tminus token NAME" in "\n".join(greeting(Settings(), FirstToken(file, None)))
    file.write_text("secret")
    later = "\n".join(greeting(Settings(), FirstToken(file, None)))
    assert str(file) in later
    assert "secret" not in later


def test_first_people_can_try_every_access(database: Engine, tmp_path: Path) -> None:
    """The link signs the admin in, once; the password is everybody's, in a file for its owner alone."""
    put(database, *staff())
    made = first_people(database, tmp_path, "http://127.0.0.1:8025", NOW)
    assert made is not None
    with reading(database) as connection:
        users = list_users(connection)
    assert {each.access for each in users} == set(Access)
    assert use_link(database, made.link.partition("code=")[2], NOW) == "renata.voss"
    for email in made.emails:
        assert check_password(database, email, made.password) is not None
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    assert f"password: {made.password}\n" in made.file.read_text()
    assert first_people(database, tmp_path, "http://127.0.0.1:8025", NOW) is None


def test_greeting_leads_people_in_by_a_link(tmp_path: Path) -> None:
    """Of a trial; the token is for programs there."""
    people = FirstPeople(
        tmp_path / "first-sign-in", "http://here/sign-in/link?code=x", "pass", ("a@b.example",)
    )
    shown = "\n".join(greeting(Settings(), FirstToken(tmp_path / "first-token", "secret", people)))
    assert "Sign in as a@b.example, once: http://here/sign-in/link?code=x" in shown
    assert "Programs sign in with this token: secret" in shown
