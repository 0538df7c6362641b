"""Files and functions stay small enough to be read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path for folder in ("plugin", "tests", "dags") for path in (ROOT / folder).rglob("*.py")
)


def test_no_file_has_more_than_400_lines():
    """A module that needs a table of contents is two modules."""
    lines = {_name(path): len(_read(path).splitlines()) for path in SOURCES}

    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_no_function_has_more_than_40_lines():
    """A function fits on a screen, docstring included."""
    found = [
        f"{_name(path)}:{node.lineno} {node.name}: {lines} lines"
        for path in SOURCES
        for node, lines in _functions(_read(path))
        if lines > 40
    ]

    assert found == []


def test_every_test_says_which_rule_it_proves():
    """A test's docstring is its rule."""
    found = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in SOURCES
        if path.name.startswith("test_")
        for node, _ in _functions(_read(path))
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert found == []


def _functions(text: str) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
