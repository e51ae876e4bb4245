"""What a client sends to `/v1/messages`: validated where we act on it, unknown fields kept everywhere.

The block models name the kinds the API documents; any other kind is an `OtherBlock` and survives as it came.
"""

from __future__ import annotations

from typing import Annotated, Any, Dict, List, Literal, Optional, Union

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError
from typing_extensions import TypeAlias

from proxy.messages.errors import ClientError, ErrorType


class _Wire(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class TextParam(_Wire):
    """Text of a user, an assistant or the system prompt."""

    type: Literal["text"]
    text: str
    cache_control: Optional[Dict[str, Any]] = None


class ImageParam(_Wire):
    """A picture: base64, url or file source."""

    type: Literal["image"]
    source: Dict[str, Any]
    cache_control: Optional[Dict[str, Any]] = None


class DocumentParam(_Wire):
    """A document: base64 (PDF), text, content, url or file source."""

    type: Literal["document"]
    source: Dict[str, Any]
    title: Optional[str] = None
    context: Optional[str] = None
    cache_control: Optional[Dict[str, Any]] = None


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
    input: Dict[str, Any]
    cache_control: Optional[Dict[str, Any]] = None


class OtherBlock(_Wire):
    """A kind of block we have no model for; its fields are in `model_extra`."""

    type: str


_KINDS = ("text", "image", "document", "thinking", "redacted_thinking", "tool_use", "tool_result")


def _kind(value: Any) -> str:
    kind: Any = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return kind if kind in _KINDS else "other"


class ToolResultParam(_Wire):
    """What a tool gave back: text, blocks or nothing."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: Optional[Content] = None
    is_error: Optional[bool] = None
    cache_control: Optional[Dict[str, Any]] = None


ContentBlockParam: TypeAlias = Annotated[
    Union[
        Annotated[TextParam, Tag("text")],
        Annotated[ImageParam, Tag("image")],
        Annotated[DocumentParam, Tag("document")],
        Annotated[ThinkingParam, Tag("thinking")],
        Annotated[RedactedThinkingParam, Tag("redacted_thinking")],
        Annotated[ToolUseParam, Tag("tool_use")],
        Annotated[ToolResultParam, Tag("tool_result")],
        Annotated[OtherBlock, Tag("other")],
    ],
    Discriminator(_kind),
]


def _shape(value: Any) -> str:
    return "string" if isinstance(value, str) else "blocks"


Content: TypeAlias = Annotated[
    Union[Annotated[str, Tag("string")], Annotated[List[ContentBlockParam], Tag("blocks")]],
    Discriminator(_shape),
]
"""A string (short for one text block) or a list of blocks."""


class MessageParam(_Wire):
    """One turn; a `system` turn may stand in mid-conversation and may have no content."""

    role: Literal["user", "assistant", "system"]
    content: Content = Field(default="")

    def blocks(self) -> list[ContentBlockParam]:
        """Returns the content as blocks; an empty string is no block."""
        if isinstance(self.content, str):
            return [TextParam(type="text", text=self.content)] if self.content else []
        return self.content


class ToolParam(_Wire):
    """A declared tool; a custom one (no type or `custom`) has an input schema, Anthropic's own have a type."""

    type: Optional[str] = None
    name: Optional[str] = None
    description: Optional[str] = None
    input_schema: Optional[Dict[str, Any]] = None
    cache_control: Optional[Dict[str, Any]] = None
    strict: Optional[bool] = None
    defer_loading: Optional[bool] = None

    @property
    def is_custom(self) -> bool:
        """The client defined the tool and runs it."""
        return self.type in (None, "custom")


class ToolChoiceParam(_Wire):
    """How the model may choose tools."""

    type: Literal["auto", "any", "tool", "none"]
    name: Optional[str] = None
    disable_parallel_tool_use: Optional[bool] = None


class ThinkingConfigParam(_Wire):
    """Whether and how the model thinks: enabled, adaptive, disabled or between_tools."""

    type: str
    budget_tokens: Optional[int] = None
    display: Optional[str] = None


class OutputConfigParam(_Wire):
    """Effort and structured output."""

    effort: Optional[str] = None
    format: Optional[Dict[str, Any]] = None


class MessagesRequest(_Wire):
    """The body of `POST /v1/messages`."""

    model: str = Field(min_length=1)
    messages: List[MessageParam]
    max_tokens: int = Field(ge=0)
    system: Optional[Content] = None
    tools: Optional[List[ToolParam]] = None
    tool_choice: Optional[ToolChoiceParam] = None
    thinking: Optional[ThinkingConfigParam] = None
    output_config: Optional[OutputConfigParam] = None
    stop_sequences: Optional[List[str]] = None
    stream: bool = False
    temperature: Optional[float] = None
    top_p: Optional[float] = None
    top_k: Optional[int] = None
    metadata: Optional[Dict[str, Any]] = None
    service_tier: Optional[str] = None

    def system_blocks(self) -> list[TextParam]:
        """Returns the system prompt as text blocks; empty ones are left out."""
        if self.system is None:
            return []
        if isinstance(self.system, str):
            return [TextParam(type="text", text=self.system)] if self.system else []
        return [block for block in self.system if isinstance(block, TextParam) and block.text]


def parse_request(body: Any) -> MessagesRequest:
    """Returns the request a JSON body holds.

    Raises:
        ClientError: A field is missing or wrong; the text names it as the real API does (`messages.0.content: Field required`).
    """
    if not isinstance(body, dict):
        raise ClientError(ErrorType.INVALID_REQUEST, "The request body must be a JSON object.")
    try:
        request = MessagesRequest.model_validate(body)
    except ValidationError as exc:
        raise ClientError(ErrorType.INVALID_REQUEST, _first_problem(exc)) from None
    if not request.messages:
        raise ClientError(ErrorType.INVALID_REQUEST, "messages: at least one message is required")
    return request


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in problem["loc"] if step not in ("string", "blocks", "other"))
    return f"{where}: {problem['msg']}"
