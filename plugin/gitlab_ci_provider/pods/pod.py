"""A job's pod: `prepare` first, then `build` and `helper` side by side, see `model/workspace.py`.

The pod spec holds no script, variable or credential: those are in the Secret, which the pod owns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubernetes import client as k8s

from gitlab_ci_provider.model import workspace
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN, label_value
from gitlab_ci_provider.pods.volumes import build_mounts, helper_mounts, volumes


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRequest:
    """The pod of one try of one job.

    Attributes:
        name: of the pod, and of the Secret that it owns.
        namespace: empty leaves it to the connection.
        image: of the build container, variables expanded.
        grace: seconds that it may take to end once it is deleted: `after_script` still runs.
        deadline: seconds after which Kubernetes ends the pod whatever happens.
        annotations: for people and dashboards; keys without the domain.
    """

    name: str
    image: Image
    helper_image: str
    deadline: int
    grace: int = 30
    namespace: str = ""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


_PULL_POLICIES = {"always": "Always", "if-not-present": "IfNotPresent", "never": "Never"}


def build_pod(request: PodRequest) -> k8s.V1Pod:
    """Build the pod of one try of one job."""
    return k8s.V1Pod(
        api_version="v1",
        kind="Pod",
        metadata=_metadata(request),
        spec=k8s.V1PodSpec(
            restart_policy="Never",
            active_deadline_seconds=request.deadline,
            termination_grace_period_seconds=request.grace,
            automount_service_account_token=False,
            enable_service_links=False,
            init_containers=[_helper(workspace.PREPARE_CONTAINER, "prepare", request)],
            containers=[_build(request), _helper(workspace.HELPER_CONTAINER, "finish", request)],
            volumes=volumes(request.name),
        ),
    )


def build_secret(request: PodRequest, contents: Mapping[str, str]) -> k8s.V1Secret:
    """Build the Secret that carries the plan and the scripts of the pod with the same name."""
    return k8s.V1Secret(
        api_version="v1",
        kind="Secret",
        metadata=_metadata(request),
        string_data=dict(contents),
        type="Opaque",
    )


def owner_patch(pod: k8s.V1Pod) -> dict[str, object]:
    """Build the patch that makes a pod the owner of its Secret: it is deleted with the pod."""
    owner = {"apiVersion": "v1", "kind": "Pod", "name": pod.metadata.name, "uid": pod.metadata.uid}
    return {"metadata": {"ownerReferences": [owner]}}


def _metadata(request: PodRequest) -> k8s.V1ObjectMeta:
    return k8s.V1ObjectMeta(
        name=request.name,
        namespace=request.namespace or None,
        labels={f"{LABEL_DOMAIN}/{key}": label_value(v) for key, v in request.labels.items()},
        annotations={f"{LABEL_DOMAIN}/{key}": value for key, value in request.annotations.items()},
    )


def _build(request: PodRequest) -> k8s.V1Container:
    return k8s.V1Container(
        name=workspace.BUILD_CONTAINER,
        image=request.image.name,
        image_pull_policy=_pull_policy(request.image),
        command=["sh", f"{workspace.SCRIPTS_DIR}/entry"],
        volume_mounts=build_mounts(),
        security_context=_user(request.image),
    )


def _helper(name: str, command: str, request: PodRequest) -> k8s.V1Container:
    return k8s.V1Container(
        name=name,
        image=request.helper_image,
        command=[workspace.HELPER_COMMAND, command],
        volume_mounts=helper_mounts(command),
    )


def _pull_policy(image: Image) -> str | None:
    return _PULL_POLICIES[image.pull_policies[0]] if image.pull_policies else None


def _user(image: Image) -> k8s.V1SecurityContext | None:
    """Read `kubernetes:user`, `UID` or `UID:GID`; the config package has checked its form."""
    if not image.user:
        return None
    uid, _, gid = image.user.partition(":")
    return k8s.V1SecurityContext(run_as_user=int(uid), run_as_group=int(gid) if gid else None)
