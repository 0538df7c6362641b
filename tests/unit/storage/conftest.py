"""What tests of archives share."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that a test has started."""
    found: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*given: Any, **named: Any) -> subprocess.Popen[bytes]:
        found.append(popen(*given, **named))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return found
