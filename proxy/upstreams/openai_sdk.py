"""The openai SDK without the types of all its answers, which nothing here reads.

Importing `openai` runs the `__init__` of `openai.types` and of the packages in it, and with them some 400
modules of models and parameters: 10 MB of the 16 that the SDK takes. Here each of these `__init__`s waits
until somebody asks for a name in it, which then works as it always does.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_TYPES = "openai.types"


class _OnDemand(Loader):
    """Runs a package's `__init__` when the first name is missed in it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leaves that to the package's own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Puts off the package's code."""

        def load(name: str) -> Any:
            module.__dict__.pop("__getattr__", None)
            self._loader.exec_module(module)
            return getattr(module, name)

        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        module.__dict__["__getattr__"] = load


class _TypesFinder(MetaPathFinder):
    """Finds the packages of types where they always are, and has them loaded on demand."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns None for all other modules: the next finder knows them."""
        if fullname != _TYPES and not fullname.startswith(_TYPES + "."):
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.submodule_search_locations is not None and spec.loader is not None:
                    spec.loader = _OnDemand(spec.loader)
                return spec
        return None


@contextmanager
def _types_on_demand() -> Generator[None]:
    finder = _TypesFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


with _types_on_demand():
    import openai

__all__ = ["openai"]
