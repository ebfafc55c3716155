"""Settings: config.yaml, overridden by the environment (`TMINUS_DATABASE_URL`, `TMINUS_EMAIL__SENDER`)."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.clock.durations import parse_duration
from engine.clock.workdays import LocalCalendar
from engine.clock.zones import is_zone, zone
from engine.conditions import catalogue
from engine.conditions.catalogue import Catalogue, FieldType, Kind, UnknownField
from engine.email_settings import Email
from engine.health.bands import Bands, bands_of
from engine.health.config import HealthSettings
from engine.health.model import HealthModel, health_model, kept_fields
from engine.sign_in_settings import SignIn

LONGEST_SOURCE = 193
"""Characters in the name of a source."""


class ConfigError(Exception):
    """The configuration cannot be used; the message names the place and the mend."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CustomField(_Strict):
    """A field this company adds to the catalogue."""

    type: FieldType
    unit: str = ""
    choices: tuple[str, ...] = ()


class Role(_Strict):
    """How a role finds its person: a field of the account, that person's manager, then a fallback role."""

    field: str | None = None
    manager_of: str | None = None
    fallback: str | None = None
    """Another role. Without one, the task goes to the shared queue `team:ROLE`."""


class WorkingHours(_Strict):
    """The local hours in which steps act and emails leave."""

    start: time = time(8)
    end: time = time(18)


class Rate(_Strict):
    """How many entries may go within a stretch, in each process."""

    max: int = Field(ge=1)
    per: str = "1s"

    @field_validator("per")
    @classmethod
    def _is_a_stretch(cls, text: str) -> str:
        if not _stretch(text):
            raise ValueError("must be a stretch of time such as 1s, 1min or 1h")
        return text

    @property
    def stretch(self) -> timedelta:
        """`per` as a length of time."""
        return _stretch(self.per)


def _stretch(text: str) -> timedelta:
    """A length of time, which may be as short as a second; nothing for one in business days."""
    if text.removesuffix("s").isdecimal() and text.endswith("s"):
        return timedelta(seconds=min(int(text[:9].removesuffix("s")), 86_400))
    span = parse_duration(text)
    return timedelta(0) if span.is_business else span.elapsed


class _Connector(_Strict):
    """What every connector has."""

    concurrency: int = Field(default=4, ge=1, le=64)
    """How many entries are under way at once, in each process."""
    rate: Rate | None = None
    """The fastest pace; None for as fast as it takes them."""


class SmtpConnector(_Connector):
    """Email over SMTP."""

    kind: Literal["smtp"]
    host: str
    port: int = 25
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    timeout_seconds: float = 30.0


class SlackConnector(_Connector):
    """Messages to a Slack incoming webhook, or anything that takes its JSON."""

    kind: Literal["slack"]
    url: SecretStr
    allow_private: bool = False
    """Whether the address may lie on this machine or its network."""
    timeout_seconds: float = 10.0


class SlackApiConnector(_Connector):
    """Messages by Slack's Web API."""

    kind: Literal["slack_api"]
    token: SecretStr
    url: str = "https://slack.com/api"
    allow_private: bool = False
    """Whether the address may lie on this machine or its network."""
    timeout_seconds: float = 10.0


class TeamsConnector(_Connector):
    """Messages to a Microsoft Teams workflow webhook, as Adaptive Cards."""

    kind: Literal["teams"]
    url: SecretStr
    allow_private: bool = False
    """Whether the address may lie on this machine or its network."""
    timeout_seconds: float = 10.0


class WebhookConnector(_Connector):
    """JSON documents to one address, signed as Standard Webhooks asks."""

    kind: Literal["webhook"]
    url: SecretStr
    secret: SecretStr | None = None
    """`whsec_` and base64. Without one, nothing is signed."""
    allow_private: bool = False
    """Whether the address may lie on this machine or its network."""
    timeout_seconds: float = 10.0


ChatConnector: TypeAlias = SlackConnector | SlackApiConnector | TeamsConnector
"""What takes messages."""
Connector: TypeAlias = SmtpConnector | ChatConnector | WebhookConnector


class Guarding(_Strict):
    """The blast radius of a playbook that states none."""

    max_starts: int = Field(default=25, ge=1)
    within: str = "1h"


class Matching(_Strict):
    """The worker processes that confirm verdicts with durable-rules."""

    workers: int = Field(default=1, ge=0, le=16)
    """0 decides with the reference evaluator alone."""
    timeout_seconds: float = Field(default=10.0, gt=0)


class SourceSettings(_Strict):
    """A source of data: what rests on it, and how it comes."""

    feeds: tuple[str, ...] = Field(default=(), min_length=1)
    """Names of events, and paths of fields: `login`, `account.last_active_at`."""
    lag: str = "0d"
    """How far its watermark may be behind for it to count as up to date."""
    fresh_for: str | None = None
    """How long the values of the fields it feeds stay good after it was last seen; None for ever."""
    live: bool = False
    """Whether it says everything as it happens, so that it needs no watermark."""


class Console(_Strict):
    """Where the console and the API listen."""

    host: str = "127.0.0.1"
    port: int = Field(default=8025, ge=0, le=65535)
    public_url: str = "http://127.0.0.1:8025"
    proxies: tuple[str, ...] = ("127.0.0.1",)
    """Addresses of reverse proxies, whose word on where a request comes from is believed."""


class Mailbox(_Strict):
    """The local mailbox of a trial set-up: it receives over SMTP and shows what it got."""

    enabled: bool = False
    host: str = "127.0.0.1"
    smtp_port: int = Field(default=2525, ge=0, le=65535)
    keep: int = Field(default=500, ge=1)


