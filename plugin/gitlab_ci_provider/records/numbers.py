"""Numbers that are given out once: 1, 2, 3 ..., by files that only one process can create.

And names of files for names of any kind.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from gitlab_ci_provider.records.files import write_whole

_IN_A_FOLDER = 1000


def claim(folder: Path, content: Callable[[int], bytes]) -> int:
    """Take the next number and write its file, which others see whole or not at all.

    The last number is kept as a hint only: when it is behind, the files that exist are passed.
    """
    number = _hint(folder) + 1
    while not claim_name(numbered_path(folder, number), content(number)):
        number += 1
    write_whole(folder / "last", str(number).encode())
    return number


def claim_name(path: Path, data: bytes) -> bool:
    """Create a file with its content, unless another process did.

    A link to a finished file, not a file opened exclusively: nobody ever sees half of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)  # noqa: PTH101 - mkstemp made it private; Airflow's users differ
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        Path(temporary).unlink(missing_ok=True)
    return True


def numbered_path(folder: Path, number: int) -> Path:
    """Name the file of a number; folders stay small."""
    return folder / str(number // _IN_A_FOLDER) / str(number)


def file_name(name: str) -> str:
    """Make a file name that differs for names that differ, also where case does not count."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:80]
    return f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _hint(folder: Path) -> int:
    """Read the last number that was given out, or one before it.

    Without the hint the newest folder says it.
    """
    path = folder / "last"
    if path.exists():
        text = path.read_text()
        return int(text) if text.isdecimal() else 0
    names = [int(one.name) for one in folder.glob("*") if one.name.isdecimal()]
    return max(max(names, default=0) * _IN_A_FOLDER - 1, 0)
