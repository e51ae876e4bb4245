"""What a request costs in each model family besides its text, as data: frames and hidden prompts.

Where they come from: chat templates that their makers publish, the Tool use page of the Messages API (the
hidden prompt that tools bring), and the rest by comparing with recorded usage; `benchmarks/count_tokens.py`
shows how far they are off. Claude's vocabulary is not published: its rates over another one were fitted to
the counts of a public reconstruction of it, on prose, code and JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal

from proxy.messages import media_tokens
from proxy.messages.media_tokens import ImageRule


@dataclass(frozen=True, slots=True)
class TextRates:
    """Tokens of a text as a weighted sum; the defaults take the vocabulary's own count."""

    token: float = 1.0
    newline: float = 0.0
    underscore: float = 0.0
    capital: float = 0.0
    wide_byte: float = 0.0
    """For each byte of UTF-8 beyond one a character."""
    character: float = 0.0
    space: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFamily:
    """One model family's constants, in tokens."""

    name: str
    match: tuple[str, ...]
    """Patterns of model names: lower case, dots as dashes, without the author before the slash."""
    vocabulary: str
    text: TextRates = TextRates()
    start: int = 3
    """What every request has: the begin mark and the answer's header."""
    message: int = 4
    """The frame of a turn."""
    system: int = 4
    """The frame of the system prompt."""
    tools: int = 10
    """The hidden prompt that comes with the first tool."""
    tools_forced: int | None = None
    """The same where the model must call a tool; None if it does not matter."""
    tool: int = 0
    """The frame of one tool."""
    tool_text: Literal["messages", "chat", "typescript"] = "chat"
    """How a declaration is spelt to the model."""
    tool_rate: float = 1.0
    """Its tokens for each token of ours: templates indent, sort or leave out."""
    call: int = 8
    """The frame of a tool use."""
    result: int = 6
    """The frame of a tool result."""
    thinking: int = 0
    """What asking for thinking adds."""
    thinking_adaptive: int = 0
    keeps_thinking: Literal["never", "open_turn", "always"] = "never"
    """Which thinking that a client sends back is shown to the model again."""
    schema: int = 12
    """The hidden prompt of structured output."""
    schema_rate: float = 1.0
    citations: int = 0
    """The hidden prompt of documents that may be cited."""
    server_tools: tuple[tuple[str, int], ...] = ()
    """The declaration of each tool the maker defines, by the start of its type."""
    image: ImageRule = media_tokens.GPT_4O


