"""End-to-end tests share one embedded stack, so they run one after another in one process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from e2e.embedded import Stack
from gitlab_ci_provider.local.api import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack import StackOptions, running_stack

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark what lies in this folder as `e2e` and put it into one group of pytest-xdist."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("e2e")
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a stack of its own for the session."""
    home = Home(tmp_path_factory.mktemp("stack"))
    with running_stack(home, StackOptions()) as state:
        yield Stack(home, AirflowApi(state))
