"""What the proxy is given: frozen values made from the user's settings, with the keys resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from pydantic import SecretStr

DialectName = Literal["openai-chat", "anthropic-messages", "demo"]


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Where the proxy listens and who may ask it."""

    token: SecretStr
    """The local token; every request but the health checks must carry it."""
    host: str = "127.0.0.1"
    port: int = 4000
    """0 takes a free port."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names (without port) accepted in the Host header."""
    max_body_bytes: int = 32 * 2**20
    """As the real API: a Messages request may have 32 MiB."""


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One upstream service."""

    name: str
    dialect: DialectName
    base_url: str
    key: SecretStr | None = None
    """None: the upstream needs none, or the key is missing (`key_missing` says which)."""
    key_missing: str | None = None
    """Why there is no key although the settings name one; a sentence for the user. Answered as 401."""
    connect_timeout_s: float = 10.0
    first_byte_timeout_s: float = 300.0
    idle_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One (upstream, model) that could serve an alias."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class Alias:
    """A model name of ours, the client names it answers to, and what serves it, best first."""

    name: str
    match: tuple[str, ...] = ()
    """Shell-style patterns over the model name the client sends."""
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """Everything the proxy needs to know; a change makes a new one."""

    server: ServerConfig
    providers: Mapping[str, ProviderConfig] = field(default_factory=lambda: MappingProxyType({}))
    aliases: tuple[Alias, ...] = ()
    """In file order: the first match wins."""
    unknown_models: str | None = None
    """The provider that gets every name no alias has or matches; None: such a name is a 404."""
