"""`tminus run`: the service, until it is stopped."""

from typing import Annotated

import typer

from engine.cli.shell import JsonOption


def run_service(
    ctx: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of console.port; 0 takes a free one.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run the service: scheduler, delivery, API and console. Ctrl-C stops it."""
    from engine.cli.serving import (
        serve_in_terminal,  # a third of what commands load, and only this one needs it
    )

    serve_in_terminal(ctx.obj, port, json)
