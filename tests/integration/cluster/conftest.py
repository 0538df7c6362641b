"""Two clusters for all tests here, one of which can misbehave, and a namespace for each test."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clusters.builders import Builder, served_builder
from clusters.target import read_target
from engines.podman import Podman, podman, why_not
from integration.cluster.faults import tell
from integration.cluster.image_builds import Builds
from integration.cluster.support import HELPER_IMAGE, Api, Cluster, EmbeddedCluster, start_cluster
from integration.cluster.waiting_task import CONNECTION, WAYS, Task
from servers.image_registry import Registry, running_registry


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """All tests here share a cluster, so they run in one process."""
    for item in items:
        if "integration/cluster" in str(item.path):
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.xdist_group("cluster"))


@pytest.fixture(scope="session")
def engine(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Podman | None]:
    """The engine of --engine; none runs containers as processes."""
    if not pytestconfig.option.engine:
        yield None
        return
    if reason := why_not():
        pytest.skip(f"no Podman here: {reason}")
    with podman(tmp_path_factory.mktemp("engine") / "podman") as running:
        yield running


@pytest.fixture(scope="session")
def cluster(
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
    engine: Podman | None,
) -> Iterator[Cluster]:
    """The cluster of --kubeconfig, or an embedded one; its end is a test: it must stop cleanly."""
    if pytestconfig.option.kubeconfig:
        yield Cluster(Path(pytestconfig.option.kubeconfig))
        return
    with _cluster(tmp_path_factory.mktemp("cluster"), engine) as running:
        yield running


@pytest.fixture(scope="session")
def builder(cluster: Cluster, engine: Podman | None) -> Builder:
    """What builds images; skip where the pods of a cluster have no such engine."""
    if not isinstance(cluster, EmbeddedCluster):
        return served_builder(read_target(cluster.kubeconfig).images)
    if engine is not None:
        return served_builder(engine.images)
    if shutil.which("buildah") is None:
        pytest.skip("needs buildah (Debian: buildah)")
    return Builder("buildah", "buildah:local")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that has a base image."""
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        running.push_base()
        yield running


@pytest.fixture
def builds(
    cluster: Cluster, api: Api, tmp_path: Path, registry: Registry, builder: Builder
) -> Builds:
    """Image builds of an empty workspace."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Builds(cluster, api, workspace, registry, builder)


@pytest.fixture
def embedded(cluster: Cluster) -> EmbeddedCluster:
    """The cluster of a test that is about the embedded one."""
    if not isinstance(cluster, EmbeddedCluster):
        pytest.skip("only for the embedded cluster")
    return cluster


@pytest.fixture
def api(cluster: Cluster) -> Iterator[Api]:
    """A client for an empty namespace."""
    with _namespace(cluster) as client:
        yield client


@pytest.fixture(scope="session")
def unkind(
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
    engine: Podman | None,
) -> Iterator[tuple[EmbeddedCluster, Path]]:
    """A cluster with the helper's image that can be told to misbehave, and its faults file."""
    if pytestconfig.option.kubeconfig:
        pytest.skip("only the embedded cluster misbehaves on request")
    folder = tmp_path_factory.mktemp("unkind")
    image = f"{HELPER_IMAGE}={Path(sys.executable).parent}"
    file = folder / "faults.json"
    with _cluster(folder, engine, "--path-for-image", image, "--faults", str(file)) as running:
        yield running, file


@pytest.fixture
def unkind_api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """A client for an empty namespace of the cluster that misbehaves, or of --kubeconfig's."""
    given = request.config.option.kubeconfig
    running = Cluster(Path(given)) if given else request.getfixturevalue("unkind")[0]
    with _namespace(running) as client:
        yield client


@pytest.fixture
def faults(unkind: tuple[EmbeddedCluster, Path]) -> Iterator[Path]:
    """The faults file; after the test, all is well again."""
    yield unkind[1]
    tell(unkind[1])


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """A way of waiting for a pod."""
    return str(request.param)


@pytest.fixture
def task(
    unkind_api: Api,
    request: pytest.FixtureRequest,
    way: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Task:
    """The task of a job, in each way of waiting; deferred, the triggerer ends it if it can."""
    caplog.set_level(logging.INFO)
    given = request.config.option.kubeconfig
    kubeconfig = given or request.getfixturevalue("unkind")[0].kubeconfig
    connection = {"conn_type": "kubernetes", "extra": {"kube_config_path": str(kubeconfig)}}
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", json.dumps(connection))
    return Task(unkind_api, tmp_path, way, "job", ends=way == "deferred")


@contextmanager
def _cluster(folder: Path, engine: Podman | None, *arguments: str) -> Iterator[EmbeddedCluster]:
    runtime = "podman" if engine else "process"
    environment = engine.environment if engine else {}
    running = start_cluster(
        folder / "state", "--runtime", runtime, *arguments, environment=environment
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@contextmanager
def _namespace(cluster: Cluster) -> Iterator[Api]:
    client = cluster.api()
    client.namespace = f"test-{uuid.uuid4().hex[:8]}"
    client.make_namespace()
    yield client
    client.http.delete(f"/api/v1/namespaces/{client.namespace}")
    client.close()
