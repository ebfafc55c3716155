"""Puts together what a fold needs to know from the database and the library."""

from typing import Any

from sqlalchemy import Connection, select

from engine.conditions.catalogue import Kind
from engine.fold.world import LivePlaybook, World
from engine.render.email import compose_email
from engine.rulebook import Library
from engine.runs.owners import Person, Team
from engine.state import tables
from engine.state.healths import live_health

_PERSON: Any = tables.Person.__table__  # type: ignore[attr-defined]


def build_world(connection: Connection, library: Library, live: tuple[LivePlaybook, ...]) -> World:
    """The world of one tick."""

    def render(version: str, path: str, context: Any) -> str:
        return library.renderer(version).render(path, context)

    def compose(version: str, name: str, context: Any) -> dict[str, str]:
        written = compose_email(library.renderer(version), name, context)
        return {"subject": written.subject, "html": written.html, "text": written.text}

    return World(
        live=live,
        pinned=library.playbook,
        render=render,
        render_line=library.titles.line,
        compose=compose,
        unsubscribe_url=library.unsubscribe_url,
        team=Team(library.settings.roles, _people(connection)),
        settings=library.settings,
        health=live_health(connection, library.catalogue),
        field_names={kind: tuple(library.catalogue.of_kind(kind)) for kind in Kind},
    )


def _people(connection: Connection) -> dict[str, Person]:
    query = select(_PERSON.c.id, _PERSON.c.name, _PERSON.c.email, _PERSON.c.role, _PERSON.c.manager)
    return {row.id: Person(*row) for row in connection.execute(query)}
