"""What a client sends to `/v1/messages`: validated where we act on it, unknown fields kept everywhere.

The block models name the kinds the API documents; any other kind is an `OtherBlock` and survives as it came.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from proxy.messages.errors import ClientError, ErrorType


class _Wire(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=(), strict=True)


class TextParam(_Wire):
    """Text of a user, an assistant or the system prompt."""

    type: Literal["text"]
    text: str
    cache_control: dict[str, Any] | None = None


class ImageParam(_Wire):
    """A picture: base64, url or file source."""

    type: Literal["image"]
    source: dict[str, Any]
    cache_control: dict[str, Any] | None = None


class DocumentParam(_Wire):
    """A document: base64 (PDF), text, content, url or file source."""

    type: Literal["document"]
    source: dict[str, Any]
    title: str | None = None
    context: str | None = None
    cache_control: dict[str, Any] | None = None


class ThinkingParam(_Wire):
    """Reasoning of an earlier answer, sent back verbatim."""

    type: Literal["thinking"]
    thinking: str
    signature: str = ""


class RedactedThinkingParam(_Wire):
    """Reasoning without readable text, sent back verbatim."""

    type: Literal["redacted_thinking"]
    data: str


class ToolUseParam(_Wire):
    """A tool call the model made earlier."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]
    cache_control: dict[str, Any] | None = None


class OtherBlock(_Wire):
    """A kind of block we have no model for; its fields are in `model_extra`."""

    type: str


_KINDS = ("text", "image", "document", "thinking", "redacted_thinking", "tool_use", "tool_result")


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        kind = cast("dict[str, Any]", value).get("type")
    else:
        kind = getattr(value, "type", None)
    return kind if kind in _KINDS else "other"


class ToolResultParam(_Wire):
    """What a tool gave back: text, blocks or nothing."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: Content | None = None
    is_error: bool | None = None
    cache_control: dict[str, Any] | None = None


ContentBlockParam: TypeAlias = Annotated[
    Annotated[TextParam, Tag("text")]
    | Annotated[ImageParam, Tag("image")]
    | Annotated[DocumentParam, Tag("document")]
    | Annotated[ThinkingParam, Tag("thinking")]
    | Annotated[RedactedThinkingParam, Tag("redacted_thinking")]
    | Annotated[ToolUseParam, Tag("tool_use")]
    | Annotated[ToolResultParam, Tag("tool_result")]
    | Annotated[OtherBlock, Tag("other")],
    Discriminator(_kind),
]


def _shape(value: Any) -> str:
    return "string" if isinstance(value, str) else "blocks"


Content: TypeAlias = Annotated[
    Annotated[str, Tag("string")] | Annotated[list[ContentBlockParam], Tag("blocks")],
    Discriminator(_shape),
]
"""A string (short for one text block) or a list of blocks."""


def _text_blocks(content: object) -> list[ContentBlockParam]:
    return [TextParam(type="text", text=content)] if isinstance(content, str) and content else []


class MessageParam(_Wire):
    """One turn; a `system` turn may stand in mid-conversation and may have no content."""

    role: Literal["user", "assistant", "system"]
    content: Content = Field(default="")

    def blocks(self) -> list[ContentBlockParam]:
        """Returns the content as blocks; an empty string is no block."""
        return self.spelt_out if isinstance(self.content, str) else self.content

    @cached_property
    def spelt_out(self) -> list[ContentBlockParam]:
        """A string's blocks; made once, since every check and every dialect asks for them."""
        return _text_blocks(self.content)


class ToolParam(_Wire):
    """A declared tool; a custom one (type absent or `custom`) has a schema, Anthropic's own have a type."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    cache_control: dict[str, Any] | None = None
    strict: bool | None = None
    defer_loading: bool | None = None

    @property
    def is_custom(self) -> bool:
        """The client defined the tool and runs it."""
        return self.type in (None, "custom")


class ToolChoiceParam(_Wire):
    """How the model may choose tools."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingConfigParam(_Wire):
    """Whether and how the model thinks: enabled, adaptive, disabled or between_tools."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None


class OutputConfigParam(_Wire):
    """Effort and structured output."""

    effort: str | None = None
    format: dict[str, Any] | None = None


class MessagesRequest(_Wire):
    """The body of `POST /v1/messages`."""

    model: str = Field(min_length=1)
    messages: list[MessageParam]
    max_tokens: int = Field(ge=0)
    system: Content | None = None
    tools: list[ToolParam] | None = None
    tool_choice: ToolChoiceParam | None = None
    thinking: ThinkingConfigParam | None = None
    output_config: OutputConfigParam | None = None
    stop_sequences: list[str] | None = None
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None

    def system_blocks(self) -> list[TextParam]:
        """Returns the system prompt as text blocks; empty ones are left out."""
        return self.spelt_out_system

    @cached_property
    def spelt_out_system(self) -> list[TextParam]:
        """What `system_blocks` gives; made once."""
        blocks = self.system if isinstance(self.system, list) else _text_blocks(self.system)
        return [block for block in blocks if isinstance(block, TextParam) and block.text]


def parse_request(body: Any) -> MessagesRequest:
    """Returns the request a JSON body holds.

    Raises:
        ClientError: A field is missing or wrong; the text names it as the real API does
            (`messages.0.content: Field required`).
    """
    if not isinstance(body, dict):
        raise ClientError(ErrorType.INVALID_REQUEST, "The request body must be a JSON object.")
    try:
        request = MessagesRequest.model_validate(body)
    except ValidationError as exc:
        raise ClientError(ErrorType.INVALID_REQUEST, _first_problem(exc)) from None
    if not request.messages:
        raise ClientError(ErrorType.INVALID_REQUEST, "messages: at least one message is required")
    for index, message in enumerate(request.messages):
        if message.role != "system" and "content" not in message.model_fields_set:
            raise ClientError(ErrorType.INVALID_REQUEST, f"messages.{index}.content: Field required")
    return request


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in problem["loc"] if step not in ("string", "blocks", "other"))
    return f"{where}: {problem['msg']}"
