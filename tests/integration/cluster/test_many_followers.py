"""Many jobs on one triggerer: `tests/benchmarks/waiting.py` has the numbers for thousands."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.hooks.async_kubernetes import Cluster
from gitlab_ci_provider.model.workspace import (
    BUILD_CONTAINER,
    HELPER_CONTAINER,
    PREPARE_CONTAINER,
)
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.runs.job.handover import Handover, pack
from gitlab_ci_provider.runs.job.trigger import JobPodTrigger
from integration.cluster.support import Api, EmbeddedCluster, start_cluster

CONNECTION, JOBS, LINES, SECONDS = "many_kubernetes", 60, 20, 5


@pytest.fixture
def inert(
    pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmbeddedCluster]:
    """A cluster whose pods only live and end."""
    if pytestconfig.option.kubeconfig:
        pytest.skip("only the embedded cluster has pods without processes")
    running = start_cluster(tmp_path / "state", "--runtime", "inert")
    extra = {"kube_config_path": str(running.kubeconfig)}
    connection = json.dumps({"conn_type": "kubernetes", "extra": extra})
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", connection)
    yield running
    assert running.stop() == 0


@pytest.fixture
def most_watches(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many watches were open at once, by namespace."""
    open_now, most = Counter[str](), Counter[str]()
    lines = Cluster.lines

    @asynccontextmanager
    async def counted(
        self: Cluster, path: str, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        open_now[self.namespace] += 1
        most[self.namespace] = max(most[self.namespace], open_now[self.namespace])
        try:
            async with lines(self, path, query, silence) as found:
                yield found
        finally:
            open_now[self.namespace] -= 1

    monkeypatch.setattr(Cluster, "lines", counted)
    return most


def job_pod(name: str) -> dict[str, Any]:
    """Make a job's pod that only lives."""

    def container(called: str, seconds: int, lines: int) -> dict[str, Any]:
        argv = ["inert", str(seconds), str(lines)]
        return {"name": called, "image": "none", "command": argv}

    return {
        "metadata": {"name": name, "labels": {f"{LABEL_DOMAIN}/life": "1"}},
        "spec": {
            "restartPolicy": "Never",
            "initContainers": [container(PREPARE_CONTAINER, 0, 1)],
            "containers": [
                container(BUILD_CONTAINER, SECONDS, 0),
                container(HELPER_CONTAINER, SECONDS, LINES),
            ],
        },
    }


async def followed(pods: list[tuple[str, str]]) -> list[Any]:
    """Follow all pods at once, as a triggerer does: in one event loop."""
    deadline = (datetime.now(UTC) + timedelta(hours=1)).timestamp()

    async def follow(namespace: str, name: str) -> Any:
        handover = Handover(
            connection=CONNECTION, namespace=namespace, pod=name, uid="", deadline=deadline
        )
        trigger = JobPodTrigger(handover=pack(handover), patience=600, grace=0, outage=600)
        return (await anext(trigger.run())).payload["why"]

    return await asyncio.gather(*(follow(*pod) for pod in pods))


def test_a_namespace_has_one_watch_however_many_jobs_it_has(
    inert: EmbeddedCluster, most_watches: Counter[str], caplog: pytest.LogCaptureFixture
):
    """And each job shows each of its lines."""
    caplog.set_level(logging.INFO)
    pods = []
    for namespace in ("one", "two"):
        api = Api(inert.kubeconfig, namespace)
        api.make_namespace()
        for number in range(JOBS // 2):
            api.create("pods", job_pod(f"job-{number}"))
            pods.append((namespace, f"job-{number}"))
        api.close()

    ends = asyncio.run(followed(pods))

    shown = [record.getMessage() for record in caplog.records if ".trigger." in record.name]
    assert ends == [""] * JOBS
    assert most_watches == {"one": 1, "two": 1}
    assert len("\n".join(shown).split("\n")) == JOBS * (LINES + 1)
