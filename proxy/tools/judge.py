"""Has calls judged under the rules in force, off the loop where the disk must be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING

from proxy.config import PermissionConfig
from proxy.permissions.rules import RuleProblem
from proxy.permissions.tool_names import COMMAND_TOOLS, FILE_TOOLS, canonical
from proxy.permissions.values import Mode, Place, Policy, ToolCall, Verdict
from proxy.tools.policy_of import policy_of

if TYPE_CHECKING:
    from proxy.permissions.urls import NetworkFacts

_LOOKS = FILE_TOOLS | COMMAND_TOOLS
"""Tools whose judgement looks at the disk, or parses a command."""


class Judge:
    """The engine with the policy in force; the engine is loaded when it is first asked."""

    def __init__(
        self, config: PermissionConfig, network: Callable[[], NetworkFacts | None] = lambda: None
    ) -> None:
        """Reads the rules; judges nothing yet.

        Args:
            config: The rules.
            network: What must be known at this moment to judge an address.
        """
        self._read = policy_of(config)
        self._network = network
        self._engine: ModuleType | None = None

    @property
    def policy(self) -> Policy:
        """The rules in force."""
        return self._read.policy

    @property
    def problems(self) -> tuple[RuleProblem, ...]:
        """What of the rules could not be taken."""
        return self._read.problems

    def forbids_bypass(self, workspace: str | None) -> bool:
        """Tells whether the mode bypassPermissions must not be used in a workspace."""
        return not self._read.no_bypass_in.isdisjoint((None, workspace))

    def policy_in(self, workspace: str | None, mode: Mode | None = None) -> Policy:
        """Returns the rules in force in a workspace under a mode.

        Args:
            workspace: Its name.
            mode: None: the one that is set, or `default` where that is bypassPermissions and forbidden here.
        """
        if mode is None and self.policy.mode == "bypassPermissions" and self.forbids_bypass(workspace):
            mode = "default"
        policy = self.policy if mode is None else replace(self.policy, mode=mode)
        if all(rule.workspace in {None, workspace} for rule in policy.rules):
            return policy
        return replace(
            policy, rules=tuple(each for each in policy.rules if each.workspace in {None, workspace})
        )

    def apply(self, config: PermissionConfig) -> None:
        """Judges under other rules from the next call on."""
        self._read = policy_of(config)

    async def judge(
        self, call: ToolCall, place: Place, workspace: str | None = None, mode: Mode | None = None
    ) -> Verdict:
        """Returns what may happen with a call.

        Args:
            call: The call.
            place: Where it is made.
            workspace: Whose rules count too; also of calls that touch no file, and where it cannot be opened.
            mode: Instead of the mode that is set.
        """
        policy = self.policy_in(workspace, mode)
        if self._engine is None or canonical(call.tool) in _LOOKS:
            return await asyncio.to_thread(self._judge, call, policy, place)
        return self._judge(call, policy, place)

    async def suggestion(self, call: ToolCall, place: Place, workspace: str | None = None) -> str | None:
        """Returns the narrowest rule that would allow a call from now on; None: no safe one."""
        return await asyncio.to_thread(self._suggest, call, place, self.policy_in(workspace))

    async def denied_by_name(self, names: Iterable[str], workspace: str | None = None) -> tuple[str, ...]:
        """Returns those tools that no call of can be allowed: models need not see them."""
        if not any(rule.effect == "deny" for rule in self.policy.rules):
            return ()
        if self._engine is None:
            await asyncio.to_thread(self._loaded)
        return self._loaded().tools_denied_by_name(self.policy_in(workspace), names)

    def _judge(self, call: ToolCall, policy: Policy, place: Place) -> Verdict:
        return self._loaded().judge(call, policy, place, self._network())

    def _suggest(self, call: ToolCall, place: Place, policy: Policy) -> str | None:
        return self._loaded().narrowest_rule(call, policy, place)

    def _loaded(self) -> ModuleType:
        if self._engine is None:
            from proxy.permissions import engine  # noqa: PLC0415 - loads the shell parser, which few need

            self._engine = engine
        return self._engine
