"""Why a test came out as it did: the explanations that `tminus explain` gives, of what is in memory."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert
from sqlmodel import SQLModel

from engine.explain import explain
from engine.rehearsal.shelf import RuleShelf
from engine.replay.dump import dump
from engine.replay.memory import Memory
from engine.rulebook import Library, go_live
from engine.rulefile.model import Playbook
from engine.state import tables
from engine.state.database import open_database, writing

_PERSON: Any = tables.Person.__table__  # type: ignore[attr-defined]


class Explainer:
    """A ledger in memory, made when somebody first asks why."""

    def __init__(self) -> None:
        self._database: Engine | None = None

    def close(self) -> None:
        """Give the ledger up. It may be asked again afterwards."""
        if self._database is not None:
            self._database.dispose()
            self._database = None

    def reasons(
        self,
        shelf: RuleShelf,
        playbook: Playbook,
        memory: Memory,
        people: Sequence[tables.Person],
        since: datetime,
        now: datetime,
    ) -> list[str]:
        """Of each subject, the sentence that explains what the playbook makes of it at `now`.

        The playbooks went live at `since`.
        """
        database = self._empty()
        library = Library(shelf.settings, shelf.catalogue, database)
        library.use(shelf.rules)
        with writing(database) as connection:
            if people:
                connection.execute(insert(_PERSON), [each.model_dump() for each in people])
            go_live(connection, library, since)
            dump(connection, memory)
        ids = sorted(each for kind, each in memory.owners if kind is playbook.subject)
        told = {each: explain(database, library, playbook.name, each, now).conclusion for each in ids}
        return [f"{each}: {words}" if len(ids) > 1 else words for each, words in told.items()]

    def _empty(self) -> Engine:
        if self._database is None:
            self._database = open_database("sqlite://")
            with writing(self._database) as connection:
                SQLModel.metadata.create_all(connection)
        with writing(self._database) as connection:
            for table in reversed(SQLModel.metadata.sorted_tables):
                connection.execute(table.delete())
        return self._database
