"""What waits for the user, as the window and the command line show it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from app.call_text import call_text, fits_notification, repeat_text
from gui.permission_desk import ApprovalView
from proxy.config import WorkspaceConfig
from proxy.permissions.accesses import NoAccess, accesses_of
from proxy.permissions.approval import ApprovalRequest
from proxy.permissions.values import CommandAccess, PathAccess, ToolCall, UrlAccess

_NETWORK = re.compile(
    "curl|wget|ssh|scp|sftp|rsync|ftp|nc|ncat|netcat|socat|telnet|dig|nslookup|host|ping|gh|aws|gcloud|az|"
    "npm|npx|pnpm|yarn|pip3?|uvx?|cargo|go|docker|kubectl|apt|apt-get|brew|https?"
)
_NETWORK_GIT = frozenset({"push", "pull", "fetch", "clone", "remote", "submodule", "ls-remote"})
_DELETING = re.compile("rm|rmdir|unlink|shred|truncate|dd|wipefs|mkfs.*")
_CODE = re.compile(
    r"(ba|z|da|fi)?sh|python[0-9.]*|node|deno|bun|ruby|perl|php|lua|osascript|pwsh|eval|exec|source|\."
)
_RIGHTS = re.compile("sudo|doas|su|pkexec")


def approval_view(
    request: ApprovalRequest, workspace: WorkspaceConfig | None, redact: Callable[[str], str]
) -> ApprovalView:
    """Returns a call that waits as it is shown.

    Args:
        request: The call.
        workspace: Where it would run.
        redact: Hides the values of secrets, and nothing else.
    """
    call, root = request.call, workspace.root if workspace is not None else None
    text = call_text(call, root) if isinstance(call, ToolCall) else repeat_text(call)
    shown = redact(text)
    return ApprovalView(
        approval_id=request.approval_id,
        digest=request.digest,
        tool=request.what,
        shown=shown,
        fits_notification=fits_notification(shown if isinstance(call, ToolCall) else _in_one_line(shown)),
        reason=redact(request.verdict.reason),
        hints=tuple(hints(call, workspace, shown)) if isinstance(call, ToolCall) else (),
        suggestion=request.suggestion,
        client=request.client,
        conversation_id=request.conversation_id,
        workspace=request.workspace,
        request_id=request.request_id,
        asked_at=request.asked_at,
        expires_at=request.expires_at,
        is_request=not isinstance(call, ToolCall),
    )


def _in_one_line(text: str) -> str:
    """The lines are ours, and a notification shows them as well as a window does."""
    return text.replace("\n", " ")


def hints(call: ToolCall, workspace: WorkspaceConfig | None, shown: str) -> Iterator[str]:
    """Yields what is risky about a call, in a few words each; what it does not name may still be risky."""
    if "\\u{" in shown:
        yield "holds characters that cannot be seen"
    try:
        accesses = accesses_of(call)
    except NoAccess:
        return
    for access in accesses:
        if isinstance(access, UrlAccess):
            yield "uses the network"
        elif isinstance(access, CommandAccess):
            yield from _command_hints(access.command)
        elif isinstance(access, PathAccess) and _is_outside(access.path, workspace):
            yield f"{'writes' if access.operation == 'write' else 'reads'} outside the workspace"
    if call.input.get("run_in_background") is True:
        yield "goes on in the background"


def _is_outside(path: str, workspace: WorkspaceConfig | None) -> bool:
    if workspace is None or not posixpath.isabs(path):
        return path.startswith("..")
    clean = posixpath.normpath(path)
    return not (clean == workspace.root or clean.startswith(workspace.root.rstrip("/") + "/"))


def _command_hints(command: str) -> Iterator[str]:
    from proxy.permissions.shell import parse_line  # noqa: PLC0415 - loads the shell parser

    programs = [
        ((each.name or "").rpartition("/")[2], each.words[1:]) for each in parse_line(command).commands
    ]
    names = [name for name, _words in programs]
    uses_git = any(name == "git" and _NETWORK_GIT & {word.text for word in words} for name, words in programs)
    if uses_git or any(map(_NETWORK.fullmatch, names)):
        yield "uses the network"
    if any(map(_DELETING.fullmatch, names)):
        yield "deletes or overwrites files"
    if any(map(_CODE.fullmatch, names)):
        yield "runs code that is not looked into"
    if any(map(_RIGHTS.fullmatch, names)):
        yield "asks for more rights"
