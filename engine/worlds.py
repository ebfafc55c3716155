"""Puts together what a fold needs to know from the database and the library."""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Connection, select

from engine.admit.pause import Pause
from engine.admit.pauses import read_pauses
from engine.conditions.catalogue import Catalogue, Kind
from engine.fold.world import LivePlaybook, World
from engine.health.model import LiveHealth
from engine.render.email import compose_email
from engine.render.templates import Renderer
from engine.rulefile.model import Playbook
from engine.runs.owners import Person, Team
from engine.settings import Settings
from engine.state import tables
from engine.state.healths import live_health

_PERSON: Any = tables.Person.__table__  # type: ignore[attr-defined]


class Shelf(Protocol):
    """Playbooks and their templates by version, with what goes for all of them."""

    settings: Settings
    catalogue: Catalogue
    titles: Renderer
    """Renders one-line titles, whatever version they are of."""

    def playbook(self, version: str) -> Playbook:
        """The playbook of a version."""

    def renderer(self, version: str) -> Renderer:
        """The templates of a version."""

    def unsubscribe_url(self, contact_id: str, topic: str) -> str:
        """The link by which the contact leaves the topic."""


def build_world(connection: Connection, library: Shelf, live: tuple[LivePlaybook, ...]) -> World:
    """The world of one tick over a database."""
    health = live_health(connection, library.catalogue)
    return make_world(library, live, _people(connection), health, tuple(read_pauses(connection)))


def make_world(
    library: Shelf,
    live: tuple[LivePlaybook, ...],
    people: Mapping[str, Person],
    health: LiveHealth | None,
    pauses: tuple[Pause, ...] = (),
) -> World:
    """The world in which these playbooks are live, with these people by id and this way to compute health."""

    def render(version: str, path: str, context: Any) -> str:
        return library.renderer(version).render(path, context)

    def compose(version: str, name: str, context: Any) -> dict[str, str]:
        written = compose_email(library.renderer(version), name, context, library.settings.email.look)
        return {"subject": written.subject, "html": written.html, "text": written.text}

    return World(
        live=live,
        pinned=library.playbook,
        render=render,
        render_line=library.titles.line,
        compose=compose,
        unsubscribe_url=library.unsubscribe_url,
        team=Team(library.settings.roles, people),
        settings=library.settings,
        health=health,
        pauses=pauses,
        field_names={kind: tuple(library.catalogue.of_kind(kind)) for kind in Kind},
    )


def _people(connection: Connection) -> dict[str, Person]:
    query = select(_PERSON.c.id, _PERSON.c.name, _PERSON.c.email, _PERSON.c.role, _PERSON.c.manager)
    return {row.id: Person(*row) for row in connection.execute(query)}
