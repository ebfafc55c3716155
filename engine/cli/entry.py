"""Where the console script begins: loading the commands takes a second, and Ctrl-C in it stays quiet."""

import sys

_INTERRUPTED = 130
"""What a shell reports of a program that Ctrl-C ended."""


def run() -> None:
    """Load the commands and run the one that was asked for."""
    try:
        from engine.cli.main import run as run_command
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    run_command()
