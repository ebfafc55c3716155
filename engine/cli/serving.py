"""The service in the foreground of a terminal, until it is stopped."""

import sys
from functools import partial

import typer

from engine.cli.foreground import interrupt_on_signals, leave_at_once, log_to_stderr, say, settle_in
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
    log_to_stderr()
    interrupt_on_signals()
    settle_in()
    try:
        is_clean = serve(settings, partial(say, err=json), partial(_greet, shell, json))
    except (AddressRefusedError, ServiceFailedError, ConfigError) as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from error
    if not is_clean:
        leave_at_once()


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
        say(line, err=False)
