"""Every setting, declared once with title and description; what the file holds, checked and frozen.

The shape is a promise to other people's scripts: later versions add keys and never change a meaning.
Keys that are unknown here are kept in the file and named by `unknown_keys`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from app.settings_keys import KeySettings
from app.settings_money import (
    BudgetSettings,
    LedgerSettings,
    LoopGuardSettings,
    PriceSettings,
    TokenSettings,
    token_name_problem,
)
from app.settings_section import Section, named
from app.settings_tools import (
    PermissionSettings,
    ToolSettings,
    WebSearchSettings,
    WorkspaceSettings,
    toolset_problem,
)

CURRENT_VERSION = 1

LogLevel = Literal["debug", "info", "warning", "error"]
Theme = Literal["system", "light", "dark"]
RunMode = Literal["production", "development"]
Dialect = Literal["openai-chat", "anthropic-messages"]
ServerKind = Literal[
    "generic", "openrouter", "openai", "azure", "deepseek", "gemini", "groq", "mistral", "ollama", "lmstudio",
    "moonshot", "zai", "cerebras", "xai", "dashscope", "fireworks", "together", "perplexity",
]  # fmt: skip
RequestClass = Literal["main", "subagent", "auxiliary", "compaction"]


class ServerSettings(Section):
    """Where Signalbox listens."""

    host: str = Field(default="127.0.0.1", title="Address", min_length=1)
    """The address to listen on. Anything but this machine's own address lets others ask, with the token."""
    port: int = Field(default=4000, title="Port", ge=0, le=65535)
    """The port to listen on; 0 takes a free one at every start."""
    allowed_hosts: tuple[str, ...] = Field(default=(), title="Further host names")
    """Names besides 127.0.0.1, localhost and [::1] that a client may use to reach Signalbox."""


def _none_by_name(value: Any) -> Any:
    return None if value in ("none", {}) else value


class ProviderSettings(Section):
    """One upstream service."""

    dialect: Dialect = Field(default="openai-chat", title="Protocol")
    """What the service speaks: chat completions (OpenRouter, OpenAI, Ollama, …) or Anthropic Messages."""
    base_url: str = Field(title="Address")
    """The address its documentation gives, such as https://openrouter.ai/api/v1."""
    kind: ServerKind | None = Field(default=None, title="Kind of server")
    """Whose fields it takes, where its address does not tell: openrouter for a gateway to it, say."""
    key: Annotated[KeySettings | None, BeforeValidator(_none_by_name)] = Field(default=None, title="Key")
    """Where the key is; nothing for a service that needs none."""
    keys: tuple[KeySettings, ...] = Field(default=(), title="Further keys", max_length=20)
    """Where further keys are: the next one is used while the service refuses or limits those before it."""
    connect_timeout_s: float = Field(default=10.0, title="Connecting may take", gt=0, le=600)
    """Seconds until the connection must stand."""
    first_byte_timeout_s: float = Field(default=300.0, title="First answer may take", gt=0, le=3600)
    """Seconds until the service must begin to answer."""
    idle_timeout_s: float = Field(default=120.0, title="Silence may last", gt=0, le=3600)
    """Seconds an answer may pause before it counts as broken."""
    total_timeout_s: float = Field(default=3600.0, title="An answer may take", gt=0, le=86_400)
    """Seconds from the beginning of an answer to its end, however busily the service goes on."""
    max_concurrent: int = Field(default=32, title="Requests at once", ge=1, le=1000)
    """How many requests the service gets at once; further ones wait in line."""
    prices: PriceSettings | None = Field(default=None, title="Prices")
    """What its models cost; nothing: as its own list says."""
    model_prices: Mapping[str, PriceSettings] = Field(default_factory=dict, title="Prices of single models")
    """By name or shell-style pattern: the name itself counts, else the first that matches, else `prices`."""

    @field_validator("base_url")
    @classmethod
    def _usable_url(cls, value: str) -> str:
        problem = url_problem(value)
        if problem is not None:
            raise ValueError(problem)
        return value