class Sample(_Strict):
    """The generated book of a trial set-up."""

    enabled: bool = False
    accounts: int = Field(default=320, ge=300, le=200_000)
    live: bool = True
    """Whether the sample customers go on living: logins, health changes, departures."""


class Settings(BaseSettings):
    """Everything that can be configured, with its default."""

    model_config = SettingsConfigDict(
        env_prefix="TMINUS_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    database_url: str = "sqlite:///var/tminus.db"
    rules: Path = Path("rules")
    templates: Path = Path("templates")
    timezone: str = "UTC"
    """For accounts that have none."""
    country: str = "US"
    """Whose holidays count for accounts that have no country."""
    tick_seconds: float = Field(default=60.0, gt=0)
    working_hours: WorkingHours = WorkingHours()
    roles: dict[str, Role] = {}
    fields: dict[str, CustomField] = {}
    """Custom fields by path: `account.region`."""
    health: HealthSettings = HealthSettings()
    sources: dict[str, SourceSettings] = {}
    """What rests on which source; until its watermark has come far enough, absence is unknown."""
    guard: Guarding = Guarding()
    matching: Matching = Matching()
    email: Email = Email()
    connectors: dict[str, Connector] = {}
    console: Console = Console()
    sign_in: SignIn = SignIn()
    mailbox: Mailbox = Mailbox()
    sample: Sample = Sample()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file."""
        return env_settings, init_settings

    def calendar(self, timezone: str | None, country: str | None) -> LocalCalendar:
        """Where and when an account works; what it lacks, or a zone that is none, is as configured."""
        try:
            tz = zone(timezone or self.timezone)
        except ValueError:
            tz = zone(self.timezone)
        return LocalCalendar(tz, country or self.country, self.working_hours.start, self.working_hours.end)

    def email_leaves(
        self, instant: datetime, zones: Sequence[str | None], country: str | None, topic: str | None
    ) -> datetime:
        """The first instant not before `instant` at which an email of the topic may leave.

        `zones` are the recipient's and the account's, whichever is known: the first that is one counts.
        """
        if self.email.is_transactional(topic):
            return instant
        name = next((each for each in zones if each and is_zone(each)), None)
        hours, there = self.email.hours, self.calendar(name, country)
        there = replace(there, opens=hours.start or there.opens, closes=hours.end or there.closes)
        return (
            there.within_business_hours(instant) if hours.days == "business" else there.within_hours(instant)
        )

    def catalogue(self) -> Catalogue:
        """The built-in fields and the custom ones. Raises ConfigError."""
        try:
            added = [_custom_field(path, spec) for path, spec in self.fields.items()]
            added += kept_fields(self.health)
            found = catalogue.BUILT_IN.extended(added)
        except ValueError as error:
            raise ConfigError(f"fields: {error}") from error
        _check_sources(self.sources, found)
        return found

    def health_model(self) -> HealthModel:
        """How health is computed where no source gives it. Raises ConfigError."""
        try:
            return health_model(self.health, self.catalogue())
        except ValueError as error:
            raise ConfigError(str(error)) from error

    def bands(self) -> Bands:
        """The names and colours of scores."""
        return bands_of(self.health.bands)


def _custom_field(path: str, spec: CustomField) -> catalogue.Field:
    kind, _, name = path.partition(".")
    if kind not in catalogue.KEPT or not name.isidentifier():
        raise ValueError(f'"{path}" is not a field path; write it as account.region')
    if path in catalogue.OF_A_METRIC:
        raise ValueError(f"{path} is what every metric has; name the metric otherwise")
    return catalogue.Field(Kind(kind), name, spec.type, spec.unit, spec.choices, is_custom=True)


def _check_sources(sources: dict[str, SourceSettings], known: Catalogue) -> None:
    """Raises ConfigError for a field that is not in the catalogue and for a lag that is none."""
    for name, spec in sources.items():
        if not (name.strip() and name.isprintable() and len(name) <= LONGEST_SOURCE):
            raise ConfigError(
                f"sources: {name!r} is no name; use up to {LONGEST_SOURCE} printable characters"
            )
        for each in spec.feeds:
            if each.partition(".")[0] in catalogue.KEPT and "." in each:
                try:
                    known.get(each)
                except UnknownField as error:
                    raise ConfigError(f"sources.{name}.feeds: {error}") from error
        _check_span(f"sources.{name}.lag", spec.lag)
        if spec.fresh_for is not None:
            _check_span(f"sources.{name}.fresh_for", spec.fresh_for)


def _check_span(path: str, text: str) -> None:
    """Raises ConfigError for what is no elapsed time."""
    try:
        span = parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    if span.is_business:
        raise ConfigError(f"{path}: {text} has no fixed length; write days or hours")


def load_settings(path: Path | None = None) -> Settings:
    """Read settings from `path`, else from TMINUS_CONFIG, else from ./config.yaml where there is one.

    Raises ConfigError naming the file, the setting and what is wrong with it.
    """
    chosen = path or (Path(os.environ["TMINUS_CONFIG"]) if os.environ.get("TMINUS_CONFIG") else None)
    file = chosen or Path("config.yaml")
    if chosen is None and not file.exists():
        return _validated({}, file)
    try:
        text = file.read_text(encoding="utf-8")
        content = YAML(typ="safe", pure=True).load(text)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: is not YAML: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"{file}: must be a mapping of settings")
    return _validated(content or {}, file)


def _validated(content: dict[str, Any], file: Path) -> Settings:
    try:
        found = Settings(**content)
        found.health_model()
        return found
    except ValidationError as error:
        lines = [f"{file}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise ConfigError("\n".join(lines)) from error
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error
