"""How often a job asks Kubernetes' API for something."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pytest
from kubernetes import client, config

from gitlab_ci_provider.hooks.async_kubernetes import Cluster
from gitlab_ci_provider.hooks.outages import patient
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.runs.job.objects import create, delete_pod
from integration.cluster.job_pods import job_objects, pod_worker
from integration.cluster.support import Api
from integration.cluster.waiting_task import Task
from processes.waiting import PATIENCE

LOG = logging.getLogger(__name__)
WAITED = Counter({"watch pods": 100, "GET log": 100})
"""What is asked for again while a job takes long."""


@pytest.fixture
def calls(request: pytest.FixtureRequest) -> tuple[client.CoreV1Api, Counter[str]]:
    """A client like that of a job, and what it asks for."""
    given = request.config.option.kubeconfig
    kubeconfig = given or request.getfixturevalue("unkind")[0].kubeconfig
    core = patient(client.CoreV1Api(config.new_client_from_config(str(kubeconfig))), 60, LOG)
    counted: Counter[str] = Counter()
    rest = core.api_client.rest_client
    ask = rest.request

    def counting(method: str, url: str, **given: Any) -> Any:
        query = dict(given.get("query_params") or ())
        kind = "log" if url.endswith("/log") else url.rpartition("/namespaces/")[2].split("/")[1]
        counted[f"{'watch' if query.get('watch') else method} {kind}"] += 1
        return ask(method, url, **given)

    rest.request = counting
    return core, counted


@pytest.mark.parametrize("way", ["deferred"], indirect=True)
def test_a_triggerer_asks_six_times_for_the_only_job(
    task: Task, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
):
    """List and watch, which all jobs of a namespace share, two logs, warnings, and the deletion.

    A real cluster may need more than the minute after which a watch begins again.
    """
    counted: Counter[str] = Counter()
    answered = Cluster._answered

    async def counting(self: Cluster, method: str, path: str, *given: Any) -> Any:
        query = given[0]
        kind = "log" if path.endswith("/log") else path
        counted[f"{'watch' if query.get('watch') else method} {kind}"] += 1
        return await answered(self, method, path, *given)

    monkeypatch.setattr(Cluster, "_answered", counting)
    task.patience = PATIENCE  # a new cluster has to get its images first
    result = task.run("echo hello")

    assert (result.status, task.hops) == ("success", 1)
    least = Counter({"GET pods": 1, "watch pods": 1, "GET log": 2, "GET events": 1})
    least["DELETE pods/job"] = 1
    assert counted == (least | counted & WAITED if pytestconfig.option.kubeconfig else least)


def test_a_job_costs_seven_calls(
    unkind_api: Api,
    calls: tuple[client.CoreV1Api, Counter[str]],
    caplog: pytest.LogCaptureFixture,
    pytestconfig: pytest.Config,
):
    """One watch serves the whole job; a pod that anybody runs needs four of them.

    A kubelet that is slow to say that a container has ended is asked once more for its log.
    """
    caplog.set_level(logging.INFO)
    core, counted = calls
    pod, secret = job_objects("cheap", unkind_api.namespace, Script(main=("echo hello",)))
    made = create(core, pod, secret)
    watched = PodWatch(
        client=core,
        name="cheap",
        namespace=unkind_api.namespace,
        version=made.metadata.resource_version,
    )

    result = pod_worker(LOG).follow(watched)
    delete_pod(core, made)

    assert result.status == "success"
    assert "hello" in [record.message for record in caplog.records]
    logs = max(2, counted["GET log"]) if pytestconfig.option.kubeconfig else 2
    assert counted == {
        "POST secrets": 1,
        "POST pods": 1,
        "watch pods": 1,
        "GET log": logs,
        "GET events": 1,
        "DELETE pods": 1,
    }
