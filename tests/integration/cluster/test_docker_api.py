"""What the cluster asks of an engine, held against Docker's own description (`--engine`).

Docker cannot be had where the tests run: Podman answers, and refuses what Docker 29 refuses.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes.stream import stream

from engines.cut_off import CutOff
from engines.docker_api import READ, facts, problems, read_requests
from engines.podman import Podman
from integration.cluster.support import Api, is_running, pod, start_cluster, wait_for_end

SHARED = {
    "image": "docker.io/library/busybox:1.35",
    "volumeMounts": [{"name": "ws", "mountPath": "/ws"}],
}
VOLUMES = {"volumes": [{"name": "ws", "emptyDir": {}}]}
LIMITS = {"resources": {"limits": {"memory": "64Mi", "cpu": "500m"}}}
RIGHTS = {
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
}


def _use(api: Api) -> None:
    """Do with pods what jobs do."""
    limited = {**SHARED, **LIMITS, "securityContext": RIGHTS}
    assert api.output("a", "echo ran", container=limited, **VOLUMES) == "ran\n"
    api.create("pods", pod("b", "sleep 600", container=SHARED, **VOLUMES))
    api.wait("b", is_running)
    said = stream(
        api.core().connect_get_namespaced_pod_exec,
        "b",
        api.namespace,
        command=["echo", "inside"],
        stdout=True,
    )
    assert said.strip() == "inside"
    api.delete("pods", "b", gracePeriodSeconds="1")
    api.wait_gone("b")


@pytest.mark.embedded("it is about a runtime of that cluster")
def test_requests_are_those_of_dockers_own_description(engine: Podman | None, tmp_path: Path):
    """Calls, parameters, fields and types: of the version that is asked for, and of the newest."""
    if engine is None:
        pytest.skip("needs --engine")
    with CutOff(engine, tmp_path / "engine.sock") as docker:
        environment = {**engine.environment, "DOCKER_HOST": f"unix://{docker.socket}"}
        running = start_cluster(tmp_path / "state", "--runtime", "docker", environment=environment)
        api = running.api()
        _use(api)
        api.close()
        assert running.stop() == 0
        wait_for_end(running.directory)

    described = facts()
    asked = [request for sent in docker.sent for request in read_requests(bytes(sent))]
    assert {request.version for request in asked} == {"", "1.44"}
    assert {request.method for request in asked} == {"GET", "POST", "DELETE"}
    wrong = {
        problem
        for request in asked
        for version in described
        for problem in problems(request, described[version])
    }
    assert wrong == set()


@pytest.mark.embedded("it is about a runtime of that cluster")
def test_answers_hold_what_is_read():
    """In each version that may be asked for."""
    for calls in facts().values():
        assert {name: calls[name]["answer"] for name in READ} == {
            name: sorted(fields) for name, fields in READ.items()
        }
