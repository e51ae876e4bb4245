"""Secrets that are known by the name before them: `x-api-key: …`, `MY_SECRET=…`, `--password …`, `Bearer …`.

A few words (`key`, `token`, `password`, …) are looked for; around each, the whole name is read to the left
and the value to the right. The name decides: `max_tokens`, `sort_key` and `next_token` announce no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.redaction_shapes import Span

_MAX_NAME = 64
_MAX_QUOTED = 20_000

_WORDS = (
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pass",
    "pwd",
    "pat",
    "dsn",
    "auth",
    "authorization",
    "credential",
    "cookie",
    "signature",
    "sig",
    "code",
    "x-bf-vk",
)
_SCHEMES = ("bearer", "basic")

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_NAME_AFTER = re.compile(r"s?(?:[-_]?[iI][dD])?")
_QUOTES = r"\\{0,8}[\"']"
_SEPARATOR = re.compile(
    rf"(?:{_QUOTES})?[ \t]{{0,4}}(?:=>|:=|[:=])\s{{0,6}}\[?\s{{0,4}}"  # name: value, "name" => "value"
    rf"|{_QUOTES}\s{{0,4}},\s{{0,4}}(?=b?{_QUOTES})"  # ('name', 'value')
    r"|>(?=[^<>\s]{1,200}</)"  # <name>value</name>
)
_OPTION_SEPARATOR = re.compile(r"[ =]+")
_OPEN_QUOTE = re.compile(rf"b?({_QUOTES})")
_BARE = re.compile(r"[^\s\"'&;,)}\]>`|\\]+")
_BLANKS = re.compile(r"\s{1,4}")
_COOKIES = re.compile(r"[A-Za-z0-9_.-]{1,64}=[^\n\"'\\]+")
_CREDENTIAL = re.compile(r"[A-Za-z0-9._~+/-]{8,}={0,2}")

_KEY_OF = (
    r"(?:api|access|secret|private|master|auth|signing|encryption|subscription|account|shared|admin|service"
    r"|client|license|storage|session|webhook|deploy|bot)"
)
_STRONG = re.compile(
    rf"(?i:{_KEY_OF}[-_. ]?keys?(?:[-_]?id)?)\Z"
    r"|(?i:pass(?:word|wd|phrase)s?|pwd|authorization|cookie|x-bf-vk|credentials?)\Z"
    r"|(?i:[-_.](?:token|secret|passcode|signature|auth)|[-_](?:pass|pat))\Z"
    r"|[a-z](?:Token|Secret|Passcode)\Z|(?i:(?:auth|access|refresh|bearer|id|session|bot|api)(?:token|secret))\Z"
    r"|(?<![A-Za-z0-9])[A-Z0-9_]*_(?:KEY|DSN)\Z"
)
_HARMLESS = re.compile(
    r"(?i:(?:public|primary|foreign|sort|cache|partition|idempotency|dedup|hot|group|object|index|shortcut)[-_]?keys?"
    r"|(?:next|prev|previous|page|continuation|pad|eos|bos|sep|cls|mask|stop|start|end|first|last|csrf|sync|resume"
    r"|cancellation|per|unknown|unexpected)(?:[-_][a-z]+)?[-_]token|[-_.]?www-authenticate)\Z"
)
_WEAK = frozenset({"token", "secret", "passcode", "pass", "auth"})
_IN_QUERY = frozenset({"key", "sig", "signature", "code"})

_KEPT = re.compile(
    r"(?i:none|null|nil|undefined|true|false|yes|no|missing|required|invalid|empty|unset|denied|absent|unknown"
    r"|hidden|redacted|present|set|ok|expired|valid|optional|bearer|basic|token|not|is|must|needed|changed|rotated"
    r"|stored|found|string|str|secretstr|the|a|an|failed|rejected|accepted|incorrect|wrong|disabled|enabled|updated)"
    r"|\[redacted\]?|\$.*|%[A-Za-z_]+%|<.*|\{.*|\[.*|\*+|•+.*|\.{2,}.*|…|x{3,}|keyring:.*|env:.*|file:.*|SecretStr.*"
    r"|[0-9]{1,7}(?:\.[0-9]+)?(?:m?s)?|[/~].*",
    re.DOTALL,
)
_SCHEME = re.compile(r"(?i:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s+(?=\S)")


def is_sensitive_name(name: str) -> bool:
    """Says whether a field called this holds a secret."""
    return _is_strong(name) or name.lower() in _WEAK


def named_values(text: str) -> Iterator[Span]:
    """Yields where the values stand that a sensitive name announces."""
    lower = _lower(text)
    for word in _WORDS:
        position = lower.find(word)
        while position >= 0:
            span = _value_after(text, position, position + len(word))
            if span is not None:
                yield span
            position = lower.find(word, max(position + 1, span[1] if span else 0))
    for scheme in _SCHEMES:
        position = lower.find(scheme)
        while position >= 0:
            span = _credential_after(text, position, position + len(scheme))
            if span is not None:
                yield span
            position = lower.find(scheme, position + len(scheme))


def is_value_kept(value: str) -> bool:
    """Says whether a value is none: a word such as `missing`, a reference, a mask, a count."""
    return _KEPT.fullmatch(value) is not None


def _lower(text: str) -> str:
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(each.lower() if each.isascii() else each for each in text)  # some letters grow


def _value_after(text: str, start: int, end: int) -> Span | None:
    """Returns where the value of the name around `start:end` stands, if it announces a secret one."""
    tail = _NAME_AFTER.match(text, end)
    end = tail.end() if tail else end
    separator = _SEPARATOR.match(text, end)
    if separator is None and text[end : end + 1] != " ":
        return None
    begin = _begin_of_name(text, start)
    name = text[begin:end]
    if separator is None and name.startswith("-"):
        separator = _OPTION_SEPARATOR.match(text, end)
    if separator is None:
        return None
    strength = _strength(name.lstrip("-"), text[begin - 1] if begin else "")
    if strength == 0:
        return None
    if name.lower().endswith("cookie"):
        return _cookies(text, separator.end())
    span, is_quoted = _value(text, separator.end())
    if span is None or is_value_kept(text[span[0] : span[1]]):
        return None
    value = text[span[0] : span[1]]
    is_enough = strength == 3 or (len(value) >= 12 if strength == 2 else is_quoted or _looks_made(value))
    return span if is_enough else None


def _begin_of_name(text: str, position: int) -> int:
    least = max(0, position - _MAX_NAME)
    begin = position
    if begin > least + 1 and text[begin - 1] == " " and text[begin - 2].isalnum():
        begin -= 1  # "API key: …"
    while begin > least and text[begin - 1] in _NAME_CHARACTERS:
        begin -= 1
    return begin


def _strength(name: str, before: str) -> int:
    """Returns 3 for a name that announces a secret, 2 for one in a query, 1 for a doubtful one, else 0."""
    if _is_strong(name):
        return 3
    bare = name.lower()
    if bare in _IN_QUERY and before in {"?", "&"}:
        return 2
    return 1 if bare in _WEAK else 0


def _is_strong(name: str) -> bool:
    return _STRONG.search(name) is not None and _HARMLESS.search(name) is None


def _value(text: str, position: int) -> tuple[Span | None, bool]:
    """Returns where a value stands, without its quotes and the scheme before it, and whether it is quoted."""
    quote = _OPEN_QUOTE.match(text, position)
    if quote is not None:
        start = quote.end()
        end = text.find(quote[1], start, start + _MAX_QUOTED)
        end = end if end >= 0 else min(len(text), start + _MAX_QUOTED)
        scheme = _SCHEME.match(text, start, end)
        start = scheme.end() if scheme else start
        return ((start, end) if end > start else None), True
    scheme = _SCHEME.match(text, position)
    bare = _BARE.match(text, scheme.end() if scheme else position)
    return (bare.span() if bare else None), False


def _cookies(text: str, position: int) -> Span | None:
    quote = _OPEN_QUOTE.match(text, position)
    found = _COOKIES.match(text, quote.end() if quote else position)
    return found.span() if found else None


def _credential_after(text: str, start: int, end: int) -> Span | None:
    """Returns the credential after `Bearer` or `Basic`, unless a word of prose stands there."""
    if start and text[start - 1].isalnum():
        return None
    blank = _BLANKS.match(text, end)
    found = _CREDENTIAL.match(text, blank.end()) if blank else None
    if found is None:
        return None
    has_value_after = text[found.end() : found.end() + 1] in {"=", '"'}
    is_parameter = has_value_after and re.fullmatch(r"[A-Za-z_]+=*", found[0]) is not None  # realm="…"
    is_made = any(each.isdigit() or each.isupper() for each in found[0][:64])
    return found.span() if is_made and not is_parameter else None


def _looks_made(value: str) -> bool:
    """Says whether the value after a bare `token` or `secret` is one, and not a word of a sentence."""
    return len(value) >= 8 and (
        any(each.isdigit() for each in value) or value.lower() != value != value.title()
    )
