"""The controller's part about what clients connect with and what they spend: tokens, money and budgets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timezone

from pydantic import SecretStr

from app.configuration import Configuration
from app.connect_lines import connect_lines
from app.desk_changes import DeskChanges
from app.provider_desk import DeskRefusal
from app.proxy_runner import ProxyRunner
from app.token_desk import TokenDesk, budget_problems, spending_view
from gui.desk import ConnectLines, Problem, TokenCreated, TokensChanged
from gui.spending import SpendingView, TokenDraft, TokenView


class TokenControls:
    """What the window may ask about tokens and money."""

    def __init__(
        self,
        configuration: Configuration,
        runner: ProxyRunner,
        changes: DeskChanges,
        clock: Callable[[], float],
    ) -> None:
        """Makes the controls.

        Args:
            configuration: Settings and their files.
            runner: The proxy, which may not run.
            changes: Carries out edits.
            clock: Seconds since the epoch.
        """
        self._token_config = configuration
        self._spender = runner
        self._token_changes = changes
        self._token_clock = clock
        self._tokens = TokenDesk(configuration)
        self._day = self._today()

    def connect_lines(self) -> ConnectLines:
        """Returns the lines that point Claude Code at the proxy."""
        server, token = self._token_config.settings.server, self._token_config.token
        return connect_lines(
            self._spender.url or f"http://{server.host}:{server.port}",
            token.value if token else SecretStr(""),
        )

    def spending(self) -> SpendingView | None:
        """Returns what was spent; None while the proxy does not run."""
        return spending_view(self._spender.spending())

    def budget_problems(self) -> tuple[Problem, ...]:
        """Returns what the user should know of budgets that come to their end."""
        return budget_problems(self._spender.spending())

    def has_new_day(self) -> bool:
        """Says once that a day began since it was last asked: today's figures and its budgets begin anew."""
        before, self._day = self._day, self._today()
        return self._day != before

    def tokens(self) -> tuple[TokenView, ...]:
        """Returns the tokens of clients, without the first one."""
        return self._tokens.views(self._spender.spending())

    def create_token(self, draft: TokenDraft) -> str | None:
        """Makes a token; returns why not, or None: TokenCreated or ActionFailed follows."""
        try:
            token, edits = self._tokens.create_edits(draft, self._today())
        except DeskRefusal as exc:
            return str(exc)
        return self._token_changes.submit(edits, None, TokensChanged(), TokenCreated(draft.name, token))

    def revoke_token(self, name: str) -> str | None:
        """Makes a token worthless for ever; returns why not, or None when it was taken."""
        return self._token_changes.take(
            lambda: self._tokens.revoke_edits(name), f"Token {name} revoked", TokensChanged()
        )

    def _today(self) -> date:
        return datetime.fromtimestamp(self._token_clock(), timezone.utc).astimezone().date()
