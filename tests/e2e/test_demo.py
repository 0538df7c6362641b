"""`make demo`, the first thing that a newcomer does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from e2e.embedded import Stack

ROOT = Path(__file__).parents[2]


@pytest.mark.embedded("it runs a folder of this machine")
def test_the_demo_passes(stack: Stack, tmp_path: Path):
    """The example's pipeline passes with warnings, and its end is said in a terminal."""
    home = tmp_path / "home"
    home.symlink_to(stack.home.path)

    # In a terminal the stack stays; other tests use it.
    done = subprocess.run(
        ["script", "-qec", str(ROOT / ".ci" / "demo"), "/dev/null"],
        env={**os.environ, "GITLAB_DAGS_HOME": str(home), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "pipeline passed with warnings" in done.stdout
