"""What a job's processes may do, against the published Pod Security Standards."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Security
from gitlab_ci_provider.pods.manifest import to_manifest
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from unit.pods.pod_security import baseline_violations, restricted_violations


def spec_of(security: Security, user: str | None = None, **profile: Any) -> dict[str, Any]:
    """Build a job's pod on a runner with this security, and write it as Kubernetes does."""
    request = PodRequest(
        name="pod",
        image=Image(name="debian:12", user=user),
        profile=RunnerProfile(helper_image="helper", security=security, **profile),
        deadline=60,
        labels={},
        annotations={},
    )
    spec: dict[str, Any] = to_manifest(build_pod(request))["spec"]
    return spec


def context_of(spec: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the security context of one container."""
    every = [*spec["initContainers"], *spec["containers"]]
    return next(one["securityContext"] for one in every if one["name"] == name)


@pytest.mark.parametrize(
    "security",
    [
        Security(),
        Security(allow_privilege_escalation=True),
        Security(cap_add=("MKNOD",)),
        Security(standard="restricted"),
    ],
)
def test_pods_keep_baseline(security: Security):
    """Whatever the standard, pods pass Pod Security `baseline` unless the runner says otherwise."""
    assert baseline_violations(spec_of(security)) == []


@pytest.mark.parametrize("user", [None, "1001", "1001:1001"])
def test_restricted_pods_keep_restricted(user: str | None):
    """`standard: restricted` makes pods that pass Pod Security `restricted`, helper included."""
    assert restricted_violations(spec_of(Security(standard="restricted"), user)) == []


def test_what_baseline_lets_through_is_not_all_that_is_taken_away():
    """By default nothing gains rights, and raw sockets and device files cannot be made."""
    spec = spec_of(Security())
    build = context_of(spec, "build")

    assert build["allowPrivilegeEscalation"] is False
    assert build["capabilities"] == {"drop": ["MKNOD", "NET_RAW", "SETPCAP"]}
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False


@pytest.mark.parametrize("container", ["prepare", "helper"])
def test_the_helper_keeps_what_file_access_needs(container: str):
    """The helper is root among files of any user, and has no other right of root."""
    context = context_of(spec_of(Security(privileged=True)), container)

    assert context == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]},
    }


def test_privileged_is_the_runners_decision():
    """A privileged runner gives its jobs everything; Kubernetes allows no half of it."""
    build = context_of(spec_of(Security(privileged=True)), "build")

    assert build == {"privileged": True, "allowPrivilegeEscalation": True}


def test_a_capability_can_be_given_back():
    """`cap_add` and `cap_drop` change the default set, as in config.toml; `CAP_` may be written."""
    security = Security(cap_add=("CAP_NET_RAW", "sys_ptrace"), cap_drop=("KILL",))
    build = context_of(spec_of(security), "build")

    assert build["capabilities"] == {
        "add": ["NET_RAW", "SYS_PTRACE"],
        "drop": ["KILL", "MKNOD", "SETPCAP"],
    }


def test_kubernetes_refuses_no_combination():
    """`SYS_ADMIN` implies escalation: Kubernetes refuses a pod with only one of them."""
    build = context_of(spec_of(Security(cap_add=("SYS_ADMIN",))), "build")

    assert build["allowPrivilegeEscalation"] is True


def test_a_context_of_the_runner_wins_field_by_field():
    """What the file says of a container is laid over what the other options give."""
    own = {"runAsUser": 1234, "readOnlyRootFilesystem": True}
    security = Security(build=own, pod={"fsGroup": 7})
    spec = spec_of(security)

    assert context_of(spec, "build")["runAsUser"] == 1234
    assert context_of(spec, "build")["allowPrivilegeEscalation"] is False
    assert spec["securityContext"] == {"fsGroup": 7, "seccompProfile": {"type": "RuntimeDefault"}}


def test_helper_and_build_ask_for_something_by_default():
    """A node does not take more jobs than it can bear, and the helper has GitLab's 250 MiB."""
    spec = spec_of(Security())
    requests = {one["name"]: one["resources"]["requests"] for one in spec["containers"]}

    assert requests["helper"] == {"cpu": "10m", "memory": "256Mi"}
    assert requests["build"] == {"cpu": "50m", "memory": "128Mi"}


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"drop": ["ALL"]}, {"add": ["SYS_TIME"], "drop": ["ALL"]}),
        ({"add": ["CHOWN"]}, {"add": ["CHOWN"], "drop": ["KILL", "MKNOD", "NET_RAW", "SETPCAP"]}),
        ({"add": ["NET_RAW"]}, {"add": ["NET_RAW"], "drop": ["KILL", "MKNOD", "SETPCAP"]}),
        ({"drop": []}, {"add": ["SYS_TIME"]}),
        ({"add": ["CHOWN"], "drop": ["ALL"]}, {"add": ["CHOWN"], "drop": ["ALL"]}),
    ],
)
def test_capabilities_of_a_context_leave_the_rest_alone(
    capabilities: dict[str, list[str]], expected: dict[str, list[str]]
):
    """What it adds and what it drops are two fields, as in GitLab Runner."""
    own = {"capabilities": capabilities}
    security = Security(cap_add=("SYS_TIME",), cap_drop=("KILL",), build=own, service=own)

    assert context_of(spec_of(security), "build")["capabilities"] == expected


def test_a_restricted_context_that_adds_a_capability_still_drops_all():
    """Pod Security `restricted` allows the one for low ports."""
    own = {"capabilities": {"add": ["NET_BIND_SERVICE"]}}
    security = Security(standard="restricted", build=own)

    assert restricted_violations(spec_of(security)) == []
