"""What secrets look like: the shapes of well-known kinds of keys, and the names that announce one."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NOT_IN_WORD = r"(?<![A-Za-z0-9])"
_SHAPES = (
    # Prefixes so particular that they count anywhere, even glued to a word.
    r"sk-ant-[a-z]{2,8}[0-9]{0,3}-[A-Za-z0-9_-]{8,}",
    r"sk-or-v[0-9]-[A-Za-z0-9]{8,}",
    r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{16,}",
    r"github_pat_[A-Za-z0-9_]{16,}",
    r"AIza[A-Za-z0-9_-]{30,}",
    (
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    ),
    # Prefixes that count at the start of a word.
    *(
        _NOT_IN_WORD + each
        for each in (
            r"sk-(?=[A-Za-z0-9_-]{0,40}[0-9])[A-Za-z0-9_-]{16,}",
            r"(?:pk|sk)-lf-[a-f0-9-]{16,}",
            r"(?:[sr]k|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,}",
            r"sbx_[A-Za-z0-9_-]{16,}",
            r"ya29\.[A-Za-z0-9_-]{16,}",
            r"1//0[A-Za-z0-9_-]{20,}",
            r"GOCSPX-[A-Za-z0-9_-]{16,}",
            r"gsk_[A-Za-z0-9]{20,}",
            r"xai-[A-Za-z0-9]{20,}",
            r"pplx-[A-Za-z0-9]{20,}",
            r"(?:hf|api_org)_[A-Za-z0-9]{20,}",
            r"csk-[A-Za-z0-9]{20,}",
            r"nvapi-[A-Za-z0-9_-]{20,}",
            r"tgp_v[0-9]_[A-Za-z0-9_-]{20,}",
            r"[0-9a-f]{32}\.[A-Za-z0-9]{16}(?![A-Za-z0-9])",
            r"tvly-[A-Za-z0-9_-]{16,}",
            r"BSA[A-Za-z0-9_-]{24,}",
            (
                r"(?:fw|r8|jina|dop_v1|doo_v1|dor_v1|lin_api|ntn|nsec|re|pul|sbp|lsv2_pt|lsv2_sk|hvs|hvb|glc|glsa"
                r"|shpat|shpca|shppa|shpss|sntrys|figd|rnd|vcp|whsec|fo1|ctx7sk|e2b)_[A-Za-z0-9_=+/-]{20,}"
            ),
            r"(?:fc|pa|key|voyage|dapi)-?[0-9a-f]{32}(?![0-9a-f])",
            r"hv[sb]\.[A-Za-z0-9_-]{20,}",
            r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{20,}",
            r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])",
            r"gh[pousr]_[A-Za-z0-9]{20,}",
            r"gl(?:pat|dt|rt|ptt|ft|imt|agent|oas|soat|cbt)-[A-Za-z0-9_.-]{16,}",
            r"xox[a-z]-[A-Za-z0-9-]{10,}",
            r"xapp-[A-Za-z0-9-]{10,}",
            r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
            r"npm_[A-Za-z0-9]{30,}",
            r"pypi-[A-Za-z0-9_-]{30,}",
            r"ATATT3[A-Za-z0-9_=-]{30,}",
            r"AGE-SECRET-KEY-1[A-Z0-9]{20,}",
            r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){1,4}",
            r"[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
        )
    ),
    r"(?<![0-9])[0-9]{8,12}:AA[A-Za-z0-9_-]{28,}",
    r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_-]{20,})",
    r"discord(?:app)?\.com/api/webhooks/[0-9]+/([A-Za-z0-9_-]{20,})",
    # The password of an address; a user name alone stays.
    r"://[^\s/:@\"'<>]{0,200}:([^\s/@\"'<>]{1,200})@",
    r"://([A-Za-z0-9_-]{24,})@",
    # The scheme of an Authorization header with what can only be a credential: not a word of prose.
    r"(?i:\bbearer\s+)(?=[^\s\"',;]{0,60}[0-9A-Z_])((?![A-Za-z_]+=)[A-Za-z0-9._~+/-]{8,}={0,2})",
    r"\b[Bb]asic\s+(?=[A-Za-z0-9+/]{0,60}[0-9A-Z])([A-Za-z0-9+/]{12,}={0,2})(?![A-Za-z0-9])",
    # Programs that take a password as an argument.
    r"\bsshpass\s+-p\s*([^\s]+)",
    r"\bcurl\b[^\n]{0,500}?\s(?:-u|--user|-U|--proxy-user)[\s=]+[\"']?[^\s:\"']{1,200}:([^\s\"']+)",
    r"\b(?:mysql|mysqldump|mariadb)\b[^\n]{0,200}?\s-p([^\s]+)",
    r"(?i:[?&](?:key|sig|signature|code|access_key|x-amz-signature|x-amz-credential|x-goog-signature)=)([^&\s\"'<>#]{12,})",
)
SECRET_SHAPES = tuple(re.compile(each) for each in _SHAPES)
"""Where a pattern has a group, only that part is the secret."""

TRIGGER = re.compile(
    r"(?i:sk-|[sprg]k[_-]|key|token|secret|passw|passphrase|pwd|auth|bearer|basic |cookie|credential|session"
    r"|private|signature|sig=|code=|_pat_|pplx-|nvapi|tvly|npm_|pypi-|glpat|gl[a-z]{2,5}-|hooks|webhooks|subscription|x-bf-vk)"
    r"|AIza|ya29|1//0|GOCSPX|xai-|hf_|api_org|tgp_|BSA|_[A-Za-z0-9]{20}|AKIA|ASIA|ABIA|ACCA|gh[pousr]_|xox|xapp|SG\.|ATATT3"
    r"|eyJ|://|[0-9a-f]{32}|:AA|hv[sb]\.|dp\.|sshpass|curl|mysql|maria|[MNO][A-Za-z0-9_-]{22}"
)
"""Cheap test: a text without a match holds nothing that a shape or a name could find."""

# Names. The end of a longer name counts (`MY_SERVICE_SECRET`, `openrouterApiKey`); plurals such as
# `max_tokens` do not.
_STRONG_NAME = (
    r"(?:(?:api|access|secret|private|master|auth|signing|encryption|subscription|account|shared|admin|service|client)"
    r"[-_ ]?key(?:[-_]id)?"
    r"|apikey|x-bf-vk|x-goog-api-key|passw(?:or)?d|passphrase|passwd|pwd|client[-_]?secret|secret[-_]?access[-_]?key"
    r"|(?<![A-Za-z])authorization|credentials?|(?:set-)?cookie|session[-_]?(?:key|token|secret)"
    r"|[A-Za-z0-9]+[-_](?:token|secret|passcode)|authtoken|accesstoken|refreshtoken|bearertoken|idtoken|webhook[-_]?secret"
    r"|STRIPE_KEY|[A-Z0-9_]+_(?:KEY|TOKEN|SECRET|PASS|PASSWORD|PAT|DSN))"
)
_WEAK_NAME = r"(?<![A-Za-z0-9_-])(?:token|secret|passcode|pin[-_]?code)"
_QUOTE = r"\\*[\"']"
_SEPARATOR = rf"(?:{_QUOTE})?\s{{0,4}}(?:=>|:=|[:=])\s{{0,4}}|{_QUOTE}\s*,\s*(?=b?{_QUOTE})"
_OPTION = (
    r"(?<![^\s\"'])--?[A-Za-z0-9-]*"
    r"(?:api-?key|token|secret|password|passwd|passphrase|credential|access-key)[ =]+"
)
_VALUE = (
    r"b?(?P<quote>\\*[\"'])(?P<quoted>(?:(?!(?P=quote))[^\n]){1,20000}?)(?P=quote)"
    r"|(?P<bare>[^\s\"'&;,)}\]>`|\\]+)"
)
_NAMED = re.compile(
    rf"(?:(?i:(?P<strong>{_STRONG_NAME}))|(?i:(?P<weak>{_WEAK_NAME})))(?:{_SEPARATOR})(?:{_VALUE})"
    rf"|(?P<option>{_OPTION})(?:(?P<oquote>[\"'])(?P<oquoted>[^\n]{{1,20000}}?)(?P=oquote)|(?P<obare>[^\s\"']+))"
)
_COOKIE = re.compile(
    r"(?i:\b(?:set-)?cookie)(?:[\"'])?\s*[:=]\s*b?[\"']?(?P<value>[A-Za-z0-9_.-]+=[^\n\"']+)"
)
_SCHEME = re.compile(
    r"(?i:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s+)(.+)", re.DOTALL
)
_SCHEME_AFTER = re.compile(
    r"(?i:authorization(?:\\*[\"'])?\s{0,4}[:=]\s{0,4}(?:\\*[\"'])?(?:bearer|basic|token|digest|negotiate|apikey))"
    r"\s+([^\s\"',;]+)"
)
_SENSITIVE_NAME = re.compile(rf"(?i:(?:{_STRONG_NAME}|(?:^|[^A-Za-z0-9])(?:token|secret|passcode))$)")
_KEPT_VALUE = re.compile(
    r"(?i:none|null|nil|undefined|true|false|yes|no|missing|required|invalid|empty|unset|denied|absent|unknown|hidden"
    r"|redacted|present|set|ok|expired|valid|optional|bearer|basic|token|not|is|must|needed|changed|rotated|stored|found"
    r"|string|str|secretstr|the|a|an|failed|rejected|accepted|incorrect|wrong|disabled|enabled|updated|\[redacted)"
    r"|\[redacted\]?|\$.*|%[A-Za-z_]+%|<.*|\{.*|\[|\*+|•+.*|\.{2,}.*|…|x{3,}|keyring:.*|env:.*|file:.*|SecretStr.*"
    r"|[0-9]{1,7}(?:\.[0-9]+)?(?:m?s)?|[/~].*"
)


def is_sensitive_name(name: str) -> bool:
    """Says whether a field called this holds a secret."""
    return _SENSITIVE_NAME.search(name) is not None


def named_values(text: str) -> list[tuple[int, int]]:
    """Returns where the values stand that a sensitive name announces."""
    return list(_named(text))


def _named(text: str) -> Iterator[tuple[int, int]]:
    for match in _COOKIE.finditer(text):
        yield match.span("value")
    for match in _SCHEME_AFTER.finditer(text):
        if not _KEPT_VALUE.fullmatch(match[1]):
            yield match.span(1)
    for match in _NAMED.finditer(text):
        group = next(each for each in ("quoted", "bare", "oquoted", "obare") if match[each] is not None)
        value = match[group]
        start, end = match.span(group)
        scheme = _SCHEME.fullmatch(value)
        if scheme is not None:
            start, value = match.start(group) + scheme.start(1), scheme[1]
        if _KEPT_VALUE.fullmatch(value) or (match["weak"] and not _looks_made(value, group)):
            continue
        yield start, end


def _looks_made(value: str, group: str) -> bool:
    """Says whether the value after a bare `token` or `secret` is one, and not a word of a sentence."""
    if group != "bare":
        return True
    return len(value) >= 8 and (
        any(each.isdigit() for each in value) or value.lower() != value != value.title()
    )
