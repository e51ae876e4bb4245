"""The providers' table: name, type, where the key comes from, and how it stands."""

from __future__ import annotations

from gui import wording
from gui.desk import ProviderTested, ProviderView
from gui.models.value_table import Cell, Column, ValueTable
from proxy.events import BreakerChanged


class ProvidersModel(ValueTable[ProviderView]):
    """Providers in the order of the settings file, each with its last test."""

    def __init__(self) -> None:
        self._tests: dict[str, ProviderTested] = {}
        self._resting: tuple[BreakerChanged, ...] = ()
        super().__init__(
            (
                Column("Name", lambda p: Cell(p.name)),
                Column("State", self._state_cell),
                Column("Type", lambda p: Cell(wording.dialect_name(p.dialect))),
                Column("Key", key_cell),
            ),
            key=lambda p: p.name,
        )

    def note_test(self, result: ProviderTested) -> None:
        """Keeps the answer of a test."""
        self._tests[result.provider] = result
        row = self.row_of(result.provider)
        if row is not None:
            self.refresh(row, row)

    def forget_test(self, provider: str) -> None:
        """Drops a result that no longer says anything: the key or the address changed."""
        if self._tests.pop(provider, None) is not None and (row := self.row_of(provider)) is not None:
            self.refresh(row, row)

    def note_resting(self, resting: tuple[BreakerChanged, ...]) -> None:
        """Keeps which models are left alone or being tried now; all others serve."""
        self._resting = resting
        if self.rowCount():
            self.refresh(0, self.rowCount() - 1)

    def resting(self, provider: str) -> tuple[BreakerChanged, ...]:
        """Returns the models of a provider that are left alone now, each with the reason."""
        return tuple(each for each in self._resting if each.provider == provider)

    def last_test(self, provider: str) -> ProviderTested | None:
        """Returns the answer of the last test, if there was one."""
        return self._tests.get(provider)

    def _state_cell(self, provider: ProviderView) -> Cell:
        """Says what rests; where all serve, what the last test found."""
        resting = len(self.resting(provider.name))
        if resting:
            words = f"{wording.count(resting, 'model')} {'rests' if resting == 1 else 'rest'}"
            full = f"{wording.count(resting, 'model')} left alone after failures"
            return Cell(words, tone="warn", icon="warn", full=full)
        result = self._tests.get(provider.name)
        if result is None:
            return Cell("not tested", tone="muted")
        return (
            Cell("works", tone="ok", icon="check")
            if result.is_ok
            else Cell("failed", tone="danger", icon="error")
        )


def key_cell(provider: ProviderView) -> Cell:
    """Returns where a provider's key comes from, in words, with the tone that fits."""
    if not provider.has_key and provider.key_source == "missing":
        return Cell("missing", tone="danger", icon="warn")
    if not provider.has_key and provider.key_source != "none needed":
        return Cell(provider.key_source, tone="muted", icon="state-busy")
    words = f"{provider.key_hint}  {provider.key_source}".strip()
    if provider.problem:
        return Cell(words, tone="warn", icon="warn")
    return Cell(words)
