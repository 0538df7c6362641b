"""Fixtures that several rooms share."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.records.store import RecordStore
from stores import STORES


@pytest.fixture(params=STORES)
def records(request: pytest.FixtureRequest, tmp_path: Path) -> RecordStore:
    """Return an empty store: the test is run with each implementation."""
    return STORES[request.param](tmp_path / "state")
