"""The link that ends it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, func, select

from engine.permit.secret import installation_secret
from engine.permit.suppression import address_key, suppress, suppressed_among
from engine.permit.unsubscribe import (
    BadTokenError,
    read_token,
    sign_token,
    unsubscribe_links,
    unsubscribe_url,
)
from engine.state.database import reading, writing
from engine.state.tables import Secret

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_read_token_refuses_what_another_key_signed() -> None:
    """And anything altered; its own tokens read back."""
    token = sign_token("key", "c1", None)
    assert read_token("key", token) == ("c1", "")
    for key, altered in (("other", token), ("key", token[:-1]), ("key", "x" + token)):
        with pytest.raises(BadTokenError):
            read_token(key, altered)


@pytest.mark.parametrize("token", ["", "x", "WyJjMSIsIiJd.AAAA", "\x00", "é", "a" * 5000])
def test_read_token_refuses_nonsense(token: str) -> None:
    """With words for the person who clicked."""
    with pytest.raises(BadTokenError, match="this link is not complete"):
        read_token("key", token)


def test_url_is_the_same_every_time(database: Engine) -> None:
    """So that a retried email is the same email."""
    links = unsubscribe_links(database, "https://acme.example/")
    url = links.url("c1", "product")
    assert url == unsubscribe_links(database, "https://acme.example").url("c1", "product")
    assert url.startswith("https://acme.example/unsubscribe/")
    assert unsubscribe_url("https://x.example", "t") == "https://x.example/unsubscribe/t"


def test_installation_secret_is_made_once(database: Engine) -> None:
    """Several who ask at once get the same."""
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: installation_secret(database, "name"), range(8)))
    assert len(found) == 1
    assert installation_secret(database, "other") not in found
    with reading(database) as connection:
        assert connection.scalar(select(func.count()).select_from(Secret)) == 2


def test_suppress_knows_an_address_however_it_is_written(database: Engine) -> None:
    """Case and international domains make no difference; the first reason stays."""
    with writing(database) as connection:
        assert suppress(connection, "Ann@Bücher.example", "bounced", NOW)
        assert not suppress(connection, "ANN@xn--bcher-kva.EXAMPLE", "manual", NOW)
        found = suppressed_among(connection, ["ann@bücher.example", "bob@x.example", "nonsense"])
    assert found == {address_key("ann@bücher.example")}
