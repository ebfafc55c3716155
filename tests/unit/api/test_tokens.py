"""Tokens are random, kept as digests, and can be taken back."""

from sqlalchemy import Engine, select

from engine.api.tokens import create_token, has_tokens, is_valid, revoke_tokens, token_digest, token_owner
from engine.state.database import reading
from engine.state.tables import ApiToken
from tests.website_book import NOW


def test_create_token_keeps_only_a_digest(database: Engine) -> None:
    """The database never holds the token itself."""
    assert not has_tokens(database)
    token = create_token(database, "laptop", NOW)
    with reading(database) as connection:
        row = connection.execute(select(ApiToken.__table__)).one()  # type: ignore[attr-defined]
    assert token not in str(row)
    assert row.digest == token_digest(token)
    assert has_tokens(database)


def test_is_valid_knows_its_own_tokens_and_no_others(database: Engine) -> None:
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
    assert token_owner(database, token_digest(kept)) == "kept"