_CLAUDE_SERVER_TOOLS = (
    ("computer", 1310),
    ("web_search", 2000),
    ("web_fetch", 1000),
    ("code_execution", 1740),
    ("tool_search_tool", 500),
    ("text_editor", 700),
    ("bash", 245),
    ("memory", 1000),
    ("advisor", 700),
)
_CLAUDE_4_5 = TokenFamily(
    name="claude-4-5",
    match=("*claude*4-5*", "*claude*4-6*"),
    vocabulary="deepseek_v3",
    text=TextRates(token=1.035, newline=0.678, underscore=0.243, capital=0.033, wide_byte=0.252),
    start=3,
    message=4,
    system=0,
    tools=496,
    tools_forced=588,
    tool_text="messages",
    call=40,
    result=25,
    thinking=28,
    thinking_adaptive=17,
    keeps_thinking="open_turn",
    schema=119,
    schema_rate=1.65,
    citations=590,
    server_tools=_CLAUDE_SERVER_TOOLS,
    image=media_tokens.CLAUDE,
)
_CLAUDE_5 = replace(
    _CLAUDE_4_5,
    name="claude-5",
    match=("*claude*",),
    text=TextRates(token=0.981, newline=0.434, capital=0.373, wide_byte=0.149, character=0.113, space=-0.061),
    start=2,
    tools=300,
    tools_forced=None,
    keeps_thinking="always",
    image=media_tokens.CLAUDE_LARGE,
)
_CLAUDE_4_7 = replace(_CLAUDE_5, name="claude-4-7", match=("*claude*4-7*",), start=7)
_CLAUDE_3 = replace(
    _CLAUDE_4_5,
    name="claude-3",
    match=(
        *("*claude-3*", "*claude-2*", "*claude-instant*"),
        *("*claude*-4", "*claude*-4-0*", "*claude*-4-1*", "*claude*-4-20*", "*claude-4-*"),
    ),
    tools=318,
    tools_forced=285,
)
_GPT_4O = TokenFamily(
    name="gpt-4o", match=("gpt-4o*", "chatgpt-4o*"), vocabulary="o200k_base", tool_text="typescript", schema=3
)
_GPT_4O_MINI = replace(_GPT_4O, name="gpt-4o-mini", match=("gpt-4o-mini*",), image=media_tokens.GPT_4O_MINI)
_GPT_4_1 = replace(
    _GPT_4O, name="gpt-4-1", match=("gpt-4-1*", "o1*", "o3*", "o4*"), image=media_tokens.GPT_PATCHES
)
_GPT_5 = replace(_GPT_4O, name="gpt-5", match=("gpt-5-*",), tools=14, image=media_tokens.GPT_5)
_GPT_5_FIRST = replace(
    _GPT_5,
    name="gpt-5-first",
    match=("gpt-5", "gpt-5-mini*", "gpt-5-nano*", "gpt-5-20*", "gpt-5-chat*"),
    tools=96,
)
_GPT_OSS = replace(
    _GPT_4O,
    name="gpt-oss",
    match=("gpt-oss*",),
    vocabulary="gpt-oss",
    start=66,
    tools=28,
    keeps_thinking="open_turn",
)
_GPT_4 = replace(_GPT_4O, name="gpt-4", match=("gpt-4*", "gpt-3*", "*text-*"), vocabulary="cl100k_base")
_GEMINI = TokenFamily(
    name="gemini",
    match=("gemini*", "gemma*", "learnlm*"),
    vocabulary="gemma4",
    start=0,
    message=0,
    system=0,
    tools=0,
    tool_rate=0.8,
    call=18,
    result=16,
    image=media_tokens.GEMINI,
)
_QWEN = TokenFamily(
    name="qwen", match=("qw*", "tongyi*"), vocabulary="qwen3", tools=90, image=media_tokens.QWEN
)
_GLM = TokenFamily(name="glm", match=("*glm*",), vocabulary="glm4", message=2, tools=90, call=10, result=8)
_KIMI_K2 = TokenFamily(name="kimi-k2", match=("kimi-k2", "kimi-k2-[0it]*"), vocabulary="kimi_k2", tools=5)
"""Up to K2 Thinking the template shows tools as JSON, from K2.5 on as TypeScript."""
_KIMI = TokenFamily(
    name="kimi", match=("kimi*", "moonshot*"), vocabulary="kimi_k2", tool_text="typescript", tools=25
)
_DEEPSEEK = TokenFamily(
    name="deepseek",
    match=("deepseek*",),
    vocabulary="deepseek_v3",
    start=2,
    message=1,
    system=0,
    tools=210,
    call=16,
    result=10,
    keeps_thinking="open_turn",
)
_MISTRAL = TokenFamily(
    name="mistral",
    match=("*mistral*", "*ministral*", "*magistral*", "mixtral*", "codestral*", "devstral*", "pixtral*"),
    vocabulary="mistral_v3",
    start=1,
    message=2,
    system=2,
    tools=5,
    thinking=12,
    thinking_adaptive=12,
    keeps_thinking="always",
)
_LLAMA = TokenFamily(
    name="llama",
    match=("*llama*",),
    vocabulary="llama3",
    start=5,
    message=5,
    system=0,
    tools=100,
    tool_rate=1.2,
)
_GROK = TokenFamily(
    name="grok", match=("grok*",), vocabulary="o200k_base", tools=270, tool_rate=0.8, call=14, result=12
)
_GROK_CODE = replace(_GROK, name="grok-code", match=("grok-code*",), start=196)
_MINIMAX = TokenFamily(name="minimax", match=("minimax*", "abab*"), vocabulary="o200k_base", start=37)
_SONAR = TokenFamily(
    name="sonar", match=("sonar*", "r1-1776*"), vocabulary="o200k_base", start=1, message=0, system=0
)
_OTHER = TokenFamily(name="other", match=("*",), vocabulary="o200k_base")

FAMILIES: tuple[TokenFamily, ...] = (
    *(_CLAUDE_3, _CLAUDE_4_7, _CLAUDE_4_5, _CLAUDE_5),
    *(_GPT_4O_MINI, _GPT_4O, _GPT_4_1, _GPT_5_FIRST, _GPT_5, _GPT_OSS, _GPT_4),
    *(
        _GEMINI,
        _QWEN,
        _GLM,
        _KIMI_K2,
        _KIMI,
        _DEEPSEEK,
        _MISTRAL,
        _LLAMA,
        _GROK_CODE,
        _GROK,
        _MINIMAX,
        _SONAR,
        _OTHER,
    ),
)
"""The first family of which a pattern matches counts; the last one matches every name."""


@lru_cache(maxsize=1024)
def family_of(model: str) -> TokenFamily:
    """Returns the family a model's name belongs to, whoever serves it."""
    name = model.lower().rsplit("/", 1)[-1].replace(".", "-").replace("_", "-")
    return next(family for family in FAMILIES if any(fnmatchcase(name, each) for each in family.match))
