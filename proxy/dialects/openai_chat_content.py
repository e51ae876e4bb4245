"""Content blocks as parts of chat messages: text, pictures, documents, and what can only be told as text."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, cast

from proxy.dialects.base import Target
from proxy.dialects.loose_json import as_objects, as_text
from proxy.dialects.losses import Losses
from proxy.dialects.profiles import Profile
from proxy.dialects.tool_ids import ToolNames, UpstreamIds
from proxy.messages.message import JsonObject
from proxy.messages.request import (
    Content,
    ContentBlockParam,
    DocumentParam,
    ImageParam,
    OtherBlock,
    TextParam,
)
from proxy.messages.wire import write_json

BILLING_LINE = "x-anthropic-billing-header"
"""Claude Code's first system block; it changes with every conversation and would break prefix caches."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One request on its way: for whom it is encoded, and what it has lost so far."""

    target: Target
    names: ToolNames
    ids: UpstreamIds
    losses: Losses = field(default_factory=Losses)

    @property
    def profile(self) -> Profile:
        """The facts about the target."""
        return self.target.profile


def text_part(text: str, cache: JsonObject | None = None) -> JsonObject:
    """Returns a text part, with the cache hint if there is one."""
    part: JsonObject = {"type": "text", "text": text}
    if cache is not None:
        part["cache_control"] = cache
    return part


def cache_hint(cache_control: JsonObject | None, path: str, work: Encoding) -> JsonObject | None:
    """Returns the cache hint of a block if the target takes hints."""
    if not cache_control:
        return None
    if work.profile.cache_control == "none":
        work.losses.add(f"{path}.cache_control", "left out: the upstream takes no cache hints")
        return None
    return cache_control


def render(parts: list[JsonObject], profile: Profile, between: str = "\n\n") -> str | list[JsonObject]:
    """Returns parts as message content: a string where nothing is lost by it.

    Where the upstream takes cache hints, several texts stay several parts with and without a hint, so
    that a hint that moves on with the conversation does not change the prefix it is about.
    """
    plain = all(part["type"] == "text" and "cache_control" not in part for part in parts)
    if plain and (len(parts) < 2 or profile.cache_control == "none"):
        return between.join(part["text"] for part in parts)
    return parts


def user_parts(block: ContentBlockParam, path: str, work: Encoding) -> list[JsonObject]:
    """Returns the parts of a block of a user turn or of a tool's result; a tool_result itself is none."""
    if isinstance(block, TextParam):
        return [text_part(block.text, cache_hint(block.cache_control, path, work))] if block.text else []
    if isinstance(block, ImageParam):
        return [_with_hint(_image(block, path, work), block, path, work)]
    if isinstance(block, DocumentParam):
        return _document(block, path, work)
    if isinstance(block, OtherBlock):
        return _other(block, path, work)
    work.losses.add(path, f"left out: a {block.type} block means nothing in a user turn")
    return []


def content_parts(content: Content | None, path: str, work: Encoding) -> list[JsonObject]:
    """Returns the parts of a string or of a list of blocks."""
    if content is None:
        return []
    if isinstance(content, str):
        return [text_part(content)] if content else []
    return [part for i, block in enumerate(content) for part in user_parts(block, f"{path}.{i}", work)]


def is_text(part: JsonObject) -> bool:
    """The part is text."""
    return part["type"] == "text"


def server_tool_text(block: OtherBlock) -> str:
    """Returns what a server tool's call or result says, as text for a model that never saw the tool."""
    extra = block.model_extra or {}
    if block.type.endswith("tool_use"):
        return f"[{extra.get('name', block.type)}: {write_json(extra.get('input', {})).decode()}]"
    return _flatten(extra.get("content", extra))


def _with_hint(part: JsonObject, block: ImageParam | DocumentParam, path: str, work: Encoding) -> JsonObject:
    hint = cache_hint(block.cache_control, path, work)
    return part if hint is None else {**part, "cache_control": hint}


def _image(block: ImageParam, path: str, work: Encoding) -> JsonObject:
    source = block.source
    if not work.profile.images:
        work.losses.add(path, "replaced by a note: the model cannot see images")
        return text_part("[An image was here; this model cannot see images.]")
    match source.get("type"):
        case "base64":
            url = f"data:{source.get('media_type', 'image/png')};base64,{source.get('data', '')}"
        case "url":
            url = str(source.get("url", ""))
        case other:
            return _unreachable_source(path, other, work)
    return {"type": "image_url", "image_url": {"url": url}}


def _document(block: DocumentParam, path: str, work: Encoding) -> list[JsonObject]:
    if (block.model_extra or {}).get("citations"):
        work.losses.add(f"{path}.citations", "the upstream gives no citations of documents")
    heading = "\n".join(line for line in (block.title, block.context) if line)
    parts = _document_body(block, path, work)
    if heading and is_text(parts[0]):
        parts[0] = text_part(f"{heading}\n\n{parts[0]['text']}")
    elif block.context:
        parts.insert(0, text_part(heading))
    parts[-1] = _with_hint(parts[-1], block, path, work)
    return parts


