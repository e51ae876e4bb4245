"""A desk that keeps everything in lists: what the window asked, and what it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase

from pydantic import SecretStr

from app.exchanges import part_of
from gui.desk import (
    ActionDone,
    ActionFailed,
    AliasesChanged,
    AliasView,
    CandidateView,
    ConnectLines,
    DeskEvent,
    DeskListener,
    LogLine,
    ProviderDraft,
    ProvidersChanged,
    ProviderTested,
    ProviderView,
    ProxyPhase,
    ProxyState,
    ProxyStateChanged,
    Resolution,
    SettingsChanged,
    TokenCreated,
    TokensChanged,
)
from gui.request_desk import AttemptsRead, BodiesKept, EarlierRequestsRead, ExchangeRead
from gui.spending import DearerView, SpendingView, TokenDraft, TokenView
from proxy.events import BreakerChanged, Exchange
from proxy.store.ledger_values import AttemptRow, RequestRow
from tests.gui.fake_mcp import FakeMcp
from tests.gui.fake_permissions import FakePermissions

URL = "http://127.0.0.1:4000"


class FakeDesk(FakeMcp, FakePermissions):
    """Implements `gui.desk.Desk`; `calls` says what was asked, `keys` what was stored."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, str] = {}
        self.listeners: list[DeskListener] = []
        self.state_now = ProxyState(ProxyPhase.STOPPED)
        self.provider_list: list[ProviderView] = []
        self.alias_list: list[AliasView] = []
        self.breaker_list: list[BreakerChanged] = []
        self.prices: dict[str, int] = {}
        """Dollars for a million tokens, by model; no other price is known."""
        self.removed: dict[str, ProviderView | AliasView] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.spending_now: SpendingView | None = None
        self.token_list: list[TokenView] = []
        self.exchanges_asked: list[tuple[str, int | None]] = []
        self.messages: dict[tuple[str, int], str] = {}
        """What an attempt was answered as one message, by request and number."""
        self.bodies_now: BodiesKept = "all"
        self.ledger: list[RequestRow] = []
        """Requests of earlier sessions, newest first."""
        self.attempts: dict[str, tuple[AttemptRow, ...]] = {}
        self.page = 3
        """How many of them are told at once."""
        self.lines: list[LogLine] = []
        self.theme_now = "system"
        self.test_result: ProviderTested | None = None
        self.keyring_fails = False
        self.is_slow = False
        """Changes wait for `release`, as they wait for the disk in the real program."""
        self.held: list[Callable[[], None]] = []

    def announce(self, *events: DeskEvent) -> None:
        """Tells every listener."""
        for event in events:
            for listener in list(self.listeners):
                listener(event)

    def set_state(self, state: ProxyState) -> None:
        """Changes the state and says so."""
        self.state_now = state
        self.announce(ProxyStateChanged(state))

    def set_breaker(self, change: BreakerChanged) -> None:
        """Leaves a model alone, tries it or lets it serve again, and says so."""
        others = [
            each
            for each in self.breaker_list
            if (each.provider, each.model) != (change.provider, change.model)
        ]
        self.breaker_list = others if change.state == "closed" else [*others, change]
        self.announce(change)

    def release(self) -> None:
        """Carries out the changes that were held."""
        held, self.held = self.held, []
        for change in held:
            change()

    def _change(self, change: Callable[[], None]) -> None:
        if self.is_slow:
            self.held.append(change)
        else:
            change()

    # gui.desk.Desk --------------------------------------------------------------------------

    def subscribe(self, listener: DeskListener) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def state(self) -> ProxyState:
        return self.state_now

    def start_proxy(self) -> None:
        self.calls.append("start_proxy")
        self.set_state(replace(self.state_now, phase=ProxyPhase.RUNNING, url=URL, problems=()))

    def use_another_port(self) -> None:
        self.calls.append("use_another_port")
        url = "http://127.0.0.1:4001"
        self.set_state(replace(self.state_now, phase=ProxyPhase.RUNNING, url=url, is_port_in_use=False))

    def stop_proxy(self) -> None:
        self.calls.append("stop_proxy")
        self.set_state(replace(self.state_now, phase=ProxyPhase.STOPPED, url=None))

    def quit(self, *, now: bool = False) -> None:
        self.calls.append("quit now" if now else "quit")

    def connect_lines(self) -> ConnectLines:
        url = self.state_now.url or URL
        head = f"export ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_AUTH_TOKEN="
        return ConnectLines(shell=SecretStr(head + "local-token-of-the-test"), shown=head + "••••••••")

    def providers(self) -> tuple[ProviderView, ...]:
        return tuple(self.provider_list)

    def save_provider(self, draft: ProviderDraft, *, replaces: str | None) -> str | None:
        self.calls.append(f"save_provider {draft.name} replaces {replaces}")
        if self.refusal is not None:
            return self.refusal
        source = f"environment variable {draft.key_env}" if draft.key_env else "missing"
        if not draft.needs_key:
            source = "none needed"
        view = ProviderView(
            draft.name,
            draft.dialect,
            draft.base_url,
            source,
            "",
            has_key=not draft.needs_key,
            can_store_key=draft.key_env is None and draft.needs_key,
        )
        self._change(lambda: self._take_provider(view, draft, replaces))
        return None

    def _take_provider(self, view: ProviderView, draft: ProviderDraft, replaces: str | None) -> None:
        names = [p.name for p in self.provider_list]
        if replaces in names:
            old = self.provider_list[names.index(replaces)]
            if draft.keep_key:
                view = replace(old, name=draft.name, dialect=draft.dialect, base_url=draft.base_url)
            self.provider_list[names.index(replaces)] = view
        else:
            self.provider_list.append(view)
        self.announce(ProvidersChanged(), ActionDone(f"Saved the provider {draft.name}"))

    def remove_provider(self, name: str) -> str | None:
        self.calls.append(f"remove_provider {name}")
        if self.refusal is not None:
            return self.refusal
        for view in self.provider_list:
            if view.name == name:
                self.removed[name] = view
        self.provider_list = [p for p in self.provider_list if p.name != name]
        self.announce(ProvidersChanged())
        return None

    def restore_provider(self, name: str) -> str | None:
        self.calls.append(f"restore_provider {name}")
        view = self.removed.pop(name, None)
        if not isinstance(view, ProviderView):
            return f"There is no removed provider {name}."
        self.provider_list.append(view)
        self.announce(ProvidersChanged())
        return None

    def store_key(self, provider: str, key: SecretStr) -> None:
        self.calls.append(f"store_key {provider}")
        if self.keyring_fails:
            self.announce(ActionFailed("The key was not saved", "No keyring answers on this computer."))
            return
        self.keys[provider] = key.get_secret_value()
        hint = "••••" + key.get_secret_value()[-4:]
        self.provider_list = [
            replace(p, key_source=f"in the keyring ({provider})", key_hint=hint, has_key=True, problem=None)
            if p.name == provider
            else p
            for p in self.provider_list
        ]
        self.announce(ProvidersChanged(), ActionDone(f"The key of {provider} is in the keyring"))

    def delete_key(self, provider: str) -> None:
        self.calls.append(f"delete_key {provider}")
        self.keys.pop(provider, None)
        self.provider_list = [
            replace(p, key_source="missing", key_hint="", has_key=False) if p.name == provider else p
            for p in self.provider_list
        ]
        self.announce(ProvidersChanged())

    def test_provider(self, name: str) -> None:
        self.calls.append(f"test_provider {name}")
        if self.test_result is not None:
            self.announce(replace(self.test_result, provider=name))

    def breakers(self) -> tuple[BreakerChanged, ...]:
        return tuple(self.breaker_list)

    def reset_breakers(self, provider: str) -> str | None:
        self.calls.append(f"reset_breakers {provider}")
        return self.refusal

    def aliases(self) -> tuple[AliasView, ...]:
        return tuple(self.alias_list)

    def save_alias(self, alias: AliasView, *, replaces: str | None) -> str | None:
        self.calls.append(f"save_alias {alias.name} replaces {replaces}")
        if self.refusal is not None:
            return self.refusal
        self._change(lambda: self._take_alias(alias, replaces))
        return None

    def _take_alias(self, alias: AliasView, replaces: str | None) -> None:
        names = [a.name for a in self.alias_list]
        if replaces in names:
            self.alias_list[names.index(replaces)] = alias
        else:
            self.alias_list.append(alias)
        self.announce(AliasesChanged(), ActionDone(f"Saved the alias {alias.name}"))

    def remove_alias(self, name: str) -> str | None:
        self.calls.append(f"remove_alias {name}")
        if self.refusal is not None:
            return self.refusal
        for view in self.alias_list:
            if view.name == name:
                self.removed[name] = view
        self.alias_list = [a for a in self.alias_list if a.name != name]
        self.announce(AliasesChanged())
        return None

    def restore_alias(self, name: str) -> str | None:
        self.calls.append(f"restore_alias {name}")
        view = self.removed.pop(name, None)
        if not isinstance(view, AliasView):
            return f"There is no removed alias {name}."
        self.alias_list.append(view)
        self.announce(AliasesChanged())
        return None

    def dearer(self, alias: AliasView, *, replaces: str | None) -> tuple[DearerView, ...]:
        del replaces
        named = [
            (f"{each.provider} / {each.model}", self.prices.get(each.model)) for each in alias.candidates
        ]
        than, first = named[0] if named else ("", None)
        return tuple(
            DearerView(name, than, f"${price} a million tokens", f"${first} a million tokens")
            for name, price in named
            if price is not None and first is not None and price > first
        )

    def resolve(self, model: str) -> Resolution:
        for alias in self.alias_list:
            pattern = next((p for p in (alias.name, *alias.match) if fnmatchcase(model, p)), None)
            if pattern is not None:
                first: CandidateView = alias.candidates[0]
                text = (
                    f"{model} matches {pattern} of the alias {alias.name} → {first.provider} / {first.model}"
                )
                return Resolution(model, text, is_served=True)
        return Resolution(model, f"No alias has or matches {model}: 404 not_found_error.", is_served=False)

    def spending(self) -> SpendingView | None:
        return self.spending_now

    def tokens(self) -> tuple[TokenView, ...]:
        return tuple(self.token_list)

    def create_token(self, draft: TokenDraft) -> str | None:
        self.calls.append(f"create_token {draft.name}")
        if self.refusal is not None:
            return self.refusal
        value = SecretStr("sbx" + f"_{draft.name}-made-up")
        self.token_list.append(
            TokenView(
                draft.name,
                value.get_secret_value()[:8],
                "2026-11-22",
                draft.aliases,
                draft.day_usd,
                draft.month_usd,
                workspace=draft.workspace,
            )
        )
        self.announce(TokensChanged(), TokenCreated(draft.name, value))
        return None

    def revoke_token(self, name: str) -> str | None:
        self.calls.append(f"revoke_token {name}")
        self.token_list = [each for each in self.token_list if each.name != name]
        self.announce(TokensChanged())
        return self.refusal

    def read_exchange(self, request_id: str, n: int | None) -> None:
        self.exchanges_asked.append((request_id, n))
        found = self.exchanges.get(request_id)
        if found is None:
            self.announce(ExchangeRead(request_id, n or 0))
            return
        part, attempt = part_of(found, n)
        number = 0 if attempt is None else attempt.n
        self.announce(ExchangeRead(request_id, number, part, self.messages.get((request_id, number), "")))

    def bodies_kept(self) -> BodiesKept:
        return self.bodies_now

    def keep_bodies(self) -> str | None:
        self.calls.append("keep_bodies")
        if self.refusal is None:
            self.bodies_now = "all"
            self.announce(SettingsChanged())
        return self.refusal

    def read_earlier_requests(self, before_us: int | None) -> None:
        self.calls.append(f"read_earlier_requests {before_us}")
        found = [each for each in self.ledger if before_us is None or each.started_us < before_us]
        self.announce(EarlierRequestsRead(tuple(found[: self.page]), has_more=len(found) > self.page))

    def read_attempts(self, request_id: str) -> None:
        self.calls.append(f"read_attempts {request_id}")
        self.announce(AttemptsRead(request_id, self.attempts.get(request_id, ())))

    def log_tail(self) -> tuple[LogLine, ...]:
        return tuple(self.lines)

    def log_folder(self) -> str:
        return "/home/you/.local/state/signalbox/log"

    def theme(self) -> str:
        return self.theme_now

    def set_theme(self, theme: str) -> None:
        self.calls.append(f"set_theme {theme}")
        self.theme_now = theme
        self.announce(SettingsChanged())
