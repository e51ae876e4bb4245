"""The builder of a rule: effect, tool, what it is about, and the rule's text with its meaning as it grows."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from gui import permission_words as words
from gui.dialogs.editor import EditorDialog
from gui.dialogs.rule_field import RuleField
from gui.permission_desk import Effect, PermissionDesk, RuleView
from gui.theme import Theme
from gui.widgets.buttons import Button, button
from gui.widgets.cards import row
from gui.widgets.fields import ChoiceBox

_ABOUT = {
    "Bash": ("Command", "git push *", "* stands for anything: git push * is every push."),
    "WebFetch": ("Domain", "domain:docs.python.org", "domain:NAME is a site; *.NAME its sub-domains."),
    "Read": ("Path", "src/**", "** is any depth; //PATH is absolute, ~/PATH in your home folder."),
    "Task": ("Agent", "reviewer", "The name of the agent."),
}
_NOTHING = ("Only when", "", "Empty: every call of this tool.")


class RuleDialog(EditorDialog):
    """Adds a rule, or changes the one it is given."""

    saved = Signal(object, str)
    """The effect and the text that the desk took."""

    def __init__(
        self,
        theme: Theme,
        desk: PermissionDesk,
        parent: QWidget,
        *,
        effect: Effect = "allow",
        text: str = "",
        replaces: RuleView | None = None,
    ) -> None:
        super().__init__(theme, "Change the rule" if replaces else "Add a rule", parent)
        self.setMinimumWidth(600)
        self._desk = desk
        self._replaces = replaces
        self.effects: dict[Effect, Button] = {}
        group = QButtonGroup(self)
        holder = QWidget()
        holder.setAccessibleName("Effect")
        for each in reversed(words.EFFECTS):
            made = button(theme, words.effect_phrase(each).text, kind="toggle")
            made.setCheckable(True)
            made.setChecked(each == effect)
            made.toggled.connect(self._on_effect)
            group.addButton(made)
            self.effects[each] = made
        holder.setLayout(row(*self.effects.values(), None))
        self.tool = ChoiceBox(theme, "Tool")
        self.tool.addItems([tool.name for tool in desk.tools()])
        self.rule = RuleField(theme, desk)
        self.add_row("Effect", holder)
        self.add_row("Tool", self.tool)
        self.about = self.line("Only when", hint=" ")
        self.add_row("Rule", self.rule)
        self.tool.currentIndexChanged.connect(self._on_tool)
        self.about.textEdited.connect(self._compose)
        self.rule.line.textEdited.connect(self._take_apart)
        self.rule.set_rule(effect, text)
        if text:
            self._take_apart()
        else:
            self._on_tool()
        self.middle.addStretch(1)
        self.about.setFocus()

    @property
    def effect(self) -> Effect:
        """The effect that is chosen."""
        return next(effect for effect, each in self.effects.items() if each.isChecked())

    def save(self) -> bool:
        """Hands the rule to the desk."""
        text = self.rule.text
        if not text:
            self.complain("The rule is empty", "Choose a tool or type a rule such as Bash(npm test).")
            self.rule.line.setFocus()
            return False
        refusal = self._desk.save_rule(self.effect, text, replaces=self._replaces)
        if refusal is not None:
            self.complain("Not saved", refusal)
            return False
        self.saved.emit(self.effect, text)
        return True

    def _on_effect(self) -> None:
        if any(each.isChecked() for each in self.effects.values()):
            self.rule.set_rule(self.effect, self.rule.line.text())

    def _on_tool(self) -> None:
        self._show_about()
        self._compose()

    def _show_about(self) -> None:
        name = self.tool.currentText()
        _title, example, hint = _ABOUT.get("Read" if name in words.PATH_TOOLS else name, _NOTHING)
        self.about.setPlaceholderText(f"{example}   (empty: every call)" if example else "")
        self.set_hint(self.about, hint)

    def _compose(self) -> None:
        about = self.about.text().strip()
        name = self.tool.currentText()
        self.rule.set_rule(self.effect, f"{name}({about})" if about else name)

    def _take_apart(self) -> None:
        """Follows a rule that is typed as a whole, as far as its tool is in the list."""
        name, _, rest = self.rule.text.partition("(")
        position = self.tool.findText(name)
        self.tool.blockSignals(True)
        self.tool.setCurrentIndex(position)
        self.tool.blockSignals(False)
        self.about.setText(rest.removesuffix(")"))
        self._show_about()
