"""Settings that follow from the ports a service really got."""

from pydantic import SecretStr

from engine.settings import Settings, SlackConnector, SmtpConnector


def with_console_port(settings: Settings, port: int) -> Settings:
    """The settings with the console on `port`, in every local address that named the configured one."""
    console = settings.console
    if console.port == port:
        return settings
    old, new = f":{console.port}", f":{port}"
    url = _moved(console.public_url, old, new)
    connectors = {
        name: each.model_copy(update={"url": SecretStr(_moved(each.url.get_secret_value(), old, new))})
        if isinstance(each, SlackConnector)
        else each
        for name, each in settings.connectors.items()
    }
    moved = console.model_copy(update={"port": port, "public_url": url})
    return settings.model_copy(update={"console": moved, "connectors": connectors})


def with_mailbox_port(settings: Settings, port: int) -> Settings:
    """The settings with the mailbox on `port`, and the connectors that named the configured one."""
    mailbox = settings.mailbox
    if mailbox.smtp_port == port:
        return settings
    connectors = {
        name: each.model_copy(update={"port": port})
        if isinstance(each, SmtpConnector) and (each.host, each.port) == (mailbox.host, mailbox.smtp_port)
        else each
        for name, each in settings.connectors.items()
    }
    moved = mailbox.model_copy(update={"smtp_port": port})
    return settings.model_copy(update={"mailbox": moved, "connectors": connectors})


def _moved(url: str, old: str, new: str) -> str:
    """The local address with its port exchanged; any other as it is."""
    for host in ("127.0.0.1", "localhost", "[::1]"):
        begin = f"http://{host}{old}"
        if url == begin or url.startswith(begin + "/"):
            return f"http://{host}{new}" + url.removeprefix(begin)
    return url
