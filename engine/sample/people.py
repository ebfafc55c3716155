"""The people at a sample customer: who they are, and who leaves."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from unicodedata import normalize

from engine.conditions.catalogue import Kind, Value
from engine.sample import words
from engine.sample.customers import Customer, Story
from engine.sample.happening import Happening, moment, subject_entry

_ROLES = {
    "high_touch": (
        "champion", "economic_buyer", "executive_sponsor", "technical_owner", "end_user", "end_user",
    ),
    "low_touch": ("champion", "economic_buyer", "technical_owner", "end_user"),
    "tech_touch": ("champion", "end_user"),
}  # fmt: skip
_TITLES = {
    "champion": (("Head of Operations", "director"), ("Operations Manager", "manager")),
    "economic_buyer": (("Chief Financial Officer", "executive"), ("Finance Director", "director")),
    "executive_sponsor": (("Chief Operating Officer", "executive"), ("Managing Director", "executive")),
    "technical_owner": (("IT Manager", "manager"), ("Systems Administrator", "user")),
    "end_user": (("Planner", "user"), ("Coordinator", "user"), ("Analyst", "user")),
}
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "Ł": "L"})
"""Letters that have no plain letter within them."""


def contact_id(customer: Customer, number: int) -> str:
    """The id of one of the customer's people; number 1 is its champion at the start."""
    return f"{customer.id}-con-{number}"


def contacts(customer: Customer, draw: Random) -> Iterator[Happening]:
    """The people from the start, some who left within the history, and their successors."""
    names: set[str] = set()
    for number, role in enumerate(_ROLES[customer.segment], start=1):
        yield _arrival(customer, number, role, customer.start, names, draw)
        if role != "champion" and draw.random() < 0.12:
            left = moment(draw, customer.start + timedelta(days=1), customer.last - timedelta(days=1))
            yield subject_entry(
                customer, Kind.CONTACT, contact_id(customer, number), left, {"status": "departed"}
            )
    yield from _succession(customer, len(_ROLES[customer.segment]) + 1, names, draw)


def _succession(customer: Customer, number: int, names: set[str], draw: Random) -> Iterator[Happening]:
    """A champion who left in the last two weeks, or long ago and was replaced."""
    champion = contact_id(customer, 1)
    if customer.story is Story.LOSES_CHAMPION:
        low = max(customer.start, customer.end - timedelta(days=13))
        left = moment(draw, low, customer.end - timedelta(hours=2))
        yield subject_entry(customer, Kind.CONTACT, champion, left, {"status": "departed"})
    elif customer.last - customer.start > timedelta(days=120) and draw.random() < 0.08:
        left = moment(draw, customer.start + timedelta(days=5), customer.last - timedelta(days=90))
        yield subject_entry(customer, Kind.CONTACT, champion, left, {"status": "departed"})
        yield _arrival(customer, number, "champion", left + timedelta(days=draw.randint(5, 40)), names, draw)


def _arrival(
    customer: Customer, number: int, role: str, at: datetime, names: set[str], draw: Random
) -> Happening:
    title, level = draw.choice(_TITLES[role])
    values: dict[str, Value | None] = {
        "name": _new_name(customer, names, draw),
        "title": title,
        "role": role,
        "level": level,
        "status": "active",
        "timezone": customer.place.timezone,
        "locale": customer.place.locale,
    }
    values["email"] = f"{_mailbox(str(values['name']))}@{customer.domain}"
    if draw.random() < 0.97:
        values["consent"] = "granted" if draw.random() < 0.95 else "withdrawn"
    if draw.random() < 0.35:
        values["nps"] = Decimal(draw.choices((3, 6, 7, 8, 9, 10), (1, 1, 2, 3, 3, 2))[0])
    return subject_entry(customer, Kind.CONTACT, contact_id(customer, number), at, values)


def _new_name(customer: Customer, names: set[str], draw: Random) -> str:
    """A name nobody else at the customer has."""
    name = words.person(draw, customer.place.tongue)
    while name in names:
        name = words.person(draw, customer.place.tongue)
    names.add(name)
    return name


def _mailbox(name: str) -> str:
    """The part before the @, in letters every mail server takes: `jorg.mac-aodha`."""
    plain = normalize("NFKD", name.translate(_LETTERS)).encode("ascii", "ignore").decode().lower()
    return plain.replace("'", "").replace(" ", ".")