class CandidateSettings(Section):
    """A provider and the name of the model there."""

    provider: str = Field(title="Provider", min_length=1)
    """A name under `providers`."""
    model: str = Field(title="Model", min_length=1)
    """The provider's own name for the model."""
    weight: float | None = Field(default=None, title="Weight", gt=0, le=1000)
    """Neighbours with a weight share the requests by it; without one it serves when those before it fail."""


class AliasSettings(Section):
    """A model name of ours: which names it answers to, and what serves it."""

    match: tuple[str, ...] = Field(default=(), title="Answers to")
    """Shell-style patterns over the names clients send, such as claude-*sonnet*."""
    candidates: tuple[CandidateSettings, ...] = Field(title="Served by", min_length=1)
    """What could serve it, best first."""
    strict: bool = Field(default=False, title="Strict")
    """Refuse a request that the provider cannot be told whole; otherwise what is lost is only named."""
    budgets: BudgetSettings = Field(default_factory=BudgetSettings, title="Budgets")
    """What may be spent on it."""
    fall_back_to_dearer: bool = Field(default=False, title="Fall back to dearer ones")
    """Also candidates whose list price is above the first one's may serve, when it fails."""
    toolsets: tuple[str, ...] = Field(default=(), title="Tools added")
    """Tools that Signalbox adds to its requests and runs itself: `builtin`, or `mcp:NAME` for a server's."""
    tools_run_in: Literal["client", "proxy"] = Field(default="client", title="Tools run in")
    """Who runs the built-in tools that a client declares: the client itself, or Signalbox (`proxy`)."""

    @field_validator("toolsets")
    @classmethod
    def _known_toolsets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            problem = toolset_problem(each)
            if problem is not None:
                raise ValueError(problem)
        return value


def _one_is_a_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class ConditionSettings(Section):
    """What a request must be like; all that is named must hold."""

    min_tokens: int | None = Field(default=None, title="Input tokens", ge=1)
    """The request has at least this many input tokens, as estimated."""
    has_image: bool | None = Field(default=None, title="Pictures")
    """There is a picture in the conversation."""
    has_tools: bool | None = Field(default=None, title="Tools")
    """The request declares tools."""
    has_web_search: bool | None = Field(default=None, title="Web search")
    """Anthropic's web search is among the tools."""
    thinking: bool | None = Field(default=None, title="Thinking")
    """The request turns thinking on."""
    request_class: Annotated[tuple[RequestClass, ...], BeforeValidator(_one_is_a_list)] = Field(
        default=(), title="Kind of request"
    )
    """What Claude Code says the request is (with CLAUDE_CODE_GATEWAY_HINT_HEADERS=1); one or a list."""
    model: Annotated[tuple[str, ...], BeforeValidator(_one_is_a_list)] = Field(
        default=(), title="Model asked"
    )
    """Shell-style patterns over the name the client asked for; one or a list."""
    client_token: Annotated[tuple[str, ...], BeforeValidator(_one_is_a_list)] = Field(
        default=(), title="Client token"
    )
    """Names of tokens, one of which the client came with; `local` is the first one."""


class RouteSettings(Section):
    """Requests of a kind go to one alias, whatever name they ask for."""

    when: ConditionSettings = Field(title="When")
    """What such a request is like."""
    use: str = Field(title="Use", min_length=1)
    """The alias that serves it."""


class RetrySettings(Section):
    """How often and how patiently a request is tried before the client is told of a failure."""

    tries: int = Field(default=3, title="Tries", ge=1, le=10)
    """How often each candidate is tried, where the failure may pass."""
    first_wait_s: float = Field(default=0.5, title="First wait", gt=0, le=60)
    """Seconds before the second try; doubled before each further one."""
    longest_wait_s: float = Field(default=10.0, title="Longest wait", gt=0, le=600)
    """Seconds a request waits at most for a try; where the service asks for more, the client is told."""
    total_s: float = Field(default=120.0, title="Repeats and waits may take", gt=0, le=3600)
    """Seconds after which nothing is tried again or waited for; who was not asked yet still has its turn."""


