"""What a shell is offered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main


def offered(folder: Path, line: str) -> set[str]:
    """Ask as bash does when a person presses Tab at the end of a line."""
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m gitlab_ci_provider.cli.main 8>&1 9>/dev/null 1>&2'],
        env={
            **os.environ,
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_IFS": "\n",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return {word.strip() for word in done.stdout.split("\n") if word.strip()}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gitlab-dags re", {"reap", "remove", "retry"}),
        ("gitlab-dags run --no-n", {"--no-needs"}),
        ("gitlab-dags run . --job un", {"unit"}),
        ("gitlab-dags completion z", {"zsh"}),
    ],
)
def test_commands_options_and_jobs_are_completed(tmp_path: Path, line: str, expected: set[str]):
    """Names of jobs come from the configuration in the folder."""
    (tmp_path / ".gitlab-ci.yml").write_text("unit: {script: 'true'}\nlint: {script: 'true'}\n")

    assert offered(tmp_path, line) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]):
    """It names the command that it completes."""
    assert main(["completion", shell]) == 0
    assert "gitlab-dags" in capsys.readouterr().out
