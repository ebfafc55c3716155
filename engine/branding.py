"""How emails look and how they are signed, as the settings say it."""

import re
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from engine.colour import LEAST_CONTRAST, as_hex, contrast, read_colour, readable_on

_DOMAIN = re.compile(r"(?=.{1,200}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_SELECTOR = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9-]{1,63})*")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Colours(_Strict):
    """The colours of an email on a light screen. What is read is readable on what it stands on."""

    accent: str = "#0f5bd3"
    """Links, buttons and the brand's name."""
    button_text: str = "#ffffff"
    text: str = "#1f2933"
    quiet: str = "#55616d"
    """The footer."""
    card: str = "#ffffff"
    """What the words stand on."""
    page: str = "#f2f4f6"
    """What lies around the card; the footer stands on it."""

    @field_validator("*")
    @classmethod
    def _is_hex(cls, text: str) -> str:
        found = read_colour(text)
        if found is None or not text.startswith("#"):
            raise ValueError(f'"{text[:40]}" is no colour; write it as #0f5bd3')
        return as_hex(found)

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        for name, behind in (
            ("text", "card"),
            ("accent", "card"),
            ("button_text", "accent"),
            ("quiet", "page"),
        ):
            self._check(name, behind)
        return self

    def _check(self, name: str, behind: str) -> None:
        front, back = read_colour(getattr(self, name)), read_colour(getattr(self, behind))
        assert front is not None
        assert back is not None
        if contrast(front, back) < LEAST_CONTRAST:
            raise ValueError(
                f"{name} {as_hex(front)} on {behind} {as_hex(back)} has a contrast of "
                f"{contrast(front, back):.1f} to 1, and text needs {LEAST_CONTRAST}; "
                f"one that can be read there is {as_hex(readable_on(front, back))}"
            )


class DarkColours(Colours):
    """The colours of an email on a dark screen."""

    accent: str = "#7db0ff"
    button_text: str = "#10161c"
    text: str = "#e4e8ec"
    quiet: str = "#9aa7b3"
    card: str = "#1f262d"
    page: str = "#14181d"


class Logo(_Strict):
    """A picture at the head of every email, in place of the brand's name."""

    url: str
    alt: str
    """What stands there while pictures are off."""
    width: int = Field(default=160, ge=16, le=536)
    """Pixels on the screen."""

    @field_validator("url")
    @classmethod
    def _is_web_address(cls, text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s<>\"]", text):
            raise ValueError(f'"{text[:60]}" is no web address; a logo is loaded from https://…')
        return text

    @field_validator("alt")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("must say what stands there while pictures are off; usually the brand's name")
        return text


class Look(_Strict):
    """What the page around every email shows of the brand, beside its name."""

    colours: Colours = Colours()
    dark_colours: DarkColours = DarkColours()
    logo: Logo | None = None
    address: str | None = None
    language: str = "en"
    """What templates are written in that do not look at `contact.locale`."""


STANDARD_LOOK = Look()
"""The one that needs no settings."""


class DkimKey(_Strict):
    """A key that signs emails, and under which name receivers find its other half."""

    selector: str
    key: SecretStr
    """A private RSA or Ed25519 key in PEM form, or the path of a file that holds one."""

    @field_validator("selector")
    @classmethod
    def _is_selector(cls, text: str) -> str:
        if not _SELECTOR.fullmatch(text):
            raise ValueError(f'"{text[:60]}" is no selector; take letters and digits: tminus1')
        return text


class Dkim(DkimKey):
    """What signs emails (RFC 6376), and for which domain."""

    domain: str
    second: DkimKey | None = None
    """Another key, of the other kind, for a second signature on every email."""

    @field_validator("domain")
    @classmethod
    def _is_domain(cls, text: str) -> str:
        try:
            found = text.strip().encode("idna").decode("ascii").lower()
        except UnicodeError:
            found = ""
        if not _DOMAIN.fullmatch(found):
            raise ValueError(f'"{text[:60]}" is no domain; write the one that emails come from: acme.example')
        return found

    @model_validator(mode="after")
    def _selectors_differ(self) -> Self:
        if self.second is not None and self.second.selector.lower() == self.selector.lower():
            raise ValueError("second.selector must differ from selector: each key has a record of its own")
        return self
