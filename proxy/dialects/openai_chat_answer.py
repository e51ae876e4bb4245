"""The content of one chat completion as blocks, and why it ended."""

from __future__ import annotations

from functools import partial
from typing import Any

from proxy.context import NewId
from proxy.dialects.base import Target
from proxy.dialects.block_queue import BlockQueue
from proxy.dialects.blocks import TextBlock, ThinkingBlock, WholeBlock
from proxy.dialects.loose_json import as_object, as_objects, as_text
from proxy.dialects.openai_chat_calls import CallTable
from proxy.dialects.openai_chat_tools import asks_web_search, declared_names
from proxy.dialects.reasoning_details import CLAUDE_FORMAT, FIELDS, text_of
from proxy.dialects.text_pieces import StopWatch, SurrogateJoiner, ThinkTags, whole
from proxy.dialects.tool_ids import ClientIds, ToolNames
from proxy.dialects.web_citations import Sources, citation, excerpt, is_placed, search_blocks
from proxy.messages.events import StreamEvent, text_delta
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest, ToolUseParam

_CUT = frozenset({"length", "model_length", "max_tokens", "max_output_tokens"})
"""Finish reasons, and native ones in lower case, that mean the answer was cut by its limit."""
_REFUSED = frozenset({"content_filter", "refusal"})
_STOP_DETAILS: JsonObject = {"stop_details": {"type": "refusal", "category": None, "explanation": None}}


