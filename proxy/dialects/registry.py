"""Which dialect speaks for a name in the settings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from proxy.config import DialectName
from proxy.dialects.anthropic_messages import AnthropicMessagesDialect
from proxy.dialects.base import Dialect
from proxy.dialects.openai_chat import OpenAIChatDialect

_OPENAI_CHAT = OpenAIChatDialect()

_DIALECTS: Mapping[DialectName, Dialect] = MappingProxyType({
    "openai-chat": _OPENAI_CHAT,
    "anthropic-messages": AnthropicMessagesDialect(),
    "demo": _OPENAI_CHAT,
})  # fmt: skip


def dialect_for(name: DialectName) -> Dialect:
    """Returns the dialect of a provider; the demo speaks chat completions."""
    return _DIALECTS[name]
