"""Sessions are rows: they end when they are over, and at once when somebody ends them."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from engine.state.database import reading, writing
from engine.state.tables import Session
from engine.users.digests import digest_of
from engine.users.sessions import (
    Lasting,
    begin_session,
    end_session,
    end_sessions,
    known_session,
    sessions_of,
)
from tests.website_book import NOW

LASTING = Lasting(timedelta(hours=24), timedelta(days=14))


def _rows(database: Engine) -> int:
    with reading(database) as connection:
        return connection.scalar(select(func.count()).select_from(Session.__table__)) or 0  # type: ignore[attr-defined]


def test_a_session_keeps_only_the_digest_of_its_cookie(database: Engine) -> None:
    """Whoever reads the database cannot sign in with it."""
    value = begin_session(database, NOW, LASTING, "password", person_id="dana", agent="x" * 1000)
    found = known_session(database, value, NOW, LASTING)
    assert found is not None
    assert (found.person_id, found.token, found.how, found.digest) == (
        "dana",
        None,
        "password",
        digest_of(value),
    )
    assert len(found.agent) == 300
    assert known_session(database, found.digest, NOW, LASTING) is None


@pytest.mark.parametrize("other", ["", "x", "é", "\ud800", "a\x00b", "x" * 100_000])
def test_odd_cookies_name_no_session(database: Engine, other: str) -> None:
    """And are no errors."""
    begin_session(database, NOW, LASTING, "password", person_id="dana")
    assert known_session(database, other, NOW, LASTING) is None


def test_a_session_ends_when_it_is_not_used(database: Engine) -> None:
    """Each use, noted to the minute, puts that off."""
    value = begin_session(database, NOW, LASTING, "password", person_id="dana")
    for hours in (20, 43, 60):
        assert known_session(database, value, NOW + timedelta(hours=hours), LASTING) is not None
    assert known_session(database, value, NOW + timedelta(hours=84), LASTING) is None


def test_a_session_ends_after_its_whole_time(database: Engine) -> None:
    """However often it is used."""
    value = begin_session(database, NOW, LASTING, "password", person_id="dana")
    for days in range(1, 28):
        at = NOW + timedelta(hours=12 * days)
        assert known_session(database, value, at, LASTING) is not None
    assert known_session(database, value, NOW + timedelta(days=14), LASTING) is None


def test_beginning_a_session_sweeps_those_that_are_over(database: Engine) -> None:
    """So the table does not grow for ever."""
    begin_session(database, NOW, LASTING, "password", person_id="dana")
    begin_session(database, NOW + timedelta(hours=23), LASTING, "password", person_id="omar")
    assert _rows(database) == 2
    begin_session(database, NOW + timedelta(hours=24), LASTING, "password", person_id="dana")
    assert _rows(database) == 2


def test_signing_out_ends_one_session_or_all(database: Engine) -> None:
    """Everywhere, but for the one that asks."""
    here, there, elsewhere = (
        begin_session(database, NOW, LASTING, "password", person_id="dana") for _ in range(3)
    )
    other = begin_session(database, NOW, LASTING, "password", person_id="omar")
    end_session(database, there)
    assert known_session(database, there, NOW, LASTING) is None
    with writing(database) as connection:
        assert end_sessions(connection, "dana", but=digest_of(here)) == 1
        assert [each.digest for each in sessions_of(connection, "dana", NOW, LASTING)] == [digest_of(here)]
    assert known_session(database, elsewhere, NOW, LASTING) is None
    assert known_session(database, other, NOW, LASTING) is not None
