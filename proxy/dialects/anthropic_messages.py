"""The anthropic-messages dialect: an upstream that speaks the protocol itself, passed through.

What is changed, and nothing else: the model's name both ways, `stream` (always true), and what other
upstreams left in the conversation that Anthropic would refuse (reasoning under our own signature, search
results with our own tokens).
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from proxy.context import NewId
from proxy.dialects import openai_chat_errors
from proxy.dialects.anthropic_messages_stream import AnthropicMessagesDecoder
from proxy.dialects.base import Encoded, StreamDecoder, Target
from proxy.dialects.foreign_blocks import without_foreign_blocks
from proxy.dialects.loose_json import as_object, as_text
from proxy.dialects.losses import Losses
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest


class AnthropicMessagesDialect:
    """Passes Messages through; keeps nothing between requests."""

    path: str = "/v1/messages"

    def encode_request(self, request: MessagesRequest, target: Target) -> Encoded:
        """Returns the request as the client sent it, for the target's model."""
        losses = Losses()
        payload: JsonObject = request.model_dump(exclude_unset=True)
        payload["model"] = target.model
        payload["stream"] = True
        payload["messages"] = without_foreign_blocks(payload["messages"], losses)
        return Encoded(payload, losses.all())

    def decoder(
        self, request: MessagesRequest, target: Target, content_type: str, new_id: NewId
    ) -> StreamDecoder:
        """Returns the decoder for an answer with status 200; ids and content pass as they are."""
        del target, content_type, new_id
        return AnthropicMessagesDecoder(request)

    def decode_error(
        self, request: MessagesRequest, status: int, headers: Mapping[str, str], body: bytes
    ) -> UpstreamError:
        """Returns the upstream's own error; a gateway's that is none of the API's is read like any other."""
        error = _error_in(body)
        known = ErrorType.__members__.values()
        kind = next((kind for kind in known if kind.value == error.get("type")), None)
        other = openai_chat_errors.decode_error(request, status, headers, body)
        if kind is None or not as_text(error.get("message")):
            return other
        told = headers.get("x-should-retry")
        return UpstreamError(
            kind,
            error["message"],
            status=status,
            retry_after_s=other.retry_after_s,
            should_retry=told == "true" if told in ("true", "false") else other.should_retry,
            details=as_object(error.get("details")) or None,
        )


def _error_in(body: bytes) -> JsonObject:
    try:
        return as_object(as_object(orjson.loads(body)).get("error"))
    except ValueError:
        return {}
