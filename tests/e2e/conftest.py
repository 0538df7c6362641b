"""End-to-end tests share one embedded stack, also when pytest-xdist runs several at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from e2e.embedded import Stack
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.lifecycle import StackOptions, running_stack
from processes.counter import Heard, counting

HERE = Path(__file__).parent
HOME = pytest.StashKey[str]()
OPEN = pytest.StashKey[ExitStack]()


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
        opened = config.stash[OPEN] = ExitStack()
        folder = tempfile.TemporaryDirectory(prefix="gitlab-dags-e2e-", ignore_cleanup_errors=True)
        config.stash[HOME] = opened.enter_context(folder)
        opened.enter_context(running_stack(Home(Path(config.stash[HOME])), StackOptions()))
    node.workerinput["stack"] = config.stash[HOME]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the shared stack."""
    config.stash.get(OPEN, ExitStack()).close()


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Use the shared stack, or start one for the session."""
    shared = getattr(request.config, "workerinput", {}).get("stack")
    home = Home(Path(shared) if shared else tmp_path_factory.mktemp("stack"))
    with running_stack(home, StackOptions()) as state:
        yield Stack(home, AirflowApi(state.access))


@pytest.fixture(scope="module")
def unkind_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, whose cluster can be told to misbehave."""
    home = Home(tmp_path_factory.mktemp("faults") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITLAB_CI_CLUSTER_FAULTS", str(home.path / "faults.json"))
        with running_stack(home, StackOptions()) as state:
            yield Stack(home, AirflowApi(state.access))


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What jobs say outside of their pods."""
    with counting() as found:
        yield found
