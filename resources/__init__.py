"""Data that ships with the program, and the one accessor to it.

`model_profiles.yaml` holds what servers and model families can do; `icons/` holds the pictures of the
window and the tray. Anyone may read here; nothing here knows who reads.
"""

from __future__ import annotations

from importlib.resources import files


def read_bytes(name: str) -> bytes:
    """Returns the content of a shipped file.

    Args:
        name: Path under this folder with `/` between its parts, such as `icons/running.svg`.

    Raises:
        FileNotFoundError: There is no such file.
    """
    return files("resources").joinpath(*name.split("/")).read_bytes()


def read_text(name: str) -> str:
    """Returns the content of a shipped UTF-8 text file; see `read_bytes`."""
    return read_bytes(name).decode("utf-8")
