"""Files that others see whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that others see whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)  # noqa: PTH101 - mkstemp made it private; Airflow's users differ
        os.replace(temporary, path)  # noqa: PTH105 - atomic, and names are plain strings here
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
