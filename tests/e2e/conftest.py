"""End-to-end tests share one embedded stack, also when pytest-xdist runs several at once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.embedded import Stack
from gitlab_ci_provider.local.api import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack import StackOptions, running_stack, start_stack, stop_stack

HERE = Path(__file__).parent
HOME = pytest.StashKey[Home]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark what lies in this folder as `e2e`."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("e2e")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each worker of pytest-xdist the stack that they share; the first one starts it."""
    config: pytest.Config = node.config
    if HOME not in config.stash:
        config.stash[HOME] = Home(Path(tempfile.mkdtemp(prefix="gitlab-dags-e2e-")))
        start_stack(config.stash[HOME], StackOptions())
    node.workerinput["stack"] = str(config.stash[HOME].path)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the shared stack."""
    home = config.stash.get(HOME, None)
    if home is not None:
        stop_stack(home)
        shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Use the shared stack, or start one for the session."""
    shared = getattr(request.config, "workerinput", {}).get("stack")
    home = Home(Path(shared) if shared else tmp_path_factory.mktemp("stack"))
    with running_stack(home, StackOptions()) as state:
        yield Stack(home, AirflowApi(state.access))
