"""Counts the tokens of a text with a vocabulary that ships inside a package; nothing is ever downloaded.

The vocabularies are compiled into `splintr`. Making one ready takes 15 to 600 ms, so each is loaded when it
is first needed and kept; a program calls `load` off its event loop before the first request needs it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splintr import AnyTokenizer

_SAMPLE = "qzxjv wkqpz"
"""No vocabulary has these words: merging their parts builds what takes most of the time."""


def count_text(vocabulary: str, text: str) -> int:
    """Returns how many tokens `text` has; marks such as `<|endoftext|>` in it are ordinary text.

    Args:
        vocabulary: A name that splintr knows, such as `o200k_base`.
        text: Any text; half of a surrogate pair counts as a question mark.

    Raises:
        ValueError: There is no such vocabulary.
    """
    if not text:
        return 0
    tokenizer = load(vocabulary)
    try:
        return len(tokenizer.encode_ordinary(text))
    except UnicodeEncodeError:
        return len(tokenizer.encode_ordinary(text.encode("utf-8", "replace").decode()))


@cache
def load(vocabulary: str) -> AnyTokenizer:
    """Returns the tokenizer of a vocabulary, ready for use.

    Raises:
        ValueError: There is no such vocabulary.
    """
    from splintr import Tokenizer  # noqa: PLC0415 - 2 MB, which only who counts pays

    tokenizer = Tokenizer.from_pretrained(vocabulary)
    tokenizer.encode_ordinary(_SAMPLE)
    return tokenizer
