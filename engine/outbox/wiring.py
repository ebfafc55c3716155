"""From `connectors:` in the settings to objects that deliver."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from connectors.address import BadAddressError, parse_mailbox
from connectors.dkim_signing import DkimSigner
from connectors.message import BadLetterError, Letter, build_message, on_the_wire
from connectors.outcome import Failed, Outcome
from connectors.slack import SlackApiConnector, SlackConnector
from connectors.smtp import SmtpConnector
from connectors.teams import TeamsConnector
from connectors.webhook import WebhookConnector
from engine.email_settings import Email
from engine.outbox.correspondence import (
    check_addresses,
    dkim_signer,
    feedback_of,
    reply_address,
    sender_of,
)
from engine.outbox.entry import Connector, Entry
from engine.permit.unsubscribe import UnsubscribeLinks, unsubscribe_links
from engine.settings import ChatConnector as ChatSettings
from engine.settings import ConfigError, Settings
from engine.settings import Connector as ConnectorSettings
from engine.settings import SlackApiConnector as SlackApiSettings
from engine.settings import SlackConnector as SlackSettings
from engine.settings import WebhookConnector as WebhookSettings


@dataclass(frozen=True, slots=True)
class EmailDelivery:
    """Entries as emails over one SMTP server."""

    connector: SmtpConnector
    email: Email
    links: UnsubscribeLinks
    signer: DkimSigner | None = None

    def deliver(self, entry: Entry, now: datetime) -> Outcome:
        """Build the message, sign it and send it; what cannot be built can never be sent."""
        letter = self._letter(entry, now)
        try:
            content = on_the_wire(build_message(letter))
            recipient = parse_mailbox(letter.recipient).address
        except (BadAddressError, BadLetterError) as error:
            return Failed(str(error))
        if self.signer is not None:
            content = self.signer.sign(content, now)
        return self.connector.send(content, parse_mailbox(letter.sender).address, recipient)

    def close(self) -> None:
        """Say goodbye to the server; end what is under way."""
        self.connector.close()

    def _letter(self, entry: Entry, now: datetime) -> Letter:
        return Letter(
            id=entry.id,
            sender=sender_of(self.email, entry.topic),
            recipient=entry.recipient,
            subject=entry.subject,
            text=str(entry.payload.get("text", "")),
            html=str(entry.payload.get("html", "")),
            sent_at=now,
            reply_to=reply_address(self.email, entry.payload.get("reply_to")),
            unsubscribe_url=self._unsubscribe_url(entry),
            topic=entry.topic,
            feedback=feedback_of(self.email, entry.step, entry.topic),
        )

    def _unsubscribe_url(self, entry: Entry) -> str | None:
        if entry.contact_id is None or self.email.is_transactional(entry.topic):
            return None
        return self.links.url(entry.contact_id, entry.topic)


@dataclass(frozen=True, slots=True)
class ChatDelivery:
    """Entries as texts in a chat."""

    connector: SlackConnector | SlackApiConnector | TeamsConnector

    def deliver(self, entry: Entry, now: datetime) -> Outcome:
        """Post the text to the entry's channel."""
        return self.connector.send(str(entry.payload.get("text", "")), entry.recipient, entry.id, now)

    def close(self) -> None:
        """End the posts under way."""
        self.connector.close()


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """Entries as signed JSON posts to one address."""

    connector: WebhookConnector

    def deliver(self, entry: Entry, now: datetime) -> Outcome:
        """Post the document."""
        return self.connector.send(str(entry.payload.get("text", "")), entry.id, now)

    def close(self) -> None:
        """End the posts under way."""
        self.connector.close()


def open_connectors(settings: Settings, database: Engine) -> Mapping[str, Connector]:
    """Every configured connector by its name. Connects to nothing yet. Raises ConfigError."""
    check_addresses(settings.email)
    signer = dkim_signer(settings.email)
    links = unsubscribe_links(database, settings.console.public_url)
    found: dict[str, Connector] = {}
    for name, each in settings.connectors.items():
        try:
            found[name] = _delivery(each, settings.email, links, signer)
        except ValueError as error:
            raise ConfigError(f"connectors.{name}: {error}") from error
    return found


LONGEST_TIMEOUT = 90.0
"""Seconds. All of a try may take four times as long, and must end while its lease is renewed."""


def _delivery(
    spec: ConnectorSettings, email: Email, links: UnsubscribeLinks, signer: DkimSigner | None
) -> Connector:
    if not 0 < spec.timeout_seconds <= LONGEST_TIMEOUT:
        raise ValueError(f"timeout_seconds must be above 0 and at most {LONGEST_TIMEOUT:g}")
    if isinstance(spec, ChatSettings):
        return ChatDelivery(_chat(spec))
    if isinstance(spec, WebhookSettings):
        secret = spec.secret.get_secret_value() if spec.secret else None
        url, seconds = spec.url.get_secret_value(), spec.timeout_seconds
        return WebhookDelivery(WebhookConnector(url, secret, seconds, allow_private=spec.allow_private))
    password = spec.password.get_secret_value() if spec.password else None
    return EmailDelivery(
        SmtpConnector(spec.host, spec.port, spec.security, spec.username, password, spec.timeout_seconds),
        email,
        links,
        signer,
    )


def _chat(spec: ChatSettings) -> SlackConnector | SlackApiConnector | TeamsConnector:
    seconds, private = spec.timeout_seconds, spec.allow_private
    if isinstance(spec, SlackApiSettings):
        token = spec.token.get_secret_value()
        return SlackApiConnector(token, seconds, url=spec.url, allow_private=private)
    kind = SlackConnector if isinstance(spec, SlackSettings) else TeamsConnector
    return kind(spec.url.get_secret_value(), seconds, allow_private=private)
