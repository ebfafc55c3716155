"""What every command needs: settings, the database, and one way to speak to people and to machines.

What only some commands need is imported where they ask for it, so that none waits for what another needs.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine

    from engine.rulebook import Library
    from engine.settings import Settings

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@dataclass(frozen=True)
class Shell:
    """The outermost layer: reads the configuration on first use and prints results."""

    config: Path | None
    open_engine: Callable[[str], "Engine"]
    """Opens and migrates the database of a URL."""

    @cached_property
    def settings(self) -> "Settings":
        """The configuration; a bad one ends the command with exit code 2."""
        from engine.settings import ConfigError, load_settings

        try:
            return load_settings(self.config)
        except ConfigError as error:
            self.refuse(str(error))

    @cached_property
    def database(self) -> "Engine":
        """The configured database, migrated; one that does not open ends the command with exit code 2."""
        from engine.state.migrate import DatabaseUnusableError

        try:
            return self.open_engine(self.settings.database_url)
        except DatabaseUnusableError as error:
            self.refuse(str(error))

    def library(self) -> "Library":
        """The playbooks of the rules folder; problems in them are printed to standard error."""
        from engine.rulebook import Library
        from engine.settings import ConfigError

        try:
            library = Library(self.settings, self.settings.catalogue(), self.database)
        except (ConfigError, ValueError) as error:
            self.refuse(str(error))
        for problem in library.problems:
            sys.stderr.write(f"{problem}\n")
        return library

    @cached_property
    def console(self) -> "Console":
        """Where people read."""
        from rich.console import Console

        return Console(soft_wrap=True, highlight=False)

    def print_json(self, value: Any) -> None:
        """Print one JSON document."""
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def say(self, message: str) -> None:
        """Tell a person something beside the result, on standard error."""
        sys.stderr.write(message + "\n")

    def refuse(self, message: str) -> NoReturn:
        """End the command as wrongly used."""
        sys.stderr.write(message + "\n")
        raise typer.Exit(2)
