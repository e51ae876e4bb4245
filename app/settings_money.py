"""The settings of money: budgets, prices, tokens with limits of their own, how long the ledger is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import Field, model_validator

from app.settings_section import Section
from proxy.context import LOCAL_TOKEN

TOKEN_HASH = r"^sha256:[0-9a-f]{64}$"  # noqa: S105 - a pattern


class BudgetSettings(Section):
    """What may be spent; the upstream is not asked once it is. Nothing: no limit."""

    day_usd: float | None = Field(default=None, title="A day", ge=0, le=1_000_000)
    """US dollars from midnight to midnight, in this machine's time."""
    month_usd: float | None = Field(default=None, title="A month", ge=0, le=1_000_000)
    """US dollars from the first of the month on."""

    @model_validator(mode="after")
    def _only_known(self) -> BudgetSettings:
        """A misspelt limit would be none: better an error than a bill."""
        for name in self.model_extra or {}:
            raise ValueError(f"no budget '{name}'; there are: {', '.join(type(self).model_fields)}")
        return self


class PriceSettings(Section):
    """What models of a provider cost, where its own list says nothing or something wrong."""

    input_usd: float = Field(title="Input", ge=0, le=100_000)
    """US dollars for a million tokens of the request."""
    output_usd: float = Field(title="Output", ge=0, le=100_000)
    """US dollars for a million tokens of the answer."""
    cache_read_usd: float | None = Field(default=None, title="From the cache", ge=0, le=100_000)
    """US dollars for a million tokens read from the provider's cache; nothing: as other input."""
    cache_write_usd: float | None = Field(default=None, title="Into the cache", ge=0, le=100_000)
    """US dollars for a million tokens written to the provider's cache; nothing: as other input. For an hour
    it is 1.6 times this price, or twice that of other input."""

    @model_validator(mode="before")
    @classmethod
    def _of_all_models(cls, value: Any) -> Any:
        told = cast("Mapping[object, object]", value if isinstance(value, Mapping) else {})
        model = next((name for name, each in told.items() if isinstance(each, Mapping)), None)
        if model is not None:
            raise ValueError(f"no price '{model}'; prices of single models stand in model_prices")
        return cast("Any", value)

    @model_validator(mode="after")
    def _only_known(self) -> PriceSettings:
        """A misspelt price would be another one."""
        for name in self.model_extra or {}:
            raise ValueError(f"no price '{name}'; there are: {', '.join(type(self).model_fields)}")
        return self


class TokenSettings(Section):
    """A further token, for one client. `signalbox tokens create` makes it; it is kept as a hash only."""

    hash: str = Field(title="Hash", pattern=TOKEN_HASH)
    """SHA-256 of the token."""
    prefix: str = Field(default="", title="Begins with", max_length=20)
    """The token's first characters, to tell tokens apart."""
    created: str = Field(default="", title="Created", max_length=40)
    """The day it was made."""
    budgets: BudgetSettings = Field(default_factory=BudgetSettings, title="Budgets")
    """What its client may spend."""
    aliases: tuple[str, ...] = Field(default=(), title="Aliases")
    """The only aliases it may use; nothing: all models."""
    workspace: str | None = Field(default=None, title="Workspace", min_length=1)
    """The workspace its requests work in, and whose tokens share batches and files; nothing: the default one,
    and its batches and files are its own."""


class LoopGuardSettings(Section):
    """When a client that is stuck, and sends the very same request again and again, waits for your word."""

    repeats: int = Field(default=5, title="The same request may pass", ge=0, le=1000)
    """Times within the seconds below; the next one asks. 0: nothing is asked, however often it comes."""
    per_s: float = Field(default=60.0, title="Within", gt=0, le=3600)
    """Seconds. A request that was refused is refused until it has not come for so long."""


class LedgerSettings(Section):
    """How long single requests are kept with their costs. What each day cost is kept for 400 days."""

    keep_days: int = Field(default=90, title="Days", ge=1, le=3650)
    """Older requests are dropped."""
    keep_rows: int = Field(default=100_000, title="Requests", ge=100, le=10_000_000)
    """The oldest beyond this number are dropped."""


def token_name_problem(name: str) -> str | None:
    """Returns why a token cannot be called this, in a sentence, or None."""
    if name == LOCAL_TOKEN:
        return f"'{LOCAL_TOKEN}' is the name of the first token; choose another"
    return None
