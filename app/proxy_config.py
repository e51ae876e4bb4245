"""Makes the proxy's frozen config of settings, keys and token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from pydantic import SecretStr

from app.secrets import FoundKey
from app.settings import (
    BodySettings,
    BreakerSettings,
    ConditionSettings,
    ProviderSettings,
    RetrySettings,
    Settings,
)
from app.settings_money import BudgetSettings, LoopGuardSettings, PriceSettings
from app.tool_config import default_workspace, permission_config, tool_config, workspace_configs
from proxy.config import (
    Alias,
    BreakerPolicy,
    Budgets,
    Candidate,
    ClientToken,
    Conditions,
    LedgerPolicy,
    ListPrice,
    LoopGuardPolicy,
    PermissionConfig,
    ProviderConfig,
    ProxyConfig,
    RetryPolicy,
    RouteRule,
    RuleSource,
    ServerConfig,
)
from proxy.context import LOCAL_TOKEN

MAX_CAPTURE_BYTES = 8 * 2**20
"""Of each body: requests of the longest conversations are kept whole."""
_REQUEST_SHARE = 8
"""One body gets so small a part of the memory for all: no request may push out all others."""
_REFUSING = "settings"
"""The name of the stand-in provider of `refusing_config`."""

_NOT_YET = FoundKey(None, "missing", "the keys were not looked up yet")
"""The window asks what is set before the keyring was opened."""


def to_proxy_config(
    settings: Settings,
    keys: Mapping[str, FoundKey],
    token: SecretStr,
    *,
    has_window: bool = True,
    search_key: SecretStr | None = None,
    project_rules: Sequence[RuleSource] = (),
    is_elevated: bool = False,
    own_paths: tuple[str, ...] = (),
) -> ProxyConfig:
    """Returns what the proxy is given.

    Args:
        settings: The settings in force.
        keys: What was found for each provider's key, by provider name.
        token: The local token.
        has_window: Somebody can be asked what tools may do.
        search_key: What was found for the search engine's key.
        project_rules: The ask and deny rules of the workspaces' own files.
        is_elevated: Signalbox runs as root or administrator.
        own_paths: What no tool may touch.
    """
    unknown = settings.unknown_models
    permissions = permission_config(settings, has_window=has_window, project_rules=project_rules)
    return ProxyConfig(
        server=_server(settings, token),
        providers=MappingProxyType(
            {
                name: provider_config(name, each, keys.get(name, _NOT_YET))
                for name, each in settings.providers.items()
            }
        ),
        aliases=tuple(
            Alias(
                name,
                each.match,
                tuple(Candidate(one.provider, one.model, one.weight) for one in each.candidates),
                each.strict,
                budgets=_budgets(each.budgets),
                toolsets=each.toolsets,
                tools_run_in=each.tools_run_in,
                falls_back_to_dearer=each.fall_back_to_dearer,
            )
            for name, each in settings.aliases.items()
        ),
        unknown_models=unknown.provider if unknown and unknown.provider in settings.providers else None,
        routes=tuple(RouteRule(_conditions(each.when), each.use) for each in settings.routes),
        retry=_retry(settings.retry),
        breaker=_breaker(settings.breaker),
        budgets=_budgets(settings.budgets),
        loop_guard=_loop_guard(settings.loop_guard, permissions.approvals),
        ledger=LedgerPolicy(settings.ledger.keep_days, settings.ledger.keep_rows),
        capture_bytes=capture_bytes(settings.bodies, has_window=has_window),
        permissions=permissions,
        workspaces=workspace_configs(settings),
        default_workspace=default_workspace(settings),
        tools=tool_config(settings, search_key, is_elevated=is_elevated, own_paths=own_paths),
        mcp_allowed_hosts=tuple(each.lower() for each in settings.mcp_allowed_hosts),
    )


def capture_bytes(bodies: BodySettings, *, has_window: bool) -> int:
    """Returns how much of each body is worth announcing: nothing that nobody would keep."""
    if bodies.keep == "off" or not (has_window or bodies.days):
        return 0
    return min(MAX_CAPTURE_BYTES, bodies.memory_mb * 2**20 // _REQUEST_SHARE)


def _conditions(when: ConditionSettings) -> Conditions:
    return Conditions(
        min_tokens=when.min_tokens,
        has_image=when.has_image,
        has_tools=when.has_tools,
        has_web_search=when.has_web_search,
        thinking=when.thinking,
        request_class=when.request_class,
        model=when.model,
        client_token=when.client_token,
    )


def _budgets(budgets: BudgetSettings) -> Budgets:
    return Budgets(_micro(budgets.day_usd), _micro(budgets.month_usd))


def _micro(amount_usd: float | None) -> int | None:
    return None if amount_usd is None else round(amount_usd * 1_000_000)


def _retry(retry: RetrySettings) -> RetryPolicy:
    return RetryPolicy(retry.tries, retry.first_wait_s, retry.longest_wait_s, retry.total_s)


def _breaker(breaker: BreakerSettings) -> BreakerPolicy:
    return BreakerPolicy(
        breaker.failures, breaker.failure_share, breaker.window, breaker.rest_s, breaker.longest_rest_s
    )


def _loop_guard(
    guard: LoopGuardSettings | None, approvals: Literal["wait", "deny"]
) -> LoopGuardPolicy | None:
    """Unasked for, it is on only where it can ask: scripts and tests may well repeat themselves."""
    if guard is None:
        return LoopGuardPolicy() if approvals == "wait" else None
    return LoopGuardPolicy(guard.repeats, guard.per_s) if guard.repeats else None


def provider_config(name: str, provider: ProviderSettings, found: FoundKey) -> ProviderConfig:
    """Returns the config of one provider."""
    is_named = provider.key is not None or bool(provider.keys)
    return ProviderConfig(
        name=name,
        dialect=provider.dialect,
        base_url=provider.base_url,
        key=found.key,
        key_missing=(found.problem or "the key is missing") if is_named and found.key is None else None,
        further_keys=tuple(each.key for each in found.further if each.key is not None),
        kind=provider.kind,
        connect_timeout_s=provider.connect_timeout_s,
        first_byte_timeout_s=provider.first_byte_timeout_s,
        idle_timeout_s=provider.idle_timeout_s,
        total_timeout_s=provider.total_timeout_s,
        max_concurrent=provider.max_concurrent,
        price=None if provider.prices is None else _price(provider.prices),
        model_prices=tuple((model, _price(each)) for model, each in provider.model_prices.items()),
    )


def _price(prices: PriceSettings) -> ListPrice:
    return ListPrice(prices.input_usd, prices.output_usd, prices.cache_read_usd, prices.cache_write_usd)


def refusing_config(settings: Settings, token: SecretStr, reason: str) -> ProxyConfig:
    """Returns a config under which every model request is answered with the reason, and never by the demo.

    It is used while the settings file is unusable: its providers are unknown, and an answer from the demo
    would look like an answer from them.
    """
    refusing = ProviderConfig(
        name=_REFUSING, dialect="openai-chat", base_url="https://settings.invalid", key_missing=reason
    )
    return ProxyConfig(
        server=_server(settings, token),
        providers=MappingProxyType({_REFUSING: refusing}),
        unknown_models=_REFUSING,
        permissions=PermissionConfig(broken=reason),
        is_stand_in=True,
    )


def dangling_names(settings: Settings) -> Iterator[str]:
    """Yields a sentence for each name that the settings mention and do not have."""
    yield from _dangling_tokens(settings)
    if not settings.providers:
        return
    for name, alias in settings.aliases.items():
        named = dict.fromkeys(each.provider for each in alias.candidates)
        missing = [each for each in named if each not in settings.providers]
        if len(missing) == len(named):
            yield f"the alias {name} serves nothing: {_not_there(missing[0], settings)}"
        else:
            yield from (
                f"the alias {name} passes over a candidate: {_not_there(each, settings)}" for each in missing
            )
    unknown = settings.unknown_models
    if unknown is not None and unknown.provider not in settings.providers:
        yield f"unknown_models has no effect: {_not_there(unknown.provider, settings)}"


def _dangling_tokens(settings: Settings) -> Iterator[str]:
    for name, token in settings.tokens.items():
        for alias in token.aliases:
            if alias not in settings.aliases:
                told = f"no alias '{alias}'{_near(alias, settings.aliases) or ' is there'}"
                yield f"the token {name} is held to an alias that is not there: {told}"
    for rule in settings.routes:
        for name in rule.when.client_token:
            if name != LOCAL_TOKEN and name not in settings.tokens:
                told = f"no token '{name}'{_near(name, settings.tokens) or ' is there'}"
                yield f"a route to {rule.use} waits for a client that cannot come: {told}"


def _not_there(name: str, settings: Settings) -> str:
    return f"no provider '{name}' is configured{_near(name, settings.providers)}"


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, tuple(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _server(settings: Settings, token: SecretStr) -> ServerConfig:
    server = settings.server
    return ServerConfig(
        token=token,
        host=server.host,
        port=server.port,
        allowed_hosts=server.allowed_hosts,
        client_tokens=tuple(
            ClientToken(
                name,
                each.hash.removeprefix("sha256:"),
                _budgets(each.budgets),
                each.aliases,
                each.workspace,
            )
            for name, each in settings.tokens.items()
        ),
    )
