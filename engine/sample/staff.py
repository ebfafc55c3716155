"""Our own people in the sample: who manages whom, and who looks after which customer."""

from functools import cache

from engine.state.tables import Person

_STAFF = """
renata.voss     Renata Voss       csm_manager   helena.brandt  Europe/Berlin
marcus.oyelaran Marcus Oyelaran   csm_manager   helena.brandt  America/New_York
dana.whitlock   Dana Whitlock     csm           marcus.oyelaran America/New_York
luis.ferreira   Luís Ferreira     csm           marcus.oyelaran America/Sao_Paulo
priya.raman     Priya Raman       csm           renata.voss    Asia/Kolkata
jonas.lindgren  Jonas Lindgren    csm           renata.voss    Europe/Stockholm
claire.dubois   Claire Dubois     csm           renata.voss    Europe/Paris
tom.okonkwo     Tom Okonkwo       csm           marcus.oyelaran America/Chicago
mei.tanaka      Mei Tanaka        csm           renata.voss    Asia/Tokyo
sean.obrien     Seán O'Brien      csm           renata.voss    Europe/Dublin
grace.achieng   Grace Achieng     csm           marcus.oyelaran Africa/Nairobi
victor.hale     Victor Hale       ae            helena.brandt  America/New_York
sofia.nunez     Sofía Núñez       ae            helena.brandt  Europe/Madrid
ken.marlowe     Ken Marlowe       ae            helena.brandt  Australia/Sydney
helena.brandt   Helena Brandt     exec_sponsor  -              Europe/Berlin
arthur.quaye    Arthur Quaye      exec_sponsor  -              America/New_York
"""


def staff() -> list[Person]:
    """Nine CSMs, two managers, three account executives and two executives."""
    return [_person(line.split()) for line in _STAFF.strip().splitlines()]


@cache
def ids_of(role: str) -> tuple[str, ...]:
    """The people of one role, in a fixed order."""
    return tuple(each.id for each in staff() if each.role == role)


def _person(words: list[str]) -> Person:
    identity, first, last, role, manager, timezone = words
    return Person(
        id=identity,
        name=f"{first} {last}",
        email=f"{identity}@ourteam.example",
        role=role,
        manager=None if manager == "-" else manager,
        timezone=timezone,
    )