class Answer:
    """Takes the deltas of one answer in order."""

    def __init__(self, request: MessagesRequest, target: Target, new_id: NewId) -> None:
        self._request = request
        self._target = target
        self._new_id = new_id
        self._queue = BlockQueue()
        told = (m.content for m in request.messages if not isinstance(m.content, str))
        taken = (block.id for blocks in told for block in blocks if isinstance(block, ToolUseParam))
        choice = request.tool_choice
        # Not a method of ours: a cycle would keep the request until the collector comes.
        self._new_thinking = partial(_new_thinking, request, target)
        self._calls = CallTable(
            self._queue,
            ClientIds(taken, new_id),
            ToolNames(declared_names(request)),
            self._new_thinking,
            only_one=choice is not None and bool(choice.disable_parallel_tool_use),
        )
        self._tags = ThinkTags() if target.profile.think_tags else None
        self._watch = StopWatch(request.stop_sequences) if request.stop_sequences else None
        self._halves: SurrogateJoiner | None = None
        self._blank = ""
        self._wants_search = asks_web_search(request)
        self._sources = Sources()
        self._hits: list[JsonObject] = []
        self._loose: list[JsonObject] = []
        self._native = ""
        self._stop_told: str | None = None
        self._met: str | None = None
        self._has_refused = False
        self._has_content = False
        self.finish_reason = ""
        """As the upstream gave it last; empty: not yet."""
        self.length = 0
        """Characters of the answer so far, thinking included."""
        self.searches = 0
        """How many searches were shown."""

    @property
    def has_met_stop(self) -> bool:
        """A stop sequence that is watched for here was met: the answer is over."""
        return self._met is not None

    @property
    def is_empty(self) -> bool:
        """Once it is over: there is no block, and no reason was given for that."""
        return self._queue.index < 0 and not (self._has_refused or self.finish_reason)

    @property
    def nameless_calls(self) -> bool:
        """A call with input never got a name, so nobody can run it."""
        return any(block.has_input and not block.name for block in self._calls.blocks)

    def events(self) -> list[StreamEvent]:
        """Takes out the events made since the last call."""
        made, self._queue.out = self._queue.out, []
        return made

    def take(self, choice: JsonObject, *, may_be_split: bool, is_whole: bool) -> None:
        """Takes one choice of a chunk: its delta, or its message where the answer came whole."""
        delta = choice.get("message" if is_whole else "delta")
        if not isinstance(delta, dict) and not self._has_content:
            delta = choice.get("message")
        if may_be_split and self._halves is None:
            self._halves = SurrogateJoiner()
        if isinstance(delta, dict):
            self._delta(as_object(delta))
        reason = choice.get("finish_reason")
        if reason and isinstance(reason, str):
            self.finish_reason = reason
            self._native = as_text(choice.get("native_finish_reason")).lower()
            told = choice.get("stop_reason")
            self._stop_told = told if isinstance(told, str) else self._stop_told

    @property
    def open_text(self) -> int:
        """Index of the open text block if plain text may go there as it is; negative: it may not."""
        tags, queue = self._tags, self._queue
        is_watched = self._watch is not None or self._halves is not None or self._hits
        if is_watched or (tags is not None and not tags.is_over):
            return -1
        return queue.index if queue.is_direct and isinstance(queue.last, TextBlock) else -1

    def finish(self) -> None:
        """The answer is over: sends out all that waited."""
        self._settle()
        self._show_hits()
        self._queue.finish()

    def sources_found(self, annotations: Any) -> None:
        """Takes sources of a web search."""
        if not annotations:
            return
        for source in self._sources.take(annotations):
            if self._wants_search:
                self._hits.append(source)
            if not self._wants_search or is_placed(source):
                self._cite(citation(source, excerpt(source)))

    def stop_reason(self) -> tuple[str, str | None, JsonObject]:
        """Returns stop_reason, stop_sequence and what stands beside them."""
        if self._met is not None:
            return "stop_sequence", self._met, {}
        reason, native = self.finish_reason, self._native
        if self._has_refused or reason in _REFUSED or native in _REFUSED:
            return "refusal", None, _STOP_DETAILS
        if native == "model_context_window_exceeded":
            return native, None, {}
        calls = self._calls.blocks
        if reason in _CUT or native in _CUT or any(block.is_cut for block in calls):
            return "max_tokens", None, {}
        if calls:
            return "tool_use", None, {}
        return self._stopped_at()

    def _stopped_at(self) -> tuple[str, str | None, JsonObject]:
        """Upstreams leave the stop sequence out of the text; few say which it was, some that it was one."""
        stops = self._request.stop_sequences or []
        if self._stop_told in stops:
            return "stop_sequence", self._stop_told, {}
        if stops and self._native == "stop_sequence":
            return "stop_sequence", stops[0] if len(stops) == 1 else None, {}
        return "end_turn", None, {}

    def _delta(self, delta: JsonObject) -> None:
        content = delta.get("content")
        self._reasoning(delta)
        if isinstance(content, str):
            if content:
                self._text(content)
        elif content:
            self._parts(as_objects(content))
        refusal = as_text(delta.get("refusal"))
        if refusal:
            self._has_refused = True
            self._text(refusal)
        self.sources_found(delta.get("annotations"))
        for image in as_objects(delta.get("images")):
            self._text(f"\n\n![image]({as_text(as_object(image.get('image_url')).get('url'))})\n\n")
        self._tool_calls(delta)

    def _text(self, text: str) -> None:
        self._has_content = True
        if self._halves is not None:
            text = self._halves.feed(text)
        if self._tags is not None and not self._tags.is_over:
            thought, text = self._tags.feed(text)
            if thought:
                self._think_tag(thought)
        if self._watch is not None and text:
            text, self._met = self._watch.feed(text)
        if text:
            self._emit(text)

    def _emit(self, text: str) -> None:
        self.length += len(text)
        queue = self._queue
        if self._hits:
            self._show_hits()
        last = queue.last
        if isinstance(last, TextBlock):
            if queue.is_direct:
                queue.out.append(text_delta(queue.index, text))
            else:
                last.waiting.append(text)
            return
        text = self._blank + text
        if not text.strip():
            self._blank = text
            return
        self._blank = ""
        block = TextBlock(text)
        block.citations, self._loose = self._loose, []
        queue.add(block)
        queue.move()

    def _settle(self) -> None:
        """Something other than text begins, or nothing more: lets out what text still waited."""
        if self._halves is not None:
            rest = self._halves.flush()
            if rest:
                self._text(rest)
        if self._tags is not None and not self._tags.is_over and self._has_content:
            thought, text = self._tags.flush()
            if thought:
                self._think_tag(thought)
            if text:
                self._text(text)
        if self._watch is not None:
            rest = self._watch.flush()
            if rest:
                self._emit(rest)

    def _reasoning(self, delta: JsonObject) -> None:
        details = as_objects(delta.get("reasoning_details"))
        name = next((key for key in FIELDS if delta.get(key) and isinstance(delta[key], str)), "")
        if not details and not name:
            return
        self._has_content = True
        spoken = whole(delta[name]) if self._halves is not None and name else delta.get(name, "")
        if not details:
            block = self._thinking()
            block.add_field(name, spoken)
            self._think(block, spoken)
            return
        readable = any(text_of(detail) for detail in details)
        for detail in details:
            self._detail(detail, text_of(detail))
        if spoken and not readable:
            self._think(self._thinking(), spoken)

    def _detail(self, detail: JsonObject, text: str) -> None:
        is_claude = self._target.profile.claude_signatures and detail.get("format") == CLAUDE_FORMAT
        if is_claude and detail.get("type") == "reasoning.encrypted":
            self._settle()
            self._blank = ""
            self._queue.add(WholeBlock({"type": "redacted_thinking", "data": as_text(detail.get("data"))}))
            self._queue.move()
            return
        block = self._thinking(after_signature=not text and bool(detail.get("signature")))
        block.add_detail(detail)
        self._think(block, text)

    def _think(self, block: ThinkingBlock, text: str) -> None:
        self.length += len(text)
        block.show(text)
        self._queue.move()

    def _think_tag(self, text: str) -> None:
        block = self._thinking()
        block.tags.append(text)
        self._think(block, text)

    def _thinking(self, *, after_signature: bool = True) -> ThinkingBlock:
        """The thinking block that is being written, or a new one."""
        last = self._queue.last
        if isinstance(last, ThinkingBlock) and not last.calls and (after_signature or not last.is_signed):
            return last
        self._show_hits()
        block = self._new_thinking()
        self._blank = ""
        self._queue.add(block)
        return block

    def _parts(self, parts: list[JsonObject]) -> None:
        """Mistral's list: thinking parts and text parts."""
        for part in parts:
            if part.get("type") == "thinking":
                thinking = part.get("thinking")
                inner = as_objects(thinking)
                text = as_text(thinking) or "".join(as_text(item.get("text")) for item in inner)
                block = self._thinking()
                block.add_part(part)
                self._think(block, text)
            else:
                text = as_text(part.get("text"))
                if text:
                    self._text(text)

    def _tool_calls(self, delta: JsonObject) -> None:
        calls = as_objects(delta.get("tool_calls"))
        function = as_object(delta.get("function_call"))
        if not calls and (function.get("name") or function.get("arguments")):
            calls = [{"index": 0, "function": function}]
        if not calls:
            return
        self._has_content = True
        self._settle()
        self._show_hits()
        self._blank = ""
        for position, call in enumerate(calls):
            numbered = call.get("index") is not None or len(calls) == 1
            self._calls.take(call if numbered else {**call, "index": f"at {position}"})
            self.length += len(as_text(as_object(call.get("function")).get("arguments")))
        self._queue.move()

    def _cite(self, made: JsonObject) -> None:
        last = self._queue.last
        if isinstance(last, TextBlock):
            last.citations.append(made)
        else:
            self._loose.append(made)

    def _show_hits(self) -> None:
        if self._hits:
            hits, self._hits = self._hits, []
            self.searches += 1
            for block in search_blocks(self._request, hits, self._new_id):
                self._queue.add(block)
            self._queue.move()


def _new_thinking(request: MessagesRequest, target: Target) -> ThinkingBlock:
    thinking = request.thinking
    hidden = thinking is not None and (thinking.display == "omitted" or thinking.type == "disabled")
    profile = target.profile
    return ThinkingBlock(
        target.provider,
        profile.family,
        is_shown=not hidden,
        keeps_signature=profile.claude_signatures,
    )
