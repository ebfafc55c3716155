"""The settings of signing in."""

from pydantic import BaseModel, ConfigDict, field_validator

from engine.clock.durations import parse_duration


class SignIn(BaseModel):
    """How people sign in, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    idle: str = "24h"
    """A session ends when it was not used for so long."""
    lasts: str = "14d"
    """And after so long in any case."""

    @field_validator("idle", "lasts")
    @classmethod
    def _is_a_stretch(cls, text: str) -> str:
        span = parse_duration(text)
        if span.is_business or not span.elapsed:
            raise ValueError("must be a stretch of time such as 12h or 14d")
        return text
