"""The pages of the window: each is imported and built when it is first asked for, and only then."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget

from gui.models.requests import RequestsModel
from gui.pages.page import Page, Room

if TYPE_CHECKING:
    from gui.pages.approvals import ApprovalsPage
    from gui.pages.connect import ConnectPage
    from gui.pages.home import HomePage
    from gui.pages.logs import LogsPage
    from gui.pages.mcp.page import McpPage
    from gui.pages.models import ModelsPage
    from gui.pages.permissions.page import PermissionsPage
    from gui.pages.providers import ProvidersPage
    from gui.pages.requests import RequestsPage

PAGES = (
    ("home", "Home"),
    ("connect", "Connect"),
    ("providers", "Providers"),
    ("models", "Models"),
    ("tools", "Tools & permissions"),
    ("mcp", "MCP servers"),
    ("requests", "Requests"),
    ("approvals", "Approvals"),
    ("logs", "Logs"),
)
"""Id and title of each page, in the order of the sidebar."""
_ATTRIBUTES = {page: page for page, _title in PAGES} | {"connect": "connect_page", "tools": "permissions"}
_P = TypeVar("_P", bound=Page)


class Pages(QStackedWidget):
    """Holds the pages that were asked for; what goes on before that is kept here or asked of the desk."""

    built = Signal(Page)

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.setAccessibleName("Page")
        self._room = room
        self._built: dict[str, Page] = {}
        self._request_rows = RequestsModel()
        self._request_rows.follow(room.bridge)

    def all_built(self) -> tuple[Page, ...]:
        """Returns the pages that were asked for so far."""
        return tuple(self._built.values())

    @property
    def current_id(self) -> str:
        """The id of the page that is open; empty before the first."""
        return next((name for name, page in self._built.items() if page is self.currentWidget()), "")

    def page(self, page: str) -> Page:
        """Returns a page by its id; builds it if it is asked for the first time."""
        return cast("Page", getattr(self, _ATTRIBUTES[page]))

    @cached_property
    def home(self) -> HomePage:
        """Is it running, how does a client connect, who answers."""
        from gui.pages.home import HomePage  # noqa: PLC0415 - when it is first looked at

        return self._take("home", HomePage(self._room))

    @cached_property
    def connect_page(self) -> ConnectPage:
        """The lines for Claude Code and the tokens."""
        from gui.pages.connect import ConnectPage  # noqa: PLC0415 - when it is first looked at

        return self._take("connect", ConnectPage(self._room))

    @cached_property
    def providers(self) -> ProvidersPage:
        """Who answers, and whose key."""
        from gui.pages.providers import ProvidersPage  # noqa: PLC0415 - when it is first looked at

        return self._take("providers", ProvidersPage(self._room))

    @cached_property
    def models(self) -> ModelsPage:
        """Which names clients may ask for."""
        from gui.pages.models import ModelsPage  # noqa: PLC0415 - when it is first looked at

        return self._take("models", ModelsPage(self._room))

    @cached_property
    def permissions(self) -> PermissionsPage:
        """What tools may do."""
        from gui.pages.permissions.page import PermissionsPage  # noqa: PLC0415 - when it is first looked at

        return self._take("tools", PermissionsPage(self._room))

    @cached_property
    def mcp(self) -> McpPage:
        """The MCP servers."""
        from gui.pages.mcp.page import McpPage  # noqa: PLC0415 - when it is first looked at

        return self._take("mcp", McpPage(self._room))

    @cached_property
    def requests(self) -> RequestsPage:
        """Every call as it happens."""
        from gui.pages.requests import RequestsPage  # noqa: PLC0415 - when it is first looked at

        return self._take("requests", RequestsPage(self._room, self._request_rows))

    @cached_property
    def approvals(self) -> ApprovalsPage:
        """The calls that wait for the user's word."""
        from gui.pages.approvals import ApprovalsPage  # noqa: PLC0415 - when it is first looked at

        return self._take("approvals", ApprovalsPage(self._room))

    @cached_property
    def logs(self) -> LogsPage:
        """What the program says of itself."""
        from gui.pages.logs import LogsPage  # noqa: PLC0415 - when it is first looked at

        return self._take("logs", LogsPage(self._room))

    def _take(self, name: str, page: _P) -> _P:
        self._built[name] = page
        self.addWidget(page)
        self.built.emit(page)
        return page
