"""GitLab's own behaviour, case by case, when the shared cases are at hand.

They are data that other people's repositories hold, so they are not part of this one. They are
looked for in $GITLAB_CI_SHARED, else in `shared` next to this checkout.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.commands.compile import answer

SHARED = Path(os.environ.get("GITLAB_CI_SHARED") or Path(__file__).parents[3] / "shared")
PUBLIC = SHARED / "conformance" / "public"
CASES = sorted(path.parent.name for path in PUBLIC.glob("*/expect.json"))

if not CASES:
    pytest.skip(f"no conformance cases in {PUBLIC}", allow_module_level=True)


@pytest.fixture(scope="module")
def check() -> Callable[..., tuple[list[str], bool | None]]:
    """The judge that comes with the cases."""
    spec = importlib.util.spec_from_file_location("compare", PUBLIC.parent / "compare.py")
    assert spec
    assert spec.loader
    compare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compare)
    return compare.check


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, check: Callable[..., tuple[list[str], bool | None]]):
    """The command line says of the case what GitLab says."""
    expected = json.loads((PUBLIC / name / "expect.json").read_text("utf-8"))
    asked = {"path": str(PUBLIC / name), **expected["context"]}

    problems, _ = check(expected, answer(json.dumps(asked)), True)

    assert problems == []
