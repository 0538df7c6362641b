"""From GitLab Runner's config.toml to the pod of a job: as the runner would make it."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.pods.manifest import to_manifest
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from gitlab_ci_provider.runners.file import read_runners
from gitlab_ci_provider.runners.toml_import import import_toml

CONFIG = Path(__file__).with_name("pods.toml")


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    """Import the file, and build the pod of a job as Kubernetes is sent it."""
    imported = import_toml(CONFIG.read_bytes(), "config.toml")
    assert [problem.code for problem in imported.diagnostics] == ["runner-tags"]
    (runner,) = read_runners(imported.text.encode(), "runners.yml", RunnerProfile()).runners
    request = PodRequest(
        name="pod", image=Image(name="i"), profile=runner, deadline=1, labels={}, annotations={}
    )
    return to_manifest(build_pod(request))


def named(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Find an item of a list."""
    return next(item for item in items if item["name"] == name)


SPEC: list[tuple[str, object]] = [
    ("nodeSelector", {"disk": "ssd"}),
    ("runtimeClassName", "gvisor"),
    ("schedulerName", "mine"),
    ("priorityClassName", "low"),
    ("serviceAccountName", "ci"),
    ("automountServiceAccountToken", True),
    ("imagePullSecrets", [{"name": "registry"}]),
    ("restartPolicy", "Never"),
    ("dnsPolicy", "None"),
    (
        "dnsConfig",
        {
            "nameservers": ["1.2.3.4"],
            "searches": ["a.b"],
            "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
        },
    ),
    ("hostAliases", [{"ip": "10.0.0.1", "hostnames": ["db"]}]),
    ("resources", {"limits": {"memory": "8Gi"}, "requests": {"cpu": "1"}}),
    (
        "tolerations",
        [
            {"key": "gpu", "operator": "Equal", "value": "a100", "effect": "NoSchedule"},
            {"key": "spot", "operator": "Exists"},
            {"key": "key", "operator": "Exists", "effect": "NoExecute"},
            {"key": "a", "operator": "Equal", "value": "", "effect": "NoSchedule"},
            {"operator": "Exists"},
        ],
    ),
    (
        "securityContext",
        {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "runAsGroup": 1001,
            "fsGroup": 1002,
            "supplementalGroups": [7],
            "seLinuxOptions": {"type": "pod_t"},
            "seccompProfile": {"type": "Localhost", "localhostProfile": "p.json"},
            "appArmorProfile": {"type": "RuntimeDefault"},
        },
    ),
    (
        "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
        {"nodeSelectorTerms": [{"matchExpressions": [{"key": "e2e", "operator": "Exists"}]}]},
    ),
    (
        "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution",
        [
            {
                "weight": 10,
                "preference": {
                    "matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}],
                    "matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n"]}],
                },
            }
        ],
    ),
    (
        "affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution",
        [
            {
                "weight": 100,
                "podAffinityTerm": {
                    "topologyKey": "zone",
                    "namespaces": ["a"],
                    "labelSelector": {
                        "matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]
                    },
                    "namespaceSelector": {"matchLabels": {"my_label": "b"}},
                },
            }
        ],
    ),
]


@pytest.mark.parametrize(("path", "expected"), SPEC)
def test_what_concerns_the_whole_pod(pod: dict[str, Any], path: str, expected: object):
    """Every option of `[runners.kubernetes]` that is about the pod is in its spec."""
    assert reduce(lambda found, key: found[key], path.split("."), pod["spec"]) == expected


def test_where_the_pod_is_and_what_is_written_on_it(pod: dict[str, Any]):
    """Its namespace, labels and annotations."""
    assert pod["metadata"]["namespace"] == "ci"
    assert "example.com/project" in pod["metadata"]["labels"]
    assert pod["metadata"]["annotations"] == {"note": "any"}


BUILD: list[tuple[str, object]] = [
    ("imagePullPolicy", "Always"),
    ("resources.limits", {"cpu": "2", "memory": "2Gi", "ephemeral-storage": "10Gi"}),
    ("resources.requests", {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "1Gi"}),
    (
        "securityContext",
        {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]},
            "privileged": False,
            "procMount": "Default",
            "readOnlyRootFilesystem": True,
            "runAsUser": 5,
            "seLinuxOptions": {"type": "container_t"},
        },
    ),
    ("lifecycle.postStart", {"exec": {"command": ["true"]}}),
    (
        "lifecycle.preStop.httpGet",
        {
            "host": "h",
            "path": "/stop",
            "port": 8080,
            "scheme": "HTTP",
            "httpHeaders": [{"name": "X", "value": "y"}],
        },
    ),
]


@pytest.mark.parametrize(("path", "expected"), BUILD)
def test_what_concerns_the_script(pod: dict[str, Any], path: str, expected: object):
    """Its container's own security context counts before that of all containers."""
    build = named(pod["spec"]["containers"], "build")

    assert reduce(lambda found, key: found[key], path.split("."), build) == expected


def test_what_concerns_the_helper(pod: dict[str, Any]):
    """Both of its containers; what is not said is this package's."""
    helpers = [named(pod["spec"]["containers"], "helper")]
    helpers += [named(pod["spec"]["initContainers"], "prepare")]

    for helper in helpers:
        limits = {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "3Gi"}
        assert helper["resources"]["limits"] == limits
        assert helper["resources"]["requests"]["memory"] == "300Mi"
        assert helper["securityContext"]["runAsUser"] == 59417


VOLUMES: list[tuple[str, object, dict[str, object]]] = [
    (
        "maven",
        {"persistentVolumeClaim": {"claimName": "maven"}},
        {
            "mountPath": "/m2",
            "subPath": "repo",
            "readOnly": True,
            "mountPropagation": "HostToContainer",
        },
    ),
    (
        "h",
        {"hostPath": {"path": "/host"}},
        {
            "mountPath": "/h",
            "subPath": "s",
            "readOnly": True,
            "mountPropagation": "Bidirectional",
        },
    ),
    (
        "certs",
        {"secret": {"secretName": "certs", "items": [{"key": "tls.crt", "path": "crt"}]}},
        {"mountPath": "/certs", "subPath": "x"},
    ),
    (
        "conf",
        {"configMap": {"name": "conf", "items": [{"key": "k", "path": "p"}]}},
        {"mountPath": "/conf"},
    ),
    ("fast", {"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, {"mountPath": "/fast"}),
    (
        "bucket",
        {
            "csi": {
                "driver": "csi.example.com",
                "fsType": "ext4",
                "readOnly": True,
                "volumeAttributes": {"size": "2Gi"},
            }
        },
        {"mountPath": "/bucket", "readOnly": True},
    ),
    (
        "share",
        {"nfs": {"server": "nfs", "path": "/exports"}},
        {"mountPath": "/share", "readOnly": True},
    ),
]


@pytest.mark.parametrize(("name", "source", "mount"), VOLUMES)
def test_volumes_of_each_kind(
    pod: dict[str, Any], name: str, source: dict[str, object], mount: dict[str, object]
):
    """All containers of the job see them."""
    assert named(pod["spec"]["volumes"], name) == {"name": name, **source}
    for container in (*pod["spec"]["containers"], *pod["spec"]["initContainers"]):
        assert named(container["volumeMounts"], name) == {"name": name, **mount}
