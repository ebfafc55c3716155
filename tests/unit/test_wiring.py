"""Settings that follow from the ports a service really got."""

import pytest
from pydantic import SecretStr

from engine.settings import Console, Mailbox, Settings, SlackConnector, SmtpConnector
from engine.wiring import with_console_port, with_mailbox_port


def with_slack(public_url: str, hook: str) -> Settings:
    """Settings with the console on its usual port."""
    return Settings(
        console=Console(port=8025, public_url=public_url),
        connectors={"slack": SlackConnector(kind="slack", url=SecretStr(hook))},
    )


@pytest.mark.parametrize(
    ("url", "moved"),
    [
        ("http://127.0.0.1:8025", "http://127.0.0.1:9000"),
        ("http://localhost:8025/mailbox/slack", "http://localhost:9000/mailbox/slack"),
        ("http://[::1]:8025/", "http://[::1]:9000/"),
        ("http://127.0.0.1:80250/", "http://127.0.0.1:80250/"),
        ("https://tminus.example:8025/", "https://tminus.example:8025/"),
    ],
)
def test_with_console_port_moves_local_addresses_alone(url: str, moved: str) -> None:
    """Addresses that somebody else answers stay as they are."""
    found = with_console_port(with_slack(url, url), 9000)
    hook = found.connectors["slack"]
    assert isinstance(hook, SlackConnector)
    assert (found.console.port, found.console.public_url) == (9000, moved)
    assert hook.url.get_secret_value() == moved


def test_with_mailbox_port_moves_the_connector_that_feeds_it() -> None:
    """A mailbox on a free port still gets what is sent; a real relay stays."""
    local = SmtpConnector(kind="smtp", host="127.0.0.1", port=0, security="none")
    relay = SmtpConnector(kind="smtp", host="relay.example", port=0)
    settings = Settings(
        mailbox=Mailbox(enabled=True, smtp_port=0), connectors={"email": local, "relay": relay}
    )
    found = with_mailbox_port(settings, 2526)
    ports = {name: each.port for name, each in found.connectors.items() if isinstance(each, SmtpConnector)}
    assert ports == {"email": 2526, "relay": 0}
    assert found.mailbox.smtp_port == 2526


def test_ports_that_are_as_configured_change_nothing() -> None:
    """The usual case."""
    settings = with_slack("http://127.0.0.1:8025", "http://127.0.0.1:8025/mailbox/slack")
    assert with_console_port(settings, 8025) is settings
    assert with_mailbox_port(settings, settings.mailbox.smtp_port) is settings