class BreakerSettings(Section):
    """When a candidate that keeps failing is left alone."""

    failures: int = Field(default=5, title="Failures in a row", ge=1, le=100)
    """After this many a candidate is left alone."""
    failure_share: float = Field(default=0.5, title="Share of failures", gt=0, le=1)
    """Or when this share of its last tries failed."""
    window: int = Field(default=20, title="Tries looked at", ge=2, le=1000)
    """How many last tries the share is of."""
    rest_s: float = Field(default=10.0, title="First rest", gt=0, le=3600)
    """Seconds before one request may try it again; doubled each time that fails too."""
    longest_rest_s: float = Field(default=120.0, title="Longest rest", gt=0, le=86_400)
    """Seconds it is left alone at most, unless the service itself asks for more."""


class UnknownModelsSettings(Section):
    """Where names go that no alias has or matches."""

    provider: str = Field(title="Provider", min_length=1)
    """The provider that gets the name as it is."""


class BodySettings(Section):
    """What is kept of requests and answers, always without the secrets in them."""

    keep: Literal["all", "errors", "off"] = Field(default="all", title="Keep")
    """Both sides of every request, of those that failed, or of none; a change also drops what was kept."""
    memory_mb: int = Field(default=48, title="In memory", ge=1, le=4096)
    """Megabytes; the oldest go first. A request counts with every attempt, and as 32 kB at least; of each
    body an eighth of this is kept, at most 8 MB."""
    days: int = Field(default=0, title="Days on disk", ge=0, le=365)
    """How long they are kept as files; 0: in memory only, until Signalbox ends."""


class LogSettings(Section):
    """What is written down."""

    level: LogLevel = Field(default="info", title="Level")
    """The least important events that are still logged."""


class WindowSettings(Section):
    """How the window looks."""

    theme: Theme = Field(default="system", title="Theme")
    """Light, dark, or as the system is."""


