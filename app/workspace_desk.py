"""The desk's part about workspaces: views from memory, changes as edits of the settings."""

from __future__ import annotations

from app.configuration import Configuration
from app.provider_desk import DeskRefusal
from app.settings import name_problem
from app.settings_edit import Edit, Put, Remove, Rename
from app.tool_config import default_workspace
from gui.permission_desk import WorkspaceView


class WorkspaceDesk:
    """Answers about workspaces from memory, and turns changes into edits."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def views(self) -> tuple[WorkspaceView, ...]:
        """Returns the workspaces in file order."""
        settings = self._configuration.settings
        default = default_workspace(settings)
        problems = self._configuration.workspace_problems
        return tuple(
            WorkspaceView(name, each.root, each.read_only, name == default, problems.get(name))
            for name, each in settings.workspaces.items()
        )

    def save_edits(self, workspace: WorkspaceView, replaces: str | None) -> list[Edit]:
        """Returns the edits that add or change a workspace.

        Raises:
            DeskRefusal: It cannot be used.
        """
        settings = self._configuration.settings
        name = workspace.name
        problem = name_problem(name)
        if problem is not None:
            raise DeskRefusal(problem)
        if replaces is not None and replaces not in settings.workspaces:
            raise DeskRefusal(f"there is no workspace '{replaces}' any more")
        if name in settings.workspaces and name != replaces:
            raise DeskRefusal(f"there is a workspace '{name}' already; choose another name")
        edits: list[Edit] = []
        if replaces is not None and replaces != name:
            edits += self._renamed(replaces, name)
        edits.append(Put(("workspaces", name, "root"), workspace.root))
        before = settings.workspaces[replaces].read_only if replaces is not None else ()
        if workspace.read_only != before:
            edits.append(Put(("workspaces", name, "read_only"), list(workspace.read_only)))
        if workspace.is_default:
            edits.append(Put(("default_workspace",), name))
        elif settings.default_workspace in {name, replaces} and settings.default_workspace is not None:
            edits.append(Remove(("default_workspace",)))
        return edits

    def remove_edits(self, name: str) -> list[Edit]:
        """Returns the edits that take a workspace out of the settings; its folder is not touched.

        Raises:
            DeskRefusal: There is none of that name, or a token is bound to it.
        """
        settings = self._configuration.settings
        if name not in settings.workspaces:
            raise DeskRefusal(f"there is no workspace '{name}'")
        bound = next((token for token, each in settings.tokens.items() if each.workspace == name), None)
        if bound is not None:
            raise DeskRefusal(f"the token '{bound}' works in it; revoke that token first")
        edits: list[Edit] = [Remove(("workspaces", name))]
        if settings.default_workspace == name:
            edits.append(Remove(("default_workspace",)))
        return edits

    def _renamed(self, old: str, new: str) -> list[Edit]:
        settings = self._configuration.settings
        edits: list[Edit] = [Rename(("workspaces", old), new)]
        edits += [
            Put(("tokens", token, "workspace"), new)
            for token, each in settings.tokens.items()
            if each.workspace == old
        ]
        if settings.default_workspace == old:
            edits.append(Put(("default_workspace",), new))
        return edits
