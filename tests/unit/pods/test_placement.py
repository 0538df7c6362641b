"""What a runner decides about a pod's place, volumes and resources."""

from __future__ import annotations

from typing import Any

from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import (
    Amounts,
    Network,
    PodResources,
    Resources,
    Scheduling,
)
from gitlab_ci_provider.pods.manifest import to_manifest
from gitlab_ci_provider.pods.pod import PodRequest, build_pod


def pod_of(**runner: Any) -> dict[str, Any]:
    """Build a job's pod, and write it as Kubernetes does."""
    request = PodRequest(
        name="pod",
        image=Image(name="debian:12"),
        profile=RunnerProfile(helper_image="helper", **runner),
        deadline=60,
        labels={"job": "test"},
        annotations={"job": "test"},
    )
    return to_manifest(build_pod(request))


def test_a_runner_decides_where_pods_run():
    """Account, pull secrets, node and names reach the pod's spec as they were written."""
    toleration = {"key": "gpu", "operator": "Exists"}
    term = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
    required = {"nodeSelectorTerms": [term]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    spec = pod_of(
        service_account="ci",
        image_pull_secrets=("registry",),
        scheduling=Scheduling(
            node_selector={"disk": "ssd"},
            tolerations=(toleration,),
            affinity=affinity,
            priority_class_name="low",
            runtime_class_name="gvisor",
            scheduler_name="mine",
        ),
        network=Network(dns_policy="None", host_aliases=({"ip": "10.0.0.1", "hostnames": ["h"]},)),
    )["spec"]

    assert spec["serviceAccountName"] == "ci"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert (spec["nodeSelector"], spec["tolerations"]) == ({"disk": "ssd"}, [toleration])
    assert spec["affinity"] == affinity
    assert (spec["priorityClassName"], spec["runtimeClassName"]) == ("low", "gvisor")
    assert (spec["schedulerName"], spec["dnsPolicy"]) == ("mine", "None")
    assert spec["hostAliases"] == [{"ip": "10.0.0.1", "hostnames": ["h"]}]


def test_volumes_of_a_runner_are_in_every_container():
    """As with GitLab's runner, script and helper see the same folders."""
    volume = {"name": "cache", "persistentVolumeClaim": {"claimName": "c"}}
    mount = {"name": "cache", "mountPath": "/cache", "readOnly": True}
    spec = pod_of(volumes=(volume,), volume_mounts=(mount,))["spec"]

    assert volume in spec["volumes"]
    for container in (*spec["initContainers"], *spec["containers"]):
        assert mount in container["volumeMounts"]


def test_labels_of_a_runner_do_not_replace_ours():
    """Pods are found by our labels; a runner adds to them, in values that Kubernetes accepts."""
    own = {"airflow-provider-gitlab-ci/job": "x", "team": "a b"}
    metadata = pod_of(labels=own, annotations={"note": "any text"})["metadata"]

    assert metadata["labels"] == {"airflow-provider-gitlab-ci/job": "test", "team": "a-b"}
    assert metadata["annotations"]["note"] == "any text"


def test_a_request_beyond_its_limit_is_cut():
    """A limit below a default request would make a pod that Kubernetes refuses."""
    build = Resources(
        requests=Amounts(cpu="2", memory="128Mi"), limits=Amounts(cpu="500m", memory="1Gi")
    )
    spec = pod_of(resources=PodResources(build=build))["spec"]

    assert spec["containers"][0]["resources"] == {
        "requests": {"cpu": "500m", "memory": "128Mi"},
        "limits": {"cpu": "500m", "memory": "1Gi"},
    }
