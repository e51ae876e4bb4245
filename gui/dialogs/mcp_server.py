"""The editor of an MCP server: a form, or the same as YAML; the desk says what is wrong with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui.dialogs.editor import EditorDialog
from gui.mcp_desk import McpDesk, McpDraft
from gui.models.mcp_entry import (
    LOCAL,
    Entry,
    EntryProblem,
    command_parts,
    entry_text,
    read_entry,
    read_variables,
    split_arguments,
)
from gui.theme import Theme
from gui.widgets.buttons import button
from gui.widgets.cards import row
from gui.widgets.fields import ChoiceBox
from gui.widgets.path_field import PathField
from gui.widgets.text import label

_TYPES = (
    ("python", "Python package, started by uvx"),
    ("node", "Node package, started by npx"),
    ("stdio", "Program on this computer"),
    ("http", "Remote server, streamable HTTP"),
    ("sse", "Remote server, SSE (old)"),
)
_COMMANDS = {
    "python": ("mcp-server-time", "The package; write ==version to choose one, else the newest is pinned."),
    "node": (
        "@modelcontextprotocol/server-filesystem",
        "The package; write @version to choose one, else the newest is pinned.",
    ),
    "stdio": ("/usr/local/bin/my-server", "The program; its arguments go below."),
}
_SECRETS = (
    "One NAME=value a line. Write ${keyring:name} for a secret, $NAME or ${NAME:-default} for a variable."
)


class McpServerDialog(EditorDialog):
    """Adds a server, or changes the one it is given."""

    saved = Signal(str)
    """The name of the server that the desk took."""

    def __init__(self, theme: Theme, desk: McpDesk, parent: QWidget, name: str | None = None) -> None:
        super().__init__(theme, f"Edit {name}" if name else "Add an MCP server", parent)
        self._desk, self._replaces = desk, name
        self._rest = Entry().rest
        self.setMinimumWidth(660)
        self._make_fields()
        self.text = _area("Server as YAML", 14)
        self.text_hint = label(
            "The entry as it stands in the file: its name, and below it what it is.",
            kind="caption",
            wraps=True,
        )
        self.turn = button(theme, "Edit as text", icon="text", kind="link", on_click=self._on_turn)
        self.middle.addWidget(self.text, 1)
        self.middle.addWidget(self.text_hint)
        self.middle.addLayout(row(self.turn, None))
        self._is_text = False
        self._begin(name)

    def save(self) -> bool:
        """Hands the entry to the desk."""
        try:
            text = self.text.toPlainText() if self._is_text else entry_text(self._entry())
        except EntryProblem as problem:
            self.complain("This cannot be saved", str(problem))
            return False
        if not self._is_text and not self.name.text().strip():
            self.complain("A name is missing", "Give the server a short name.", self.name)
            return False
        refusal = self._desk.save_mcp(McpDraft(text), replaces=self._replaces)
        if refusal is not None:
            self.complain("Not saved", refusal)
            return False
        self.saved.emit(self._saved_name(text))
        return True

    def _saved_name(self, text: str) -> str:
        try:
            return read_entry(text, self._replaces or "").name
        except EntryProblem:
            return self._replaces or ""

    def _begin(self, name: str | None) -> None:
        self._show_mode(is_text=False)
        if name is None:
            self.name.setFocus()
            return
        text = self._desk.mcp_text(name)
        try:
            self._fill(read_entry(text, name))
        except EntryProblem:
            self.text.setPlainText(text)
            self._show_mode(is_text=True)

    def _make_fields(self) -> None:
        theme = self.theme
        self.name = self.line(
            "Name",
            placeholder="for example time",
            hint="Letters, digits, - and _; models see its tools as mcp__name__tool.",
        )
        self.type = ChoiceBox(theme, "Type")
        for value, words in _TYPES:
            self.type.addItem(words, value)
        self.add_row("Type", self.type)
        self.command = self.line("Package or program", hint=" ")
        self.args = _area("Arguments", 3)
        self.add_row("Arguments", self.args, "One a line, exactly as the program gets them.")
        self.url = self.line(
            "Address", placeholder="https://box.example/mcp", hint="Where the server listens."
        )
        self.variables = _area("Variables", 3)
        self.add_row("Variables", self.variables, _SECRETS)
        self.folder = PathField(theme, "Folder", "folder", placeholder="a private folder of its own")
        self.add_row("Folder", self.folder, "Where it runs.")
        self.type.currentIndexChanged.connect(self._show_type)
        self.command.editingFinished.connect(self._split_command)

    def _show_type(self) -> None:
        kind: str = self.type.currentData()
        is_local = kind in LOCAL and not self._is_text
        for field in (self.command, self.args, self.folder):
            self.show_row(field, is_shown=is_local)
        self.show_row(self.url, is_shown=not self._is_text and kind not in LOCAL)
        placeholder, hint = _COMMANDS.get(kind, ("", " "))
        self.command.setPlaceholderText(placeholder)
        self.set_hint(self.command, hint)
        self.set_hint(
            self.variables, _SECRETS if kind in LOCAL else _SECRETS.replace("One", "Headers, one", 1)
        )

    def _show_mode(self, *, is_text: bool) -> None:
        self._is_text = is_text
        for field in (self.name, self.type, self.variables):
            self.show_row(field, is_shown=not is_text)
        self.text.setVisible(is_text)
        self.text_hint.setVisible(is_text)
        self.turn.say("Back to the form" if is_text else "Edit as text")
        self._show_type()
        (self.text if is_text else self.name).setFocus()

    def _on_turn(self) -> None:
        try:
            if self._is_text:
                self._fill(read_entry(self.text.toPlainText(), self._replaces or ""))
            else:
                self.text.setPlainText(entry_text(self._entry()))
        except EntryProblem as problem:
            self.complain("The form cannot show this" if self._is_text else "Not yet", str(problem))
            return
        self.banner.hide()
        self._show_mode(is_text=not self._is_text)

    def _split_command(self) -> None:
        """Puts a whole command line, as pages tell people to paste it, into its two fields."""
        if self.type.currentData() != "stdio" or self.args.toPlainText().strip():
            return
        program, arguments = command_parts(self.command.text())
        if arguments:
            self.command.setText(program)
            self.args.setPlainText("\n".join(arguments))

    def _entry(self) -> Entry:
        self._split_command()
        return Entry(
            self.name.text().strip(),
            self.type.currentData(),
            self.command.text().strip(),
            split_arguments(self.args.toPlainText()),
            self.url.text().strip(),
            read_variables(self.variables.toPlainText()),
            self.folder.path,
            self._rest,
        )

    def _fill(self, entry: Entry) -> None:
        position = self.type.findData(entry.type)
        if position < 0:
            raise EntryProblem(f"There is no type {entry.type}; edit it as text.")
        if any("\n" in part or not part.strip() for part in (*entry.args, *entry.variables.values())):
            raise EntryProblem("A value has several lines or is empty; edit it as text.")
        self.name.setText(entry.name)
        self.type.setCurrentIndex(position)
        self.command.setText(entry.command)
        self.args.setPlainText("\n".join(entry.args))
        self.url.setText(entry.url)
        self.variables.setPlainText("\n".join(f"{name}={value}" for name, value in entry.variables.items()))
        self.folder.line.setText(entry.cwd)
        self._rest = entry.rest


def _area(name: str, lines: int) -> QPlainTextEdit:
    made = QPlainTextEdit()
    made.setProperty("kind", "input")
    made.setAccessibleName(name)
    made.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    made.setTabChangesFocus(True)
    made.setMinimumHeight(made.fontMetrics().lineSpacing() * lines + 18)
    if lines < 10:
        made.setFixedHeight(made.fontMetrics().lineSpacing() * lines + 18)
    return made
