"""Sockets taken before anything else starts."""

import errno
import socket

import pytest

from engine.listening import AddressRefusedError, listen, port_of


def test_listen_takes_a_free_port() -> None:
    """Port 0 leaves the choice to the system."""
    with listen("127.0.0.1", 0, "the console", "console.port") as taken:
        assert port_of(taken) > 0


def test_listen_says_which_port_is_taken_and_what_moves_it() -> None:
    """One sentence with the mend."""
    with listen("127.0.0.1", 0, "the console", "console.port") as taken:
        port = port_of(taken)
        with pytest.raises(AddressRefusedError) as refused:
            listen("127.0.0.1", port, "the mailbox", "mailbox.smtp_port")
    assert str(refused.value) == (
        f"Port {port} is taken, so the mailbox cannot listen there; "
        "stop what uses it, or set mailbox.smtp_port."
    )


def test_listen_says_that_an_address_is_not_of_this_machine() -> None:
    """Other refusals carry the system's reason."""
    with pytest.raises(
        AddressRefusedError, match=r"^The console cannot listen on 192\.0\.2\.1: .*console\.port"
    ):
        listen("192.0.2.1", 0, "the console", "console.port")


def test_listen_says_that_a_port_is_privileged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports below 1024 may be forbidden to a user."""

    def refuse(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(
        AddressRefusedError, match=r"^Port 80 may not be used by this user; set console\.port"
    ):
        listen("127.0.0.1", 80, "the console", "console.port")
