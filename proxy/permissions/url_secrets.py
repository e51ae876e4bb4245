"""Finds secrets in an outgoing URL: the stored ones in all their spellings, and what looks like a key."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

_RUN = 20
"""So many characters of a secret in a row give it away, even where the rest was cut off or split up."""
_SHORTEST = 12
"""A shorter secret would be found in ordinary words: `lm-studio` is a key that people do set."""
_NOISE = re.compile(r"[^a-z0-9]+")
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{24,}")
_PLACEHOLDER = re.compile(r"\{[A-Z][A-Z0-9_]*(?:[:|][^{}]*)?\}|\{\{[^{}]*\}\}")
_KEY_SHAPE = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_-]{20,}"
    r"|sk-or-v1-[0-9a-f]{32,}"
    r"|sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{32,}"
    r"|sk-[A-Za-z0-9]{32,}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])|AIza[0-9A-Za-z_-]{35}"
    r"|xox[abeprs]-[A-Za-z0-9-]{20,}|hf_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{40,}"
    r"|tvly-[A-Za-z0-9_-]{24,}|[rs]k_live_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{60,}"
    r")"
)


def find_secret(url: str, secrets: Iterable[str]) -> str | None:
    """Returns why a URL must not leave because of what it carries.

    Args:
        url: As the model wrote it, fragment included: a page could read that.
        secrets: The stored secrets themselves.

    Returns:
        A reason that does not repeat the secret; None: nothing was found.
    """
    views = tuple(_views(url))
    if any(_holds(views, secret) for secret in secrets):
        return "the URL carries a stored secret"
    if any(_KEY_SHAPE.search(text) for view in views for text in (view, *_decoded(view))):
        return "the URL carries what looks like a key"
    if any(_PLACEHOLDER.search(view) for view in views):
        return "the URL holds a placeholder that was not filled in"
    return None


def _views(url: str) -> Iterator[str]:
    """The URL as written, and with its percent signs decoded again and again."""
    yield url
    for _ in range(3):
        decoded = unquote(url, errors="replace")
        if decoded == url:
            return
        url = decoded
        yield url


def _decoded(view: str) -> Iterator[str]:
    """What stands in a URL as base64 or hexadecimal."""
    for token in _TOKEN.findall(view):
        raw = token.replace("-", "+").replace("_", "/")
        for text, decode in ((raw, base64.b64decode), (token, bytes.fromhex)):
            padded = text + "=" * (-len(text) % 4) if decode is base64.b64decode else text
            try:
                yield decode(padded).decode("latin-1")
            except (ValueError, binascii.Error):
                continue


def _holds(views: tuple[str, ...], secret: str) -> bool:
    if len(_squeezed(secret)) < _SHORTEST:
        return False
    squeezed = [_squeezed(view) for view in views]
    runs = {view[start : start + _RUN] for view in squeezed for start in range(len(view) - _RUN + 1)}
    return any(_occurs(form, squeezed, runs) for form in _forms(secret))


def _occurs(form: str, views: list[str], runs: set[str]) -> bool:
    if len(form) <= _RUN:
        return any(form in view for view in views)
    return any(form[start : start + _RUN] in runs for start in range(len(form) - _RUN + 1))


def _forms(secret: str) -> Iterator[str]:
    """The secret's spellings, squeezed: as it is, backwards, hexadecimal, base64 and base32 at any offset."""
    raw = secret.encode("utf-8", errors="replace")
    yield _squeezed(secret)
    yield _squeezed(secret[::-1])
    yield raw.hex()
    for offset in range(3):
        yield _squeezed(base64.b64encode(b"\0" * offset + raw).decode("ascii")[_skip(offset, 6) : -4])
    for offset in range(5):
        yield _squeezed(base64.b32encode(b"\0" * offset + raw).decode("ascii")[_skip(offset, 5) : -8])


def _skip(offset: int, bits: int) -> int:
    """How many characters in front depend on what stands before the secret."""
    return -(-offset * 8 // bits)


def _squeezed(text: str) -> str:
    """Letters and digits only, in lower case: dots between DNS labels and both base64 alphabets fall away."""
    return _NOISE.sub("", text.lower())
