"""One cluster for all tests here, and a namespace for each."""

import itertools

import pytest

from integration.cluster.faults import tell
from integration.cluster.support import start_cluster

_NUMBERS = itertools.count()


def pytest_collection_modifyitems(items):
    """All tests here share a cluster, so they run in one process."""
    for item in items:
        if "integration/cluster" in str(item.path):
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.xdist_group("cluster"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A cluster; its end is a test, too: it must stop cleanly."""
    running = start_cluster(tmp_path_factory.mktemp("cluster") / "state")
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def api(cluster):
    """A client for an empty namespace."""
    client = cluster.api()
    client.namespace = f"test-{next(_NUMBERS)}"
    client.http.post("/api/v1/namespaces", json={"metadata": {"name": client.namespace}})
    yield client
    client.http.delete(f"/api/v1/namespaces/{client.namespace}")
    client.close()


@pytest.fixture(scope="session")
def unkind(tmp_path_factory):
    """A cluster that can be told to misbehave, and its faults file."""
    folder = tmp_path_factory.mktemp("unkind")
    file = folder / "faults.json"
    running = start_cluster(folder / "state", "--faults", str(file))
    yield running, file
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def faults(unkind):
    """The faults file; after the test, all is well again."""
    yield unkind[1]
    tell(unkind[1])
