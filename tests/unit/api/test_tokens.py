"""Tokens are random, kept as digests, good for what they say, and can be taken back."""

from datetime import timedelta

from sqlalchemy import Engine, select

from engine.api.tokens import (
    create_token,
    has_tokens,
    list_tokens,
    revoke_token,
    revoke_tokens,
    token_digest,
    used_token,
)
from engine.state.database import reading
from engine.state.tables import ApiToken
from engine.users.access import ALL, Permission
from tests.website_book import NOW


def is_valid(database: Engine, token: str) -> bool:
    """Whether the API would take it."""
    return used_token(database, token_digest(token), NOW) is not None


def test_create_token_keeps_only_a_digest(database: Engine) -> None:
    """The database never holds the token itself."""
    assert not has_tokens(database)
    token = create_token(database, "laptop", NOW)
    with reading(database) as connection:
        row = connection.execute(select(ApiToken.__table__)).one()  # type: ignore[attr-defined]
    assert token not in str(row)
    assert row.digest == token_digest(token)
    assert has_tokens(database)


def test_used_token_knows_its_own_tokens_and_no_others(database: Engine) -> None:
    """Odd text is refused, not an error."""
    token = create_token(database, "laptop", NOW)
    assert is_valid(database, token)
    for other in ("", "x", token + " ", token[:-1], "é", "\ud800", "a\x00b", "x" * 100_000):
        assert not is_valid(database, other)


def test_revoke_tokens_ends_every_token_of_a_name(database: Engine) -> None:
    """Other names stay."""
    lost, kept = create_token(database, "lost", NOW), create_token(database, "kept", NOW)
    assert revoke_tokens(database, "lost", NOW) == 1
    assert revoke_tokens(database, "lost", NOW) == 0
    assert not is_valid(database, lost)
    assert is_valid(database, kept)
    assert [each.name for each in list_tokens(database)] == ["kept"]
    assert [each.name for each in list_tokens(database, revoked=True)] == ["kept", "lost"]


def test_revoke_token_ends_one_by_its_id(database: Engine) -> None:
    """Another of the same name stays; no id, or a wild one, revokes nothing."""
    first, second = create_token(database, "laptop", NOW), create_token(database, "laptop", NOW)
    (wanted,) = [each.id for each in list_tokens(database) if each.digest == token_digest(first)]
    assert [revoke_token(database, each, NOW) for each in ("", "%", wanted)] == [0, 0, 1]
    assert (is_valid(database, first), is_valid(database, second)) == (False, True)


def test_a_token_has_the_scopes_it_was_made_for(database: Engine) -> None:
    """All of them where nothing is said."""
    create_token(database, "all", NOW)
    create_token(database, "feed", NOW, scopes=[Permission.DATA, Permission.READ], by="dana")
    every, feed = list_tokens(database)
    assert (every.scopes, every.created_by) == (ALL, None)
    assert (feed.scopes, feed.created_by) == ({Permission.DATA, Permission.READ}, "dana")


def test_a_token_expires(database: Engine) -> None:
    """At its instant and from then on."""
    token = token_digest(create_token(database, "short", NOW, expires_at=NOW + timedelta(hours=1)))
    assert used_token(database, token, NOW + timedelta(minutes=59)) is not None
    assert used_token(database, token, NOW + timedelta(hours=1)) is None


def test_the_last_use_of_a_token_is_kept_to_the_minute(database: Engine) -> None:
    """So that reading does not write each time."""
    token = token_digest(create_token(database, "laptop", NOW))
    seen = []
    for seconds in (0, 59, 61, 100, 122):
        used_token(database, token, NOW + timedelta(seconds=seconds))
        (known,) = list_tokens(database)
        assert known.used_at is not None
        seen.append((known.used_at - NOW).total_seconds())
    assert seen == [0, 0, 61, 61, 122]
