"""Options of the test suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written anew; the change is then seen in review."""
    parser.addoption("--update-golden", action="store_true", help="rewrite expected files")
