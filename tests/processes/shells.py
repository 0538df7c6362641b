"""The shells that a job's image may have, as far as this machine has them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

NAMES = ("bash", "dash", "busybox")


def shell_named(name: str, folder: Path) -> Path:
    """Find a shell; busybox is a shell when it is called `sh`. Skips when it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    if name != "busybox":
        return Path(found)
    link = folder / "busybox-sh" / "sh"
    link.parent.mkdir(exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(found)
    return link
