"""Answers the verb `reload`: the running program takes over what a command wrote into the settings."""

from __future__ import annotations

from app.controller import Controller
from app.instance import Reply


async def reload_reply(controller: Controller) -> Reply:
    """Reloads the settings and says how that went."""
    problem = await controller.reload_settings()
    return Reply(is_ok=problem is None, text=problem or "reloaded")
