"""The setting that says where a key is; the key itself never stands in the settings."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from app.settings_section import Section


class KeySettings(Section):
    """Where a provider's key is; exactly one of the three. The key itself never stands in the settings."""

    keyring: str | None = Field(default=None, title="Keyring entry", min_length=1, max_length=200)
    """The entry in the system's keyring (service signalbox)."""
    env: str | None = Field(default=None, title="Environment variable", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The environment variable that holds the key."""
    file: str | None = Field(default=None, title="File", min_length=1)
    """A file with the key as its one line, mode 0600 or stricter."""

    @model_validator(mode="before")
    @classmethod
    def _no_plain_key(cls, value: Any) -> Any:
        if isinstance(value, str):
            # The value may be a key: it is neither shown nor logged.
            raise ValueError(  # noqa: TRY004 - pydantic turns ValueErrors into its own
                "a key never stands in the settings: name where it is, as {keyring: NAME}, {env: NAME} or "
                "{file: PATH}, and store it with: signalbox keys set NAME"
            )
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> KeySettings:
        if sum(each is not None for each in (self.keyring, self.env, self.file)) != 1:
            raise ValueError(
                "name exactly one place for the key: {keyring: NAME}, {env: NAME} or {file: PATH}"
            )
        return self
