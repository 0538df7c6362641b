"""Commands that use the stack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.use import attached, is_attached_to

USE = """
import sys, time
from pathlib import Path
from gitlab_ci_provider.local.stack.use import attached
from gitlab_ci_provider.local.home import Home
with attached(Home(Path(sys.argv[1]))):
    print("attached", flush=True)
    time.sleep(600)
"""


def test_several_commands_use_a_stack(tmp_path: Path):
    """The stack is in use until the last of them has gone."""
    home = Home(tmp_path)

    with attached(home):
        with attached(home):
            assert is_attached_to(home)
        assert is_attached_to(home)
    assert not is_attached_to(home)


def test_a_killed_command_uses_nothing(tmp_path: Path):
    """Kill -9 of a command does not keep the stack alive forever."""
    home = Home(tmp_path)
    command = [sys.executable, "-c", USE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert is_attached_to(home)
        process.kill()

    assert not is_attached_to(home)
