"""Rules for the tests themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
WAITS = TESTS / "processes" / "waiting.py"
FILES = [path for path in sorted(TESTS.rglob("*.py")) if "benchmarks" not in path.parts]


def test_no_test_imports_a_test():
    """What tests share is in `factories`, `servers`, `processes` or a folder's `support`."""
    found = [
        f"{path.relative_to(TESTS)}: {line}"
        for path in sorted(TESTS.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(from|import) (\w+\.)*(test_\w+|conftest)\b", line)
    ]

    assert found == []


def test_unit_tests_mirror_the_packages():
    """The tests of a package are found under its name."""
    plugin, unit = TESTS.parent / "plugin", TESTS / "unit"
    folders = {path.parent.relative_to(unit) for path in unit.glob("**/*.py")}
    cluster = {folder for folder in folders if folder.parts[:1] == ("cluster",)}
    mirrored = [
        *(plugin / "gitlab_ci_cluster" / folder.relative_to("cluster") for folder in cluster),
        *(plugin / "gitlab_ci_provider" / folder for folder in folders - cluster),
    ]

    assert [folder for folder in mirrored if not folder.is_dir()] == []


def test_nothing_sleeps():
    """A test waits for what it is about; only the helper that waits looks again and again."""
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for path in FILES
        if path != WAITS
        for line in _sleeps(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert found == []


def test_the_rule_on_sleeping_sees_each_way_to_sleep():
    """A pause of zero only gives way to other coroutines, which is not sleeping."""
    sleeps = ("time.sleep(1)", "sleep(x)", "await asyncio.sleep(0.1)")
    others = ("asyncio.sleep(0)", "run('sleep 5')", "clock.sleep")

    assert [line for text in sleeps for line in _sleeps(ast.parse(text))] == [1, 1, 1]
    assert [line for text in others for line in _sleeps(ast.parse(text))] == []


def _sleeps(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        pause = node.args[0] if node.args else None
        if name == "sleep" and not (isinstance(pause, ast.Constant) and pause.value == 0):
            yield node.lineno
