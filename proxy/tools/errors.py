"""What a tool raises when it cannot do what it was asked."""

from __future__ import annotations


class ToolError(Exception):
    """The tool could not do it; the text is for the model and goes back as an error result."""
