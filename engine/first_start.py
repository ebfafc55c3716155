"""What a first start leaves behind: a token and, in a trial set-up, the sample book with its people."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url, select, update

from engine.api.tokens import create_token, has_tokens
from engine.conditions.catalogue import Catalogue
from engine.sample.seed import seed
from engine.state.database import reading, writing
from engine.state.entries import source_book
from engine.state.tables import Account, Source
from engine.users.access import Access
from engine.users.digests import new_secret
from engine.users.links import link_address, make_link
from engine.users.passwords import set_password
from engine.users.users import add_user, list_users

_ACCOUNT: Any = Account.__table__  # type: ignore[attr-defined]
_SOURCE: Any = Source.__table__  # type: ignore[attr-defined]

SAMPLE = "sample"
REPLAYED = timedelta(days=14)
"""The stretch of the sample's history that playbooks run over, so that queues are not empty."""


def data_folder(database_url: str) -> Path:
    """Where files beside the database go: its own folder for SQLite, `var` otherwise."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return Path(url.database).parent
    return Path("var")


SAMPLE_USERS = {
    "renata.voss": Access.ADMIN,
    "marcus.oyelaran": Access.OPS,
    "dana.whitlock": Access.CSM,
    "helena.brandt": Access.VIEWER,
}
"""Who of the sample's people may sign in, so that every access can be tried."""


@dataclass(frozen=True, slots=True)
class FirstToken:
    """The file that keeps the first token, and the token itself on the start that made it."""

    file: Path
    token: str | None
    people: "FirstPeople | None" = None
    """On the first start of a trial."""


@dataclass(frozen=True, slots=True)
class FirstPeople:
    """Who can sign in to a trial."""

    file: Path
    """Keeps the addresses and the password."""
    link: str
    """Signs the admin in, once."""
    password: str
    """Everybody's."""
    emails: tuple[str, ...]


def first_token(database: Engine, folder: Path, now: datetime) -> FirstToken:
    """Make a token where there is none yet, and leave it in a file that only its owner can read."""
    file = folder / "first-token"
    if has_tokens(database):
        return FirstToken(file, None)
    token = create_token(database, "first", now)
    _write_for_owner(file, token + "\n")
    return FirstToken(file, token)


def first_people(database: Engine, folder: Path, public_url: str, now: datetime) -> FirstPeople | None:
    """Let some of the sample's people sign in where nobody can yet; None where somebody can.

    They get one password, made at random and left in a file that only its owner can read.
    """
    with reading(database) as connection:
        if list_users(connection):
            return None
    password = new_secret()[:20]
    made = [
        add_user(database, f"{each}@ourteam.example", access, now, person_id=each)
        for each, access in SAMPLE_USERS.items()
    ]
    for each in made:
        set_password(database, each.person_id, password, now)
    file = folder / "first-sign-in"
    lines = [f"{each.email}  {each.access}" for each in made]
    _write_for_owner(file, "\n".join([*lines, f"password: {password}", ""]))
    link = link_address(public_url, make_link(database, made[0].person_id, now))
    return FirstPeople(file, link, password, tuple(each.email for each in made))


def _write_for_owner(file: Path, text: str) -> None:
    """Write a file that nobody else can read; what was in its place is gone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)


def sample_end(database: Engine, now: datetime) -> datetime | None:
    """Up to when the sample book is still to be written; None where it is there or must not be.

    A book cut short is taken up again with the same end, so that it becomes the same book. A database with
    accounts of somebody's own never gets one.
    """
    with reading(database) as connection:
        begun = connection.execute(select(_SOURCE).where(_SOURCE.c.id == SAMPLE)).one_or_none()
        has_accounts = connection.scalar(select(_ACCOUNT.c.id).limit(1)) is not None
    if begun is not None:
        return None if begun.last_sync_at else begun.watermark
    return None if has_accounts else now


def has_sample(database: Engine) -> bool:
    """Whether the book is the sample's."""
    with reading(database) as connection:
        return connection.scalar(select(_SOURCE.c.id).where(_SOURCE.c.id == SAMPLE)) is not None


def write_sample(database: Engine, catalogue: Catalogue, accounts: int, end: datetime) -> int:
    """Write the sample book with its history up to `end`; the number of changes and events written."""
    with writing(database) as connection:
        if connection.scalar(select(_SOURCE.c.id).where(_SOURCE.c.id == SAMPLE)) is None:
            row = {"id": SAMPLE, "account_id": source_book(SAMPLE), "name": SAMPLE, "watermark": end}
            connection.execute(_SOURCE.insert().values(row))
    return seed(database, catalogue, accounts=accounts, end=end)


def finish_sample(database: Engine, accounts: int, now: datetime) -> None:
    """Note that the sample is there and its last fortnight was decided, so that no later start repeats it."""
    with writing(database) as connection:
        values = {"last_sync_at": now, "rows": accounts}
        connection.execute(update(_SOURCE).where(_SOURCE.c.id == SAMPLE).values(**values))
