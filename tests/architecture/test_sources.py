"""What no file of the repository may contain."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Spelled so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?:^|[\s\"'`=(,:])/(?:work|farm|root|home/[a-z]+)/\w", re.MULTILINE)
REGISTRY_HOST = re.compile(r"\b(?:py[p]i|python[h]osted|np[m]js|deb[.]debian)\.(?:org|com)\b")


def test_plugin_has_no_assert():
    """`python -O` removes assert statements: the package states its checks as errors."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "plugin").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]

    assert found == []


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY_HOST], ids=["path", "host"])
def test_no_file_names_one_machine(pattern: re.Pattern[str]):
    """A checkout works anywhere: no home folder and no package registry is written into it."""
    found = [
        f"{path.relative_to(ROOT)}: {match.group().strip()}"
        for path in _tracked()
        for match in pattern.finditer(path.read_text(encoding="utf-8", errors="ignore"))
    ]

    assert found == []


def _tracked() -> list[Path]:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout: there is no list of tracked files")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]
