"""Images of `docker/`, built by `.ci/images`, and containers of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCRIPT = ("env", f"HOME={Path.home()}", str(ROOT / ".ci" / "images"))
"""With the home folder in which images are kept, even where a test gives processes another."""

AIRFLOW_WANTED = "GITLAB_CI_TESTS_AIRFLOW_IMAGE"
"""Set by `make images`: the image of Airflow may take minutes."""

PROGRAMS = ("apt-get", "buildah", "debootstrap", "podman", "runc")


def why_not() -> str:
    """Say why no image can be built on this machine; empty if one can."""
    if os.geteuid() != 0:
        return "only root can make the root of a Debian"
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    return f"this machine has no {', '.join(missing)}" if missing else ""


def build(name: str) -> Image:
    """Build one of the images of `docker/`."""
    done = subprocess.run([*SCRIPT, name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Image(done.stdout.split()[0])


@dataclass(frozen=True)
class Image:
    """An image in the storage of `.ci/images`."""

    name: str

    def command(self, *options: str, entrypoint: str = "") -> Sequence[str]:
        """Build the command that runs a container whose files cannot be changed."""
        read_only = (
            "--read-only",
            "--read-only-tmpfs=false",
            "--network=host",
            "--log-driver=none",
        )
        first = ("--entrypoint", entrypoint) if entrypoint else ()
        return (*SCRIPT, "podman", "run", "--rm", *read_only, *options, *first, self.name)

    def run(
        self,
        *arguments: str,
        user: str = "0:0",
        entrypoint: str = "",
        options: Sequence[str] = (),
    ) -> str:
        """Run a program in a container; returns what it has printed."""
        command = [*self.command("--user", user, *options, entrypoint=entrypoint), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def inspect(self, part: str) -> str:
        """Print a part of the image's description, named by a Go template."""
        command = [*SCRIPT, "podman", "image", "inspect", "--format", part, self.name]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
