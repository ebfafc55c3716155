"""The link that ends it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from engine.conditions.catalogue import BUILT_IN, Kind
from engine.permit.secret import installation_secret
from engine.permit.suppression import address_key, suppress, suppressed_among
from engine.permit.unsubscribe import (
    BadTokenError,
    UnknownPersonError,
    read_token,
    sign_token,
    unsubscribe,
    unsubscribe_key,
    unsubscribe_links,
    unsubscribe_url,
)
from engine.state.database import reading, writing
from engine.state.ingest import Entry, ingest
from engine.state.tables import Change, Contact, Secret, Suppression

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def book(database: Engine) -> Engine:
    """One account with one contact."""
    entries = [
        Entry(Kind.ACCOUNT, "a1", "a1", {"name": "A"}, NOW, NOW),
        Entry(Kind.CONTACT, "c1", "a1", {"email": "Ann@X.example", "consent": "granted"}, NOW, NOW),
    ]
    assert not ingest(database, BUILT_IN, entries, source="test").rejected
    return database


def token_of(database: Engine, contact_id: str) -> str:
    """A genuine token."""
    return sign_token(unsubscribe_key(database), contact_id, "product")


def test_unsubscribe_withdraws_consent_and_suppresses_the_address(book: Engine) -> None:
    """As a change with its time and source."""
    later = NOW + timedelta(days=1)
    done = unsubscribe(book, token_of(book, "c1"), later)
    assert (done.contact_id, done.account_id, done.topic, done.is_new) == ("c1", "a1", "product", True)
    with reading(book) as connection:
        assert connection.scalar(select(Contact.consent)) == "withdrawn"
        assert connection.execute(select(Suppression.email, Suppression.reason)).all() == [
            ("ann@x.example", "unsubscribed")
        ]
        change = connection.execute(
            select(Change).where(Change.field == "consent").order_by(Change.id.desc())
        ).first()
    assert change is not None
    assert (change.new, change.effective_at, change.source) == ("withdrawn", later, "unsubscribe")


def test_unsubscribe_again_changes_nothing(book: Engine) -> None:
    """A second click is as good as the first."""
    token = token_of(book, "c1")
    unsubscribe(book, token, NOW + timedelta(days=1))
    assert not unsubscribe(book, token, NOW + timedelta(days=2)).is_new
    with reading(book) as connection:
        assert connection.scalar(select(func.count()).where(Change.new == "withdrawn")) == 1
        assert connection.scalar(select(func.count()).select_from(Suppression)) == 1


def test_unsubscribe_says_when_the_person_is_gone(book: Engine) -> None:
    """An erased person's link is no fault of theirs."""
    with pytest.raises(UnknownPersonError, match="no longer known"):
        unsubscribe(book, token_of(book, "erased"), NOW)


@pytest.mark.parametrize("token", ["", "x", "WyJjMSIsIiJd.AAAA", "\x00", "é", "a" * 5000])
def test_unsubscribe_refuses_a_bad_token(book: Engine, token: str) -> None:
    """With words for the person who clicked."""
    with pytest.raises(BadTokenError, match="this link is not complete"):
        unsubscribe(book, token, NOW)


def test_read_token_refuses_what_another_key_signed() -> None:
    """And anything altered; its own tokens read back."""
    token = sign_token("key", "c1", None)
    assert read_token("key", token) == ("c1", "")
    for key, altered in (("other", token), ("key", token[:-1]), ("key", "x" + token)):
        with pytest.raises(BadTokenError):
            read_token(key, altered)


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