class Settings(Section):
    """The whole file."""

    version: int = Field(default=CURRENT_VERSION, title="Version of this file", ge=1)
    """Set by Signalbox; it brings older files up to date."""
    environment: RunMode = Field(default="production", title="Mode")
    """`development` prints readable logs instead of JSON and shows tracebacks in the window."""
    server: ServerSettings = Field(default_factory=ServerSettings, title="Server")
    """Where Signalbox listens."""
    providers: Mapping[str, ProviderSettings] = Field(default_factory=dict, title="Providers")
    """The services that answer, by name."""
    aliases: Mapping[str, AliasSettings] = Field(default_factory=dict, title="Aliases")
    """Names for models."""
    unknown_models: UnknownModelsSettings | None = Field(default=None, title="Unknown models")
    """Where a model name goes that no alias has or matches; nothing: it is answered as not found."""
    routes: tuple[RouteSettings, ...] = Field(default=(), title="Routes")
    """Rules by what a request is like, whatever its model's name; the first that holds chooses the alias."""
    retry: RetrySettings = Field(default_factory=RetrySettings, title="Retries")
    """How often and how patiently a request is tried."""
    breaker: BreakerSettings = Field(default_factory=BreakerSettings, title="Circuit breaker")
    """When a candidate that keeps failing is left alone."""
    budgets: BudgetSettings = Field(default_factory=BudgetSettings, title="Budgets")
    """What may be spent on everything together."""
    loop_guard: LoopGuardSettings | None = Field(default=None, title="Loop guard")
    """When a client that sends the very same request again and again waits for your word. Nothing: after 5
    within 60 seconds where approvals wait; where they are denied, nothing is asked and nothing refused."""
    tokens: Mapping[str, TokenSettings] = Field(default_factory=dict, title="Client tokens")
    """Tokens besides the first one, by name."""
    ledger: LedgerSettings = Field(default_factory=LedgerSettings, title="Ledger")
    """How long requests are kept with their costs."""
    permissions: PermissionSettings = Field(default_factory=PermissionSettings, title="Permissions")
    """What tools may do, in Claude Code's own rules."""
    approvals: Literal["wait", "deny"] | None = Field(default=None, title="Approvals")
    """A call that asks waits for an answer, or is denied. Nothing: it waits in the desktop, and is denied
    where Signalbox runs without a window."""
    approval_timeout_s: float = Field(default=120.0, title="An answer may take", gt=0, le=3600)
    """Seconds after which a call that waits is denied."""
    workspaces: Mapping[str, WorkspaceSettings] = Field(default_factory=dict, title="Workspaces")
    """Folders in which tools may work, by name."""
    default_workspace: str | None = Field(default=None, title="Default workspace")
    """Where requests work that name no workspace; nothing: the only one, where there is one only."""
    tools: ToolSettings = Field(default_factory=ToolSettings, title="Tools")
    """How the tools are run that Signalbox runs itself."""
    web_search: WebSearchSettings = Field(default_factory=WebSearchSettings, title="Web search")
    """Who searches the web."""
    bodies: BodySettings = Field(default_factory=BodySettings, title="Bodies")
    """What is kept of requests and answers."""
    mcp_allowed_hosts: tuple[str, ...] = Field(default=(), title="Hosts of remote MCP servers")
    """Hosts, as `host` or `host:port`, whose MCP servers a request may name by address; nothing: none."""
    mcp_config: str | None = Field(default=None, title="File of the MCP servers", min_length=1)
    """Where they are listed; nothing: mcp_servers.yaml beside this file."""
    logs: LogSettings = Field(default_factory=LogSettings, title="Logs")
    """What is written down."""
    window: WindowSettings = Field(default_factory=WindowSettings, title="Window")
    """How the window looks."""

    @field_validator("providers", "aliases", "tokens", "workspaces", mode="before")
    @classmethod
    def _nothing_means_none(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("tokens")
    @classmethod
    def _free_names(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        return named(value, token_name_problem)

    @field_validator("routes", mode="before")
    @classmethod
    def _nothing_means_no_rule(cls, value: Any) -> Any:
        return () if value is None else value

    @field_validator("providers", "aliases", "tokens", "workspaces")
    @classmethod
    def _usable_names(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        return named(value, name_problem)


def has_budgets(settings: Settings) -> bool:
    """Whether anything limits what may be spent."""
    parts = (settings, *settings.aliases.values(), *settings.tokens.values())
    return any(each.budgets.day_usd is not None or each.budgets.month_usd is not None for each in parts)


def name_problem(name: str) -> str | None:
    """Returns why a provider or an alias cannot be called this, in a sentence, or None."""
    if not name.strip() or name != name.strip():
        return "a name must not be empty or begin or end with a blank"
    if len(name) > 100 or not name.isprintable():
        return "a name may have at most 100 characters, all printable"
    return None


def url_problem(value: str) -> str | None:
    """Returns why a provider's address cannot be used, in a sentence, or None.

    Plain http is for this machine and private addresses only: keys and conversations travel there.
    """
    try:
        url = urlsplit(value)
        host, _port = url.hostname, url.port
    except ValueError as exc:
        return f"this is no web address: {exc}"
    if url.scheme not in {"http", "https"} or not host:
        return "give the whole address, such as https://openrouter.ai/api/v1"
    if url.username is not None or url.password is not None:
        return "the address must not hold a user name or password; name where the key is under `key`"
    if url.query or url.fragment or any(each.isspace() or not each.isprintable() for each in value):
        return "the address must not hold a query, a fragment or blanks"
    if url.scheme == "http" and not _is_near(host):
        return "http is for this machine and private addresses only; use https"
    return None


def is_loopback(host: str) -> bool:
    """Says whether only this machine can reach a server that listens on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


_PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10")
)


def _is_near(host: str) -> bool:
    if is_loopback(host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # Names that only a local resolver knows: of this machine, of a container network, of the house.
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))
    return any(address.version == each.version and address in each for each in _PRIVATE_NETWORKS)


def unknown_keys(
    section: BaseModel, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Yields the path of each key nothing here knows, with the near miss it may be meant for."""
    known = tuple(type(section).model_fields)
    for name in section.model_extra or {}:
        near = get_close_matches(str(name), known, n=1)
        yield (*path, str(name)), near[0] if near else None
    for name in known:
        yield from _unknown_below(getattr(section, name), (*path, name))


def _unknown_below(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str | None]]:
    if isinstance(value, BaseModel):
        yield from unknown_keys(value, path)
    elif isinstance(value, Mapping):
        for name, each in cast("Mapping[str, object]", value).items():
            yield from _unknown_below(each, (*path, name))
    elif isinstance(value, tuple):
        for index, each in enumerate(cast("tuple[object, ...]", value)):
            yield from _unknown_below(each, (*path, str(index)))
