"""What the proxy is given: frozen values made from the user's settings, with the keys resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from pydantic import SecretStr

DialectName = Literal["openai-chat", "anthropic-messages", "demo"]


@dataclass(frozen=True, slots=True)
class Budgets:
    """What may be spent, in millionths of a US dollar; None: no limit."""

    day_micro_usd: int | None = None
    month_micro_usd: int | None = None


@dataclass(frozen=True, slots=True)
class ClientToken:
    """A further token, for one client."""

    name: str
    digest: str
    """SHA-256 of the token in hexadecimal; the token itself is kept nowhere."""
    budgets: Budgets = Budgets()
    aliases: tuple[str, ...] = ()
    """The only aliases it may use; empty: all, and names that no alias has."""
    workspace: str | None = None
    """The workspace of its requests; None: the default one."""


@dataclass(frozen=True, slots=True)
class RuleSource:
    """Permission rules of one place, as written there."""

    name: str = "settings"
    """`settings` or the file's path."""
    anchor: str = ""
    """The folder that a rule's `/x` is relative to; empty: the working directory."""
    allow: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    deny_except: tuple[str, ...] = ()
    """Rules that lift deny rules where they match too."""
    workspace: str | None = None
    """They count in this workspace only; None: everywhere."""
    forbids_bypass: bool = False
    """Where they count, the mode bypassPermissions does not."""


@dataclass(frozen=True, slots=True)
class PermissionConfig:
    """Under which rules tools are judged."""

    policy: Literal["claude-code", "strict"] = "claude-code"
    sources: tuple[RuleSource, ...] = ()
    mode: Literal["default", "acceptEdits", "plan", "dontAsk", "bypassPermissions"] = "default"
    additional_directories: tuple[str, ...] = ()
    builtin_read_only: bool = True
    """Claude Code's list of harmless commands needs no rule."""
    broken: str | None = None
    """Why the rules cannot be read: everything asks until that is mended."""
    approvals: Literal["wait", "deny"] = "wait"
    """Who asks: somebody who answers, or nobody, and what would ask is denied."""
    approval_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class WorkspaceConfig:
    """A named root folder in which tools may work."""

    name: str
    root: str
    read_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """Who searches the web."""

    engine: Literal["auto", "duckduckgo", "brave", "tavily", "searxng", "upstream"] = "auto"
    """`auto`: the one that is configured, else the upstream's own, else the keyless one."""
    base_url: str | None = None
    """Of SearXNG, or instead of an engine's own address."""
    key: SecretStr | None = None
    plain_http_hosts: tuple[str, ...] = ()
    """Hosts that pages and searches may be fetched from without TLS and though they are not public, as
    `host:port`, because the user says so."""


@dataclass(frozen=True, slots=True)
class ToolConfig:
    """How tools that Signalbox runs itself are run."""

    switched_off: tuple[str, ...] = ()
    """Names of tools that are offered to nobody."""
    sandbox: Literal["auto", "off", "required"] = "auto"
    """Commands run in the system's sandbox where there is one; `required`: else not at all."""
    shell_timeout_s: float = 120.0
    shell_max_timeout_s: float = 600.0
    task_alias: str | None = None
    """Serves sub-conversations; None: the alias of the conversation that starts one."""
    max_rounds: int = 25
    """Turns of the model in one request, as long as Signalbox owes it results."""
    max_total_s: float = 1800.0
    may_run_programs: bool = True
    """Commands run, and programs as MCP servers; False: that would be as root, which nobody allowed."""
    search: SearchConfig = SearchConfig()
    own_paths: tuple[str, ...] = ()
    """Signalbox's own folders and files, with those of keys: absolute, as named and where links lead."""


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What the user says models cost, in US dollars a million tokens; wins over their provider's own list."""

    input_usd: float
    output_usd: float
    cache_read_usd: float | None = None
    """None: as other input; likewise below."""
    cache_write_usd: float | None = None


