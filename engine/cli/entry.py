"""Where the console script begins: loading the commands takes a second, and Ctrl-C in it stays quiet."""

import gc
import sys

_INTERRUPTED = 130
"""What a shell reports of a program that Ctrl-C ended."""
_SELDOM = (200_000, 30, 30)
"""How many new objects bring a look for garbage, in a command that ends before much of it gathers. With the
usual 700 that is a tenth to a fifth of what checking and testing costs. Commands that stay set it back."""


def run() -> None:
    """Load the commands and run the one that was asked for."""
    gc.set_threshold(*_SELDOM)
    try:
        from engine.cli.main import run as run_command
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    run_command()
