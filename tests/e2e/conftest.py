"""End-to-end tests share one stack, also when pytest-xdist runs several at once."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e import evidence
from e2e.embedded import Stack, a_stack, embedded_stack
from e2e.place import Place
from gitlab_ci_provider.local.home import Home
from processes.counter import Heard, counting

HERE = Path(__file__).parent
STACK = pytest.StashKey[Stack]()
OPEN = pytest.StashKey[ExitStack]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark what lies in this folder as `e2e`."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("e2e")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, Any, pytest.TestReport]:
    """Have a failed test say what its stack was doing."""
    report: pytest.TestReport = yield
    stack = item.funcargs.get("stack")
    if report.when == "call" and report.failed and isinstance(stack, Stack):
        report.sections.append(("The stack", evidence.describe(stack)))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each worker of pytest-xdist the stack that they share; the first one starts it."""
    config: pytest.Config = node.config
    if STACK not in config.stash:
        opened = config.stash[OPEN] = ExitStack()
        folder = tempfile.TemporaryDirectory(prefix="gitlab-dags-e2e-", ignore_cleanup_errors=True)
        config.stash[STACK] = opened.enter_context(
            a_stack(config, Path(opened.enter_context(folder)))
        )
    stack = config.stash[STACK]
    node.workerinput["stack"] = str(stack.home.path)
    node.workerinput["place"] = stack.place.text() if stack.place else ""


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the shared stack."""
    config.stash.get(OPEN, ExitStack()).close()


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Use the shared stack, or start one for the session."""
    shared = getattr(request.config, "workerinput", {})
    if "stack" not in shared:
        with a_stack(request.config, tmp_path_factory.mktemp("stack")) as own:
            yield own
        return
    place = Place(**json.loads(shared["place"])) if shared["place"] else None
    with embedded_stack(Home(Path(shared["stack"]))) as joined:
        yield replace(joined, place=place)


@pytest.fixture(scope="module")
def unkind_stack(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack of its own; its cluster, if it is the embedded one, can be told to misbehave."""
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITLAB_CI_CLUSTER_FAULTS", str(folder / "faults.json"))
        with a_stack(pytestconfig, folder) as own:
            yield own


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What jobs say outside of their pods."""
    with counting() as found:
        yield found
