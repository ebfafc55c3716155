"""The service in the foreground of a terminal, until it is stopped."""

import logging
import os
import signal
import sys
from functools import partial
from types import FrameType
from typing import NoReturn

import typer

from engine.cli.shell import Shell
from engine.first_start import FirstToken
from engine.listening import AddressRefusedError
from engine.service import ServiceFailedError, greeting, serve
from engine.settings import ConfigError, Settings
from engine.wiring import with_console_port


def serve_in_terminal(shell: Shell, port: int | None, json: bool) -> None:
    """Run the service until Ctrl-C. `port` stands for the configured one, None leaves it."""
    settings = shell.settings
    if port is not None:
        settings = with_console_port(settings, port)
    _log_to_stderr()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _interrupt)
    try:
        is_clean = serve(settings, partial(_say, err=json), partial(_greet, shell, json))
    except (AddressRefusedError, ServiceFailedError, ConfigError) as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from error
    if not is_clean:
        _leave_at_once()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Stop once; what comes while stopping changes nothing."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(line: str, *, err: bool) -> None:
    stream = sys.stderr if err else sys.stdout
    stream.write(line + "\n")
    stream.flush()


def _greet(shell: Shell, as_json: bool, settings: Settings, token: FirstToken) -> None:
    """Tell where it runs and how to sign in."""
    if as_json:
        found = {"url": settings.console.public_url, "token": token.token, "token_file": str(token.file)}
        if token.people is not None:
            found["sign_in_link"] = token.people.link
        shell.print_json(found)
        sys.stdout.flush()
        return
    for line in greeting(settings, token):
        _say(line, err=False)


def _log_to_stderr() -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("engine").setLevel(logging.INFO)


def _leave_at_once() -> NoReturn:
    """End without waiting for threads that did not end in time; what they had begun is taken up later."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
