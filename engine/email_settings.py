"""What `email:` in config.yaml may say: the sender, the topics, the hours, and how much one person gets."""

from collections.abc import Mapping
from datetime import time, timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from engine.branding import Colours, DarkColours, Dkim, Logo, Look
from engine.clock.durations import parse_duration

LONGEST_WINDOW = timedelta(days=366)
"""A cap looks back no further than this."""

TopicName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Topic(_Strict):
    """A kind of email that a person can do without."""

    title: str = Field(min_length=1, max_length=80)
    """What the preference page calls it."""
    description: str = Field(default="", max_length=300)
    transactional: bool = False
    """Whether the emails are part of the service itself: no caps, no hours, nothing to unsubscribe from."""


class EmailHours(_Strict):
    """When emails leave, in the recipient's time; the working hours where it does not say."""

    start: time | None = None
    end: time | None = None
    days: Literal["business", "all"] = "business"
    """`business` leaves out weekends and public holidays."""


class Cap(_Strict):
    """How many emails may go within any stretch of that length."""

    max: int = Field(ge=1, le=1000)
    per: str

    @field_validator("per")
    @classmethod
    def _is_a_stretch(cls, text: str) -> str:
        span = parse_duration(text)
        if span.is_business or not timedelta(0) < span.elapsed <= LONGEST_WINDOW:
            raise ValueError("must be a stretch of time such as 1d or 12h, up to 366d")
        return text

    @property
    def window(self) -> timedelta:
        """The stretch as a length."""
        return parse_duration(self.per).elapsed


class Caps(_Strict):
    """Bounds over all playbooks together. An empty list sets none."""

    person: tuple[Cap, ...] = (Cap(max=1, per="1d"), Cap(max=3, per="7d"))
    account: tuple[Cap, ...] = (Cap(max=10, per="7d"),)


class InboxSettings(_Strict):
    """The mailbox to which bounces, complaints and replies come."""

    host: str
    username: str
    password: SecretStr
    port: int = 993
    security: Literal["none", "starttls", "tls"] = "tls"
    folder: str = "INBOX"
    every: str = "5min"
    """How often it is read."""
    timeout_seconds: float = Field(default=30.0, gt=0, le=300)

    @field_validator("every")
    @classmethod
    def _is_a_stretch(cls, text: str) -> str:
        return _elapsed(text)


class SoftBounces(_Strict):
    """How many bounces that may pass count as one that does not."""

    max: int = Field(default=3, ge=1)
    within: str = "30d"

    @field_validator("within")
    @classmethod
    def _is_a_stretch(cls, text: str) -> str:
        return _elapsed(text)


def _elapsed(text: str) -> str:
    span = parse_duration(text)
    if span.is_business or span.elapsed < timedelta(minutes=1):
        raise ValueError("must be a stretch of time of at least a minute, such as 5min, 4h or 30d")
    return text


class Email(_Strict):
    """Who lifecycle emails come from, how they look and are signed, and how many may go when."""

    sender: str = "Customer Success <success@tminus.example>"
    senders: dict[str, str] = {}
    """By topic, whom its emails come from instead."""
    reply_to: str | None = None
    """An address; `csm` for the one of the account's CSM; `none`, or nothing, for the sender."""
    brand: str = "Tminus"
    logo: Logo | None = None
    colours: Colours = Colours()
    dark_colours: DarkColours = DarkColours()
    footer: str = "You get this because your company uses our product."
    address: str | None = None
    """The postal address at the foot."""
    language: str = Field(default="en", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    """What templates are written in that do not look at `contact.locale`."""
    feedback_id: str | None = None
    """Who sends, in the header by which mailbox providers tell how many complain."""
    dkim: Dkim | None = None
    inbox: InboxSettings | None = None
    """Where bounces, complaints and replies are read."""
    events_secret: SecretStr | None = None
    """`whsec_` and base64, by which a provider signs what it posts to /api/v1/mail-events."""
    soft_bounces: SoftBounces = SoftBounces()
    on_unknown: Literal["retry", "stop"] = "stop"
    """What follows a send without a definite answer. `stop` never repeats, `retry` may."""
    max_attempts: int = Field(default=8, ge=1, le=50)
    topics: Mapping[TopicName, Topic] = {}
    """What an email may be about. Without any, a playbook may name what it likes."""
    hours: EmailHours = EmailHours()
    caps: Caps = Caps()

    @cached_property
    def look(self) -> Look:
        """What the page around every email shows of the brand."""
        return Look(
            colours=self.colours,
            dark_colours=self.dark_colours,
            logo=self.logo,
            address=self.address,
            language=self.language,
        )

    @field_validator("feedback_id")
    @classmethod
    def _is_sender_id(cls, text: str | None) -> str | None:
        if text is not None and not (text.isascii() and text.isalnum() and 5 <= len(text) <= 15):
            raise ValueError("must have 5 to 15 letters and digits, always the same: acmesuccess")
        return text

    def is_transactional(self, topic: str | None) -> bool:
        """Whether emails of the topic are part of the service itself."""
        spec = self.topics.get(topic or "")
        return spec is not None and spec.transactional

    @property
    def transactional(self) -> tuple[str, ...]:
        """The topics that are."""
        return tuple(sorted(name for name, each in self.topics.items() if each.transactional))

    @model_validator(mode="after")
    def _hours_are_in_order(self) -> "Email":
        if self.hours.start and self.hours.end and self.hours.start >= self.hours.end:
            raise ValueError("hours.start must be before hours.end")
        return self
