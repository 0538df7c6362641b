"""What a shell is offered."""

from __future__ import annotations

import os
import shutil
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


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_offers_commands_options_and_jobs(tmp_path: Path):
    """With their descriptions; fish itself runs the script."""
    (tmp_path / ".gitlab-ci.yml").write_text("unit tests: {script: 'true'}\n")
    place = Path(sys.executable).parent
    lines = ("gitlab-dags ret", "gitlab-dags run --no-n", "gitlab-dags run . --job un")
    asked = "; ".join(f"complete -C '{line}'" for line in lines)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"gitlab-dags completion fish | source; {asked}"],
        env={**os.environ, "PATH": f"{place}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    words = [line.partition("\t")[0].strip() for line in done.stdout.splitlines()]

    assert list(filter(None, words)) == ["retry", "--no-needs", "unit tests"], done.stderr