@dataclass(frozen=True, slots=True)
class LedgerPolicy:
    """How long single requests are kept in the ledger; what a day cost is kept for 400 days."""

    keep_days: int = 90
    keep_rows: int = 100_000


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Where the proxy listens and who may ask it."""

    token: SecretStr
    """The local token; every request but the health checks must carry it."""
    host: str = "127.0.0.1"
    port: int = 4000
    """0 takes a free port."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names (without port) accepted in the Host header."""
    max_body_bytes: int = 32 * 2**20
    """As the real API: a Messages request may have 32 MiB."""
    client_tokens: tuple[ClientToken, ...] = ()
    """Tokens besides the local one."""


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One upstream service."""

    name: str
    dialect: DialectName
    base_url: str
    key: SecretStr | None = None
    """None: the upstream needs none, or the key is missing (`key_missing` says which)."""
    key_missing: str | None = None
    """Why there is no key although the settings name one; a sentence for the user. Answered as 401."""
    further_keys: tuple[SecretStr, ...] = ()
    """Used in this order while `key` and the ones before rest, refused or limited by the upstream."""
    kind: str | None = None
    """What kind of server it is, as `dialects.profiles` knows them; None: its address tells."""
    connect_timeout_s: float = 10.0
    first_byte_timeout_s: float = 300.0
    idle_timeout_s: float = 120.0
    total_timeout_s: float = 3600.0
    """From the beginning of an answer to its end."""
    max_concurrent: int = 32
    """Requests that may be under way at once; further ones wait in line."""
    price: ListPrice | None = None
    """What every model here costs, where the settings say so."""
    model_prices: tuple[tuple[str, ListPrice], ...] = ()
    """What single models cost, by name or shell-style pattern, in file order; wins over `price`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One (upstream, model) that could serve an alias."""

    provider: str
    model: str
    weight: float | None = None
    """Neighbours that have a weight are equals, and each is first as often as its weight says; None: its
    place in the list counts."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A model name of ours, the client names it answers to, and what serves it, best first."""

    name: str
    match: tuple[str, ...] = ()
    """Shell-style patterns over the model name the client sends."""
    candidates: tuple[Candidate, ...] = ()
    strict: bool = False
    """A request that its upstream could not be told whole is refused; otherwise the losses are only named."""
    toolsets: tuple[str, ...] = ()
    """Tools that Signalbox adds to each request and runs itself: `builtin`, `mcp:NAME`."""
    tools_run_in: Literal["client", "proxy"] = "client"
    """Who runs the built-in tools that the client declares by their names."""
    falls_back_to_dearer: bool = False
    """Also candidates that cost more than the first one may serve, when it fails."""
    budgets: Budgets = Budgets()


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request must be like; what is None or empty is not asked, and all that is asked must hold."""

    min_tokens: int | None = None
    """At least so many input tokens, as estimated."""
    has_image: bool | None = None
    """A picture anywhere in the conversation, tool results included."""
    has_tools: bool | None = None
    has_web_search: bool | None = None
    """Anthropic's web search is among the tools."""
    thinking: bool | None = None
    request_class: tuple[str, ...] = ()
    """One of these is what the client says the request is: main, subagent, auxiliary or compaction."""
    model: tuple[str, ...] = ()
    """One of these shell-style patterns matches the name the client asked for."""
    client_token: tuple[str, ...] = ()
    """The client came with the token of one of these names; `local` is the first one's."""


@dataclass(frozen=True, slots=True)
class RouteRule:
    """Requests like this go to that alias, whatever name they ask for."""

    when: Conditions
    use: str


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a request is tried before the client is told."""

    tries: int = 3
    """Of one candidate, the first included."""
    first_wait_s: float = 0.5
    """Before the second try; doubled before each further one."""
    longest_wait_s: float = 10.0
    """A longer wait, also one the upstream asks for, is left to the client."""
    total_s: float = 120.0
    """No try is repeated and nothing is waited for later than this after the request came."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a candidate that fails is left alone, and for how long."""

    failures: int = 5
    """In a row."""
    failure_share: float = 0.5
    """Of the last `window` tries."""
    window: int = 20
    rest_s: float = 10.0
    """Before one request may try it again; doubled each time that fails too."""
    longest_rest_s: float = 120.0


@dataclass(frozen=True, slots=True)
class LoopGuardPolicy:
    """When a client that sends the very same request again and again must be asked about."""

    repeats: int = 5
    """So many pass within `per_s` seconds; at least 1."""
    per_s: float = 60.0


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """Everything the proxy needs to know; a change makes a new one."""

    server: ServerConfig
    providers: Mapping[str, ProviderConfig] = field(default_factory=lambda: MappingProxyType({}))
    aliases: tuple[Alias, ...] = ()
    """In file order: the first match wins."""
    unknown_models: str | None = None
    """The provider that gets every name no alias has or matches; None: such a name is a 404."""
    routes: tuple[RouteRule, ...] = ()
    """In file order: the first whose conditions hold chooses the alias."""
    retry: RetryPolicy = RetryPolicy()
    breaker: BreakerPolicy = BreakerPolicy()
    budgets: Budgets = Budgets()
    """For everything together; aliases and tokens have their own."""
    loop_guard: LoopGuardPolicy | None = None
    """None: nobody is asked, however often a request comes."""
    ledger: LedgerPolicy = LedgerPolicy()
    capture_bytes: int = 256 * 1024
    """Of each side of a request so much is announced when it ended (`events.Exchange`); 0: nothing is."""
    permissions: PermissionConfig = PermissionConfig()
    workspaces: Mapping[str, WorkspaceConfig] = field(default_factory=lambda: MappingProxyType({}))
    default_workspace: str | None = None
    tools: ToolConfig = ToolConfig()
    mcp_allowed_hosts: tuple[str, ...] = ()
    """Hosts of MCP servers that requests may name by their address: `host` for https on its usual port, or
    `host:port`."""
    is_stand_in: bool = False
    """The settings cannot be used, and requests are only told why: what can wait waits until they can."""
