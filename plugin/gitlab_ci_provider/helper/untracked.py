"""Files that git does not track, ignored ones included, as `untracked: true` means them.

The job could write anything into the repository's configuration, including programs to run, and
this process has credentials. So git gets the working copy and its index, but an empty repository of
ours with an empty configuration.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from gitlab_ci_provider.helper.git import clean_environment


def untracked_files(project_dir: Path, warn: Callable[[str], None]) -> list[str]:
    """List them, relative to the working copy; empty, with a warning, when git cannot tell."""
    index = project_dir / ".git" / "index"
    if not index.is_file():
        warn(f"untracked: {project_dir} is not a git repository")
        return []
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder)
        outside = {
            "GIT_DIR": str(empty),
            "GIT_WORK_TREE": str(project_dir),
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(project_dir / ".git" / "objects"),
        }
        _git(project_dir, {"GIT_DIR": str(empty)}, "init", "--quiet", "--template=", "--bare")
        listed = _git(project_dir, outside, "ls-files", "--others", "-z")
    if listed.returncode:
        warn(f"untracked: {listed.stderr.decode(errors='replace').strip()}")
        return []
    return [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]


def _git(
    folder: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=clean_environment(environment),
        capture_output=True,
        check=False,
    )
