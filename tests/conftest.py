"""Options of the test suite, and the state of the process that it wants."""

from __future__ import annotations

import signal

import hypothesis
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written again; the change is then seen in review."""
    parser.addoption("--update-golden", action="store_true", help="rewrite expected files")


def pytest_configure() -> None:
    """Let no test fail because a machine is slow, nor because of how the suite was started.

    A shell that starts a program in the background has it, and all that it starts, ignore SIGINT.
    """
    hypothesis.settings.register_profile("suite", deadline=None)
    hypothesis.settings.load_profile("suite")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
