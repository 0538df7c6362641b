"""Telling a cluster of the tests to misbehave."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def misbehaving(file: Path, *faults: dict[str, Any]) -> Iterator[None]:
    """Have the cluster misbehave for as long as the block lasts; see `api/faults.py`."""
    tell(file, *faults)
    try:
        yield
    finally:
        tell(file)


def tell(file: Path, *faults: dict[str, Any]) -> None:
    """Say how to misbehave from now on."""
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(faults))
    new.replace(file)
