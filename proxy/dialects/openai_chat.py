"""The openai-chat dialect: chat completions as OpenRouter and the many servers like it speak them."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.context import NewId
from proxy.dialects import openai_chat_errors, openai_chat_request
from proxy.dialects.base import Encoded, StreamDecoder, Target
from proxy.dialects.openai_chat_stream import OpenAIChatDecoder
from proxy.messages.errors import UpstreamError
from proxy.messages.request import MessagesRequest


class OpenAIChatDialect:
    """Translates to and from chat completions; keeps nothing between requests."""

    path: str = "/chat/completions"

    def encode_request(self, request: MessagesRequest, target: Target) -> Encoded:
        """Returns the chat completions payload; see `openai_chat_request.encode_request`."""
        return openai_chat_request.encode_request(request, target)

    def decoder(
        self, request: MessagesRequest, target: Target, content_type: str, new_id: NewId
    ) -> StreamDecoder:
        """Returns the decoder for an answer with status 200."""
        del content_type
        return OpenAIChatDecoder(request, target, new_id)

    def decode_error(
        self, request: MessagesRequest, status: int, headers: Mapping[str, str], body: bytes
    ) -> UpstreamError:
        """Returns what an answer with another status means; see `openai_chat_errors.decode_error`."""
        return openai_chat_errors.decode_error(request, status, headers, body)
