"""Finds, without running anything, which test names which behaviours of the manifest."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent


def named_ids(folder: Path = TESTS) -> Mapping[str, list[str]]:
    """Returns the ids that tests name, each with the tests that name it.

    A test is a function or method `test_*` of a module `test_*.py`; only its decorators count, so an id that
    is named where pytest collects nothing proves nothing.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                for each in _marked(node):
                    found[each].append(f"{path.relative_to(folder).as_posix()}::{node.name}")
    return found


def _marked(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in test.decorator_list:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.conformance":
                for argument in node.args:
                    if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                        raise TypeError(f"{test.name}: ids of the manifest are written out as strings")
                    yield argument.value
