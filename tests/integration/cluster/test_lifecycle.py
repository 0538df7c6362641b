"""Pods live here as they do in a real Kubernetes 1.36: the same steps, checked by recordings."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from engines.podman import Podman
from integration.cluster.lifecycle import CASES, MERGED_BY_KUBELET, OTHER_SHELL, replay_all
from integration.cluster.support import RECORDED, Api, Cluster, shared_folder

pytestmark = RECORDED

OURS_ALONE = {"ImageNotHonoured"}
NEVER_OURS = {"Readiness probe errored and resulted in unknown state"}
"""A race of the real kubelet with a container that has just ended."""

WORDS_OF_BUSYBOX = {"readiness"}

READY_IN_TIME = {"readiness"}
"""An engine may be so slow to look for the first time that the container is ready by then."""

ENDS_AT_ONCE = {"main-exit3-sidecar-keeps-running"}
"""A container that ends within a second: an engine may need longer to start the next one."""

KILLED_AT_ONCE = {"oom-child-of-sh"}
"""A child killed in the container's first moment: its cgroup may go before it can be found."""


@pytest.fixture(scope="module")
def replayed(cluster: Cluster):
    """All cases, played side by side in the namespace that they were recorded in."""
    shared_folder()
    api = cluster.api()
    api.namespace = "rec"
    api.http.post("/api/v1/namespaces", json={"metadata": {"name": "rec"}})
    yield replay_all(api, list(CASES)), api
    api.http.delete("/api/v1/namespaces/rec")
    api.close()


@pytest.mark.parametrize("name", CASES)
def test_pod_takes_the_recorded_steps(
    replayed: tuple[dict[str, Any], Api], name: str, engine: Podman | None
):
    """Phase, conditions, container states, reasons and messages change as recorded, in order."""
    wanted, seen, _, _ = replayed[0][name]
    if name in OTHER_SHELL:
        theirs, ours = OTHER_SHELL[name]
        assert str(seen).replace(f"'Error', {ours}", f"'Error', {theirs}") == str(wanted)
    elif engine and name in ENDS_AT_ONCE:
        assert seen[-1] == wanted[-1]
    elif engine and name in KILLED_AT_ONCE:
        assert str(seen) in {str(wanted), str(wanted).replace("'OOMKilled'", "'Error'")}
    elif name in MERGED_BY_KUBELET:
        assert [step for step in seen if step in wanted] == wanted
    else:
        assert seen == wanted


@pytest.mark.parametrize("name", CASES)
def test_created_pod_has_the_recorded_defaults(replayed: tuple[dict[str, Any], Api], name: str):
    """The answer to `POST` has the recorded fields; service account tokens are not mounted here."""
    _, _, case, created = replayed[0][name]

    assert _comparable(created) == _comparable(case["create"]["body"])


def _comparable(pod: dict[str, Any]) -> dict[str, Any]:
    """Drop names that are random, and the token volume that each real pod gets."""
    spec = dict(pod["spec"])
    spec["volumes"] = [
        one for one in spec.get("volumes", []) if not one["name"].startswith("kube-api-access")
    ]
    for group in ("containers", "initContainers"):
        spec[group] = [
            {
                **one,
                "volumeMounts": [
                    mount
                    for mount in one.get("volumeMounts", [])
                    if not mount["name"].startswith("kube-api-access")
                ],
            }
            for one in spec.get(group, [])
        ]
    metadata = {
        key: value
        for key, value in pod["metadata"].items()
        if key not in {"uid", "resourceVersion", "creationTimestamp", "managedFields"}
    }
    status = json.dumps(pod["status"])
    status = re.sub(r'"lastTransitionTime": "[^"]*"', '"lastTransitionTime": "..."', status)
    return {"metadata": metadata, "spec": spec, "status": json.loads(status)}


@pytest.mark.parametrize(
    "name", [name for name, cut in CASES.items() if not cut and name != "delete-force-0"]
)
def test_pod_has_the_recorded_events(
    replayed: tuple[dict[str, Any], Api], name: str, engine: Podman | None
):
    """The same events tell of a pod, word by word."""
    _, seen, case, _ = replayed[0][name]
    api = replayed[1]
    pod = case["manifest"]["metadata"]["name"]
    wanted = {
        _words(item["type"], item["reason"], item["message"])
        for item in case["events_list"]["items"]
        if not any(item["message"].startswith(text) for text in NEVER_OURS)
    }
    ours = {_words(*event) for event in api.events(pod) if event[1] not in OURS_ALONE}
    if name in WORDS_OF_BUSYBOX:
        wanted, ours = ({(*event[:2], "") for event in events} for events in (wanted, ours))

    if engine and name in READY_IN_TIME:
        wanted = {event for event in wanted if event in ours or event[1] != "Unhealthy"}

    assert ours == wanted, seen


def _words(kind: str, reason: str, message: str) -> tuple[str, str, str]:
    message = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UID", message)
    message = re.sub(r"^(Successfully assigned \S+ to) \S+", r"\1 NODE", message)
    return kind, reason, message
