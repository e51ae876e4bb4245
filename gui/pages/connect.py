"""Connect: the lines for Claude Code, and a token for every other client."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget

from gui.desk import TokenCreated
from gui.dialogs.token_dialogs import NewTokenDialog, RevokeDialog, TokenDialog
from gui.models.client_tokens import TokensModel
from gui.models.value_table import ChosenKey
from gui.pages.connect_card import ConnectCard
from gui.pages.page import Page, Room
from gui.spending import TokenView
from gui.widgets.buttons import button
from gui.widgets.cards import Card, EmptyState
from gui.widgets.data_table import DataTable


class ConnectPage(Page):
    """The card of the two lines and the table of client tokens."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, "Connect", "How clients reach the proxy, and what each of them may spend.")
        theme = room.theme
        self.connect_card = ConnectCard(room)
        self.model = TokensModel()
        self.add = button(theme, "New token…", icon="add", on_click=self.open_add)
        self.revoke = button(theme, "Revoke…", icon="remove", kind="danger", on_click=self.open_revoke)
        self.table = DataTable(theme, "Client tokens", self.model)
        self.table.set_widths((92, 100, 92, 88, 88, 104, 88, 112, 92), flexible=2)
        self.empty_add = button(theme, "Make a token", icon="add", on_click=self.open_add)
        self.empty = EmptyState(
            theme,
            "key",
            "No further token",
            "Give each client a token of its own to limit what it spends and which models it may use.",
            self.empty_add,
        )
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Client tokens or a hint")
        self.stack.addWidget(self.table)
        self.stack.addWidget(self.empty)
        card = Card("Client tokens", self.revoke, self.add)
        card.body.addWidget(self.stack, 1)
        self.body.addWidget(self.connect_card)
        self.body.addWidget(card, 1)
        self._key = ChosenKey()
        room.bridge.tokens_changed.connect(self.refresh)
        room.bridge.state_changed.connect(self.refresh)
        room.bridge.token_created.connect(self._on_created)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self.open_revoke)
        self.table.remove_asked.connect(self.open_revoke)
        self.refresh()

    def remembered(self) -> tuple[DataTable, ...]:
        """Returns what keeps its sizes."""
        return (self.table,)

    def refresh(self) -> None:
        """Shows the tokens the desk has now."""
        tokens = self.room.desk.tokens()
        self.model.show(tokens)
        self.stack.setCurrentWidget(self.table if tokens else self.empty)
        for part in (self.add, self.revoke):
            part.setVisible(bool(tokens))
        if tokens:
            self.table.choose_row(self._key.row_in(self.model))
        self._show_chosen()

    def open_add(self) -> None:
        """Opens the dialog for a new token."""
        TokenDialog(self.room.theme, self.room.desk, self).open()

    def open_revoke(self) -> None:
        """Asks whether the chosen token is to be revoked."""
        token = self.chosen()
        if token is not None:
            RevokeDialog(self.room.theme, self.room.desk, self, token).open()

    def chosen(self) -> TokenView | None:
        """Returns the chosen token."""
        value = self.table.current_value()
        return value if isinstance(value, TokenView) else None

    def _on_created(self, created: TokenCreated) -> None:
        self._key.expected = created.name
        self.refresh()
        NewTokenDialog(self.room.theme, created, self).open()

    def _show_chosen(self) -> None:
        token = self.chosen()
        self.revoke.setEnabled(token is not None)
        if token is not None:
            self._key.shown = token.name
