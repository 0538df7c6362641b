"""The page about the architecture says what is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "plugin" / "gitlab_ci_provider"
PAGES = {
    name: (ROOT / name).read_text("utf-8")
    for name in ("docs/explanation/architecture.md", "CONTRIBUTING.md")
}
PLACE = re.compile(r"`([\w./-]+\.(?:py|txt|md|toml)|[\w.]+/[\w./-]*)(?:::(\w+))?`")
PLACES = {name: PLACE.findall(text) for name, text in PAGES.items()}


def test_drawing_and_table_are_those_of_the_import_contracts():
    """Packages and layers are drawn as pyproject.toml has them; `.ci/architecture` writes both."""
    command = [sys.executable, str(ROOT / ".ci" / "architecture"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str):
    """A reader finds the files and folders that the page names."""
    missing = [path for path, _ in PLACES[page] if not _found(path)]

    assert missing == []
    assert len(PLACES[page]) > 10


@pytest.mark.parametrize("page", PAGES)
def test_every_function_that_is_named_exists(page: str):
    """`file.py::name` is a function or class of that file."""
    named = [(_found(path), name) for path, name in PLACES[page] if name]

    assert [f"{path}::{name}" for path, name in named if path and name not in _names(path)] == []


def _found(path: str) -> Path | None:
    return next((base / path for base in (PLUGIN, ROOT) if (base / path).exists()), None)


def _names(path: Path) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {
        node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, kinds)
    }
