"""The current settings, keys and token, and the proxy's config made of them.

Its methods read files and ask the keyring: call them in a thread where a loop is running.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import cast

from pydantic import SecretStr

from app.environment import Environment
from app.local_token import LocalToken, find_token, require_strong
from app.own_files import own_paths
from app.paths import Folders
from app.proxy_config import dangling_names, refusing_config, to_proxy_config
from app.redaction import Redactor
from app.secrets import FoundKey, SecretStore, known_values
from app.settings import Settings, is_loopback
from app.settings_document import SettingsDocument, read_settings
from app.settings_edit import Edit, edited
from app.settings_store import (
    LoadedSettings,
    Overrides,
    SettingsStore,
    in_force,
    load_settings,
    shipped_settings,
)
from app.tool_config import may_run_programs
from app.workspace_files import folder_problems, project_rules
from app.yaml_document import SettingsError, is_blank
from gui.desk import Problem
from proxy.config import ProxyConfig, RuleSource
from proxy.tools.elevated import WAY_OUT

_ELEVATED = "Signalbox runs as root or administrator"
_REPAIR = "Correct it and start again; until then every request is refused."


class Configuration:
    """What the program works with now; a change makes new values, never alters old ones."""

    def __init__(
        self,
        folders: Folders,
        store: SettingsStore,
        secret_store: SecretStore,
        environment: Environment,
        *,
        overrides: Overrides | None = None,
        redactor: Redactor | None = None,
        has_window: bool = True,
        is_elevated: bool = False,
    ) -> None:
        """Reads the settings; keys and token are found by `unlock`.

        Args:
            folders: Where everything is.
            store: The settings file.
            secret_store: Where keys come from.
            environment: The environment's values.
            overrides: What the command line says instead.
            redactor: Learns each secret that is found.
            has_window: Somebody looks, and can be asked what tools may do.
            is_elevated: Signalbox runs as root or administrator.
        """
        self.folders = folders
        self.secrets = secret_store
        self.redactor = redactor or Redactor()
        self._store = store
        self.environment = environment
        self._overrides = overrides or Overrides()
        self.loaded = self._load()
        self.took_hand_edit = False
        """The last change took along what somebody had changed in the file by hand; nobody was told."""
        self.keys: Mapping[str, FoundKey] = MappingProxyType({})
        self.search_key = FoundKey(None, "none needed")
        """The search engine's."""
        self.workspace_problems: Mapping[str, str] = MappingProxyType({})
        """Why workspaces cannot be used, by name."""
        self._project_rules: tuple[RuleSource, ...] = ()
        self.mcp_rules: tuple[RuleSource, ...] = ()
        """What the file of the MCP servers says of single tools, as rules."""
        self._own_paths: tuple[str, ...] = ()
        self._token_file: Path | None = None
        self.has_window = has_window
        self._is_elevated = is_elevated
        self.objection: Callable[[Settings], str | None] = lambda _: None
        """Says why settings that could be used cannot come into force now; None: they can."""
        self.token: LocalToken | None = None

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    @property
    def may_run_programs(self) -> bool:
        """Commands run, and programs as MCP servers."""
        return may_run_programs(self.settings, is_elevated=self._is_elevated)

    @property
    def settings_path(self) -> Path:
        """The settings file, whether or not it is there."""
        return self._store.path

    def set_broken_aside(self, now: datetime) -> None:
        """Moves a settings file that cannot be used out of the way, untouched, and remembers where it is."""
        error = self.loaded.error
        if error is not None and not error.is_newer and self.loaded.set_aside is None:
            self.loaded = replace(self.loaded, set_aside=self._store.set_aside(now))

    def unlock(self, token_file: Path | None = None) -> LocalToken:
        """Finds the token and the keys.

        Raises:
            TokenProblem: There is no usable token.
        """
        token = find_token(self.environment, self.secrets, self.folders.token_file, given=token_file)
        self.redactor.know([token.value.get_secret_value()])
        require_strong(token, self.settings.server.host)
        self.token, self._token_file = token, token_file
        self._look_around()
        return token

    def find_keys(self) -> None:
        """Looks for every provider's key anew."""
        found = {name: self.secrets.find_key(each) for name, each in self.settings.providers.items()}
        self.search_key = self.secrets.find_named(self.settings.web_search.key)
        self.redactor.know(known_values({**found, "web search": self.search_key}))
        self.keys = MappingProxyType(found)

    def proxy_config(self) -> ProxyConfig:
        """Returns what the proxy is given now."""
        token = self.token.value if self.token else SecretStr("")
        if self.loaded.error is not None:
            return refusing_config(self.settings, token, self.broken_text())
        return to_proxy_config(
            self.settings,
            self.keys,
            token,
            has_window=self.has_window,
            search_key=self.search_key.key,
            project_rules=(*self.mcp_rules, *self._project_rules),
            is_elevated=self._is_elevated,
            own_paths=self._own_paths,
        )

    def check(self, edits: Sequence[Edit]) -> Settings:
        """Returns the settings the edits would make of the last known file, without touching the disk.

        Raises:
            SettingsError: They would be unusable, or the file is never written.
        """
        self._require_older()
        self._store.require_ours()
        _content, after = edited(self._document().content, edits, read_settings)
        if self.loaded.error is not None and not after.settings.providers:
            # Saved, it would take the place of the file that cannot be used, and the demo would answer.
            raise SettingsError("correct the settings file that cannot be used, or add a provider, first")
        self._require_possible(after.settings)
        return after.settings

    def apply(self, edits: Sequence[Edit]) -> None:
        """Changes the settings file, and takes over what it says then.

        Raises:
            SettingsError: The file or the change cannot be used.
            OSError: The file cannot be written.
        """
        if self.loaded.error is not None:
            self.check(edits)  # they may not take the place of a file that cannot be used
        self._store.is_in_force = self.is_file_in_force
        before = self.content()
        document = self._store.apply(edits, self._require_possible)
        self.took_hand_edit = self._store.found != before
        settings, notices = in_force(
            document,
            self.environment,
            self._overrides,
            has_openrouter_key=self.secrets.has_openrouter_variable,
        )
        self.loaded = LoadedSettings(settings, document, str(self._store.path), notices)
        self._look_around()

    def content(self) -> bytes | None:
        """Returns the settings file as it is in force; None: there was none."""
        document = self.loaded.document
        return None if document is shipped_settings() else document.content

    @property
    def is_file_in_force(self) -> bool:
        """What a settings file says is in force, not only what the program is shipped with."""
        return not is_blank(self.content())

    def reload(self) -> None:
        """Reads the settings file again, which another program has changed.

        Raises:
            SettingsError: It cannot be used, is empty or gone; the settings in force stay.
        """
        self._store.is_in_force = self.is_file_in_force
        self._store.require_kept()
        loaded = self._load()
        if loaded.error is not None:
            raise loaded.error
        self._require_possible(loaded.settings)
        self.loaded = loaded
        self._look_around()

    def _look_around(self) -> None:
        """Finds what the settings only name: keys, files, folders, the rules that projects bring along."""
        self.find_keys()
        further = [self.settings_path, *(() if self._token_file is None else (self._token_file.absolute(),))]
        self._own_paths = own_paths(self.folders, self.settings, self.environment, further)
        workspaces = self.settings.workspaces
        folders = {name: (each.root, *each.read_only) for name, each in workspaces.items()}
        self.workspace_problems = MappingProxyType(folder_problems(folders))
        if not self.settings.permissions.project_files:
            self._project_rules = ()
            return
        roots = {name: Path(each.root).expanduser() for name, each in workspaces.items()}
        self._project_rules = tuple(
            source for name, root in roots.items() for source in project_rules(name, root, Path.home())
        )

    def _require_possible(self, settings: Settings) -> None:
        objection = self.objection(settings)
        if objection is not None:
            raise SettingsError(objection)

    def _require_older(self) -> None:
        if self.loaded.error is not None and self.loaded.error.is_newer:
            raise SettingsError("a newer Signalbox wrote the settings; this one does not change them")

    def has_in_file(self, *path: str) -> bool:
        """Says whether the settings file (without one, the shipped settings) holds something there."""
        here: object = self._document().raw
        for step in path:
            if not isinstance(here, Mapping) or step not in here:
                return False
            here = cast("Mapping[str, object]", here)[step]
        return True

    def problems(self) -> tuple[Problem, ...]:
        """Returns what the user should know and can mend."""
        return tuple(self._problems())

    def broken_text(self) -> str:
        """Returns what is wrong with the settings file and what to do."""
        error = self.loaded.error
        where = self.loaded.set_aside or self._store.path
        if error is not None and self.loaded.set_aside is not None:
            return (
                f"The settings cannot be used: {error}. The file was set aside untouched as {where}. "
                f"Correct it, rename it back to {self._store.path.name} and start again, or save new "
                "settings in the window; until then every request is refused."
            )
        return f"The settings in {where} cannot be used: {error}. {_REPAIR}"

    def _load(self) -> LoadedSettings:
        return load_settings(
            self._store,
            self.environment,
            self._overrides,
            has_openrouter_key=self.secrets.has_openrouter_variable,
        )

    def _document(self) -> SettingsDocument:
        return shipped_settings() if self.loaded.error is not None else self.loaded.document

    def _problems(self) -> list[Problem]:
        if self.loaded.error is not None:
            return [Problem("The settings cannot be used", self.broken_text())]
        found = [
            Problem(
                f"{name}: no key", _sentence(f"Requests to {name} are refused: {each.problem}"), "providers"
            )
            for name, each in self.keys.items()
            if each.key is None and each.source == "missing"
        ]
        found += [
            Problem("Some names in the settings lead nowhere", _sentence(each), "models")
            for each in dangling_names(self.settings)
        ]
        found += [
            Problem(f"The workspace {name} cannot be used", f"{text}.", "tools")
            for name, text in self.workspace_problems.items()
        ]
        if self._is_elevated:
            found.append(self._elevated())
        if not is_loopback(self.settings.server.host):
            found.append(
                Problem(
                    "Other machines can reach Signalbox",
                    f"It listens on {self.settings.server.host}. "
                    "Whoever has the token can use your providers' keys.",
                )
            )
        return found

    def _elevated(self) -> Problem:
        if self.may_run_programs:
            return Problem(
                _ELEVATED,
                "Whatever a command or an MCP server does wrong, it may do to the whole machine. "
                "Start Signalbox as another user.",
            )
        return Problem(
            "Commands and MCP servers are off",
            f"{_ELEVATED}, and so would they: {WAY_OUT}.",
        )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(("?", ".")) else ".")
