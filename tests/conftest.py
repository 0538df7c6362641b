"""Options of the test suite, and the state of the process that it wants."""

from __future__ import annotations

import signal

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written again; the change is then seen in review."""
    parser.addoption("--update-golden", action="store_true", help="rewrite expected files")


def pytest_configure() -> None:
    """Let programs be interrupted: a shell that starts the suite in the background forbids it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
