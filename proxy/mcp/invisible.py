"""Characters nobody sees: found in what servers say of themselves, and spelt out for people and models."""

from __future__ import annotations

import unicodedata

import regex

_UNSEEN = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}\p{Zl}\p{Zp}\p{Cs}--[\n\t\r]]", regex.V1
)
_VARIANT = "\ufe0f"
_JOINER = "\u200d"


def has_unseen(text: str) -> bool:
    """Tells whether a text holds characters that nobody sees; those that belong to an emoji do not count."""
    return any(not _is_of_emoji(text, found.start()) for found in _UNSEEN.finditer(text))


def spelt_out(text: str) -> str:
    """Returns a text with every such character as `<U+200B>`."""

    def spelt(found: regex.Match[str]) -> str:
        return found[0] if _is_of_emoji(text, found.start()) else f"<U+{ord(found[0]):04X}>"

    return _UNSEEN.sub(spelt, text)


def _is_of_emoji(text: str, at: int) -> bool:
    before = text[at - 1] if at else ""
    after = text[at + 1 : at + 2]
    if text[at] == _VARIANT:
        return _is_symbol(before)
    return text[at] == _JOINER and (before == _VARIANT or _is_symbol(before)) and _is_symbol(after)


def _is_symbol(character: str) -> bool:
    return bool(character) and (
        unicodedata.category(character) in {"So", "Sk"} or character in "\u2194\u2195\u25fb\u25fc\u2640\u2642"
    )