def _document_body(block: DocumentParam, path: str, work: Encoding) -> list[JsonObject]:
    source = block.source
    match source.get("type"):
        case "text":
            return [text_part(str(source.get("data", "")))]
        case "content":
            return _inner(source.get("content"), path, work) or [text_part("")]
        case "base64":
            name = block.title or "document.pdf"
            data = f"data:{source.get('media_type', 'application/pdf')};base64,{source.get('data', '')}"
            return [_file(name, data, path, work, can=work.profile.file_parts)]
        case "url":
            url = str(source.get("url", ""))
            return [
                _file(
                    block.title or url.rpartition("/")[2] or url, url, path, work, can=work.profile.file_urls
                )
            ]
        case other:
            return [_unreachable_source(path, other, work)]


def _file(name: str, data: str, path: str, work: Encoding, *, can: bool) -> JsonObject:
    if can:
        return {"type": "file", "file": {"filename": name, "file_data": data}}
    work.losses.add(path, "replaced by a note: the upstream takes no files of this kind")
    where = "" if data.startswith("data:") else f" at {data}"
    return text_part(f"[The document {name}{where} was here; this model cannot read it.]")


def _unreachable_source(path: str, kind: Any, work: Encoding) -> JsonObject:
    reason = (
        f"a source of type {kind!r} cannot be reached from this upstream. Send the content itself (base64) "
        "or a URL."
    )
    work.losses.add(f"{path}.source", reason, is_vital=True)
    return text_part("[Something was here that could not be reached.]")


def _other(block: OtherBlock, path: str, work: Encoding) -> list[JsonObject]:
    extra = block.model_extra or {}
    match block.type:
        case "search_result":
            return [_search_result(extra, path, work)]
        case "tool_reference":
            return [text_part(f"The tool {extra.get('tool_name')} is now available.")]
        case "container_upload":
            work.losses.add(path, "left out: the upstream runs no code and has no container")
            return []
        case _:
            work.losses.add(path, f"told as text: the upstream knows no {block.type} block")
            return [text_part(_flatten(extra.get("content", extra)))]


def _search_result(extra: JsonObject, path: str, work: Encoding) -> JsonObject:
    if extra.get("citations"):
        work.losses.add(f"{path}.citations", "the upstream gives no citations of search results")
    hint = cache_hint(extra.get("cache_control"), path, work)
    body = _flatten(extra.get("content", []))
    return text_part(f"[{extra.get('title', '')}]({extra.get('source', '')})\n{body}", hint)


def _inner(content: Any, path: str, work: Encoding) -> list[JsonObject]:
    """The text and image blocks of a document's content."""
    if isinstance(content, str):
        return [text_part(content)]
    parts: list[JsonObject] = []
    for i, item in enumerate(as_objects(content)):
        where = f"{path}.source.content.{i}"
        if item.get("type") == "image" and isinstance(item.get("source"), dict):
            parts += user_parts(ImageParam.model_validate(item), where, work)
        elif as_text(item.get("text")):
            parts.append(text_part(item["text"]))
        else:
            work.losses.add(where, "left out: neither text nor image")
    return parts


def _flatten(value: Any) -> str:
    """What a result says, without the fields that only programs read."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, (_flatten(item) for item in cast("list[Any]", value))))
    if not isinstance(value, dict):
        return write_json(value).decode()
    fields = cast("JsonObject", value)
    if fields.get("type") == "web_search_result":
        hit = f"[{fields.get('title', '')}]({fields.get('url', '')})"
        return f"{hit}\n{hidden_text(fields.get('encrypted_content'))}".rstrip()
    for key in ("text", "content", "data", "stdout", "tool_references"):
        if fields.get(key):
            return "\n".join(filter(None, (str(fields.get("url") or ""), _flatten(fields[key]))))
    plain = {
        key: item for key, item in fields.items() if key not in ("type", "cache_control", "encrypted_content")
    }
    return write_json(plain).decode()


_HIDDEN = "sbxs1."


def hide_text(text: str) -> str:
    """Returns `encrypted_content` that holds a search hit's own text, so that it survives the client."""
    return _HIDDEN + base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode()


def is_hidden(encrypted: Any) -> bool:
    """The token is of our making, not Anthropic's."""
    return isinstance(encrypted, str) and encrypted.startswith(_HIDDEN)


def hidden_text(encrypted: Any) -> str:
    """Returns the text `hide_text` hid; a genuine encrypted content holds none for us."""
    if not isinstance(encrypted, str) or not is_hidden(encrypted):
        return ""
    try:
        return base64.urlsafe_b64decode(encrypted[len(_HIDDEN) :]).decode("utf-8")
    except ValueError:
        return ""
