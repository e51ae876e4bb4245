"""The controller's part about aliases: what names clients may ask for, and who serves them."""

from __future__ import annotations

from collections.abc import Callable

from app.alias_desk import AliasDesk
from app.configuration import Configuration
from app.desk_changes import DeskChanges
from gui.desk import AliasesChanged, AliasView, DeskEvent, Resolution
from gui.spending import DearerView, PricesChanged
from proxy.service.prices import PriceOf


class AliasControls:
    """What the window may ask about aliases."""

    def __init__(
        self,
        configuration: Configuration,
        changes: DeskChanges,
        price_of: PriceOf,
        announce: Callable[[DeskEvent], None],
    ) -> None:
        self._alias_config = configuration
        self._alias_changes = changes
        self._aliases = AliasDesk(configuration, price_of)
        self._tell_prices = announce

    def aliases(self) -> tuple[AliasView, ...]:
        """Returns the aliases in file order."""
        return self._aliases.views()

    def save_alias(self, alias: AliasView, *, replaces: str | None) -> str | None:
        """Adds or changes an alias; returns why not, or None when it was taken."""
        return self._alias_changes.take(
            lambda: self._aliases.save_edits(alias, replaces), f"Alias {alias.name} saved", AliasesChanged()
        )

    def restore_alias(self, name: str) -> str | None:
        """Puts back the alias removed last under this name; returns why not, or None."""
        return self._alias_changes.take(
            lambda: self._aliases.restore_edits(name), f"Alias {name} is back", AliasesChanged()
        )

    def remove_alias(self, name: str) -> str | None:
        """Removes an alias; returns why not, or None."""
        return self._alias_changes.take(
            lambda: self._aliases.remove_edits(name), f"{name} removed", AliasesChanged()
        )

    def models_read(self) -> None:
        """Tells the window that a provider's list of models is known."""
        self._tell_prices(PricesChanged())

    def resolve(self, model: str) -> Resolution:
        """Says what a model name would resolve to."""
        return self._aliases.resolution(self._alias_config.proxy_config(), model)

    def dearer(self, alias: AliasView, *, replaces: str | None) -> tuple[DearerView, ...]:
        """Returns which of an alias's candidates cost more than its first choice, where prices are known."""
        return self._aliases.dearer(alias, replaces)
