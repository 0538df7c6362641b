"""A job's pod: `prepare` first, then `build` and `helper` side by side, see `model/workspace.py`.

The pod spec holds no script, variable or credential: those are in the Secret, which the pod owns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubernetes import client as k8s

from gitlab_ci_provider.model import workspace
from gitlab_ci_provider.model.image import Image, PullPolicy
from gitlab_ci_provider.model.plan import IdToken
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.pods.grace import grace_of_spec, noted_grace
from gitlab_ci_provider.pods.id_tokens import id_token_mounts, id_token_volumes
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN, label_value
from gitlab_ci_provider.pods.patches import patched
from gitlab_ci_provider.pods.placement import lifecycle, own_labels, placement
from gitlab_ci_provider.pods.pull_policy import PullPolicies, pull_policy
from gitlab_ci_provider.pods.registry import pull_secret_name
from gitlab_ci_provider.pods.resources import requirements
from gitlab_ci_provider.pods.security import (
    build_context,
    helper_context,
    pod_context,
    service_context,
)
from gitlab_ci_provider.pods.services import host_aliases, service_container
from gitlab_ci_provider.pods.volumes import build_mounts, helper_mounts, service_mounts, volumes


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRequest:
    """The pod of one try of one job.

    Attributes:
        name: of the pod, and of the Secret that it owns.
        image: of the build container, variables expanded.
        profile: the runner that has taken the job, with what the job changes of it.
        honor_entrypoint: the image's entrypoint starts the script, see `_build`.
        services: containers that start before all others, and end after them.
        grace: seconds that a canceled job may take to end: `after_script` still runs.
        deadline: seconds after which Kubernetes ends the pod whatever happens.
        annotations: for people and dashboards; keys without the domain.
        id_tokens: tokens of the service account that the job gets.
        hook: a script of the author runs before the fetch.
        pulls: the pull policies of its containers.
        logins: the pod has a pull secret of its own, see `registry.py`.
    """

    name: str
    image: Image
    profile: RunnerProfile
    deadline: int
    honor_entrypoint: bool = False
    services: tuple[PlannedService, ...] = ()
    grace: int = 30
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    hook: bool = False
    id_tokens: tuple[IdToken, ...] = ()
    logins: bool = False
    pulls: PullPolicies = field(default_factory=PullPolicies)


def build_pod(request: PodRequest) -> k8s.V1Pod:
    """Build the pod of one try of one job.

    Raises:
        SystemFailure: a patch of the runner does not fit.
    """
    profile = request.profile
    grace = grace_of_spec(request.grace, services=bool(request.services))
    own = (pull_secret_name(request.name),) if request.logins else ()
    spec = k8s.V1PodSpec(
        restart_policy="Never",
        active_deadline_seconds=request.deadline,
        termination_grace_period_seconds=grace,
        enable_service_links=False,
        security_context=pod_context(profile.security),
        host_aliases=host_aliases(request.services, profile),
        init_containers=[
            *(_service(service, request) for service in request.services),
            *_hook(request),
            _helper(workspace.PREPARE_CONTAINER, "prepare", request),
        ],
        containers=[_build(request), _helper(workspace.HELPER_CONTAINER, "finish", request)],
        volumes=[
            *volumes(request.name, profile, hook=request.hook),
            *id_token_volumes(request.id_tokens),
        ],
        **placement(profile, own),
    )
    spec = patched(spec, profile.pod_patches, profile.name)
    metadata = _metadata(request)
    if spec.termination_grace_period_seconds == grace:  # the runner leaves it to us
        metadata.annotations |= noted_grace(request.grace, grace)
    return k8s.V1Pod(api_version="v1", kind="Pod", metadata=metadata, spec=spec)


def build_secret(request: PodRequest, contents: Mapping[str, str]) -> k8s.V1Secret:
    """Build the Secret that carries the plan and the scripts of the pod with the same name."""
    return k8s.V1Secret(
        api_version="v1",
        kind="Secret",
        metadata=_metadata(request),
        string_data=dict(contents),
        type="Opaque",
    )


def owned_by(secret: k8s.V1Secret, pod: k8s.V1Pod) -> k8s.V1Secret:
    """Return the Secret with a pod as its owner: it is deleted with the pod."""
    metadata = k8s.V1ObjectMeta(
        name=secret.metadata.name,
        namespace=pod.metadata.namespace,
        labels=secret.metadata.labels,
        annotations=secret.metadata.annotations,
        owner_references=owner_references(pod),
    )
    return k8s.V1Secret(
        api_version="v1",
        kind="Secret",
        metadata=metadata,
        string_data=secret.string_data,
        type=secret.type,
    )


def owner_references(pod: k8s.V1Pod) -> list[k8s.V1OwnerReference]:
    """Name a pod as the only owner of something."""
    name, uid = pod.metadata.name, pod.metadata.uid
    return [k8s.V1OwnerReference(api_version="v1", kind="Pod", name=name, uid=uid)]


def _metadata(request: PodRequest) -> k8s.V1ObjectMeta:
    labels = {f"{LABEL_DOMAIN}/{key}": label_value(v) for key, v in request.labels.items()}
    annotations = {f"{LABEL_DOMAIN}/{key}": value for key, value in request.annotations.items()}
    return k8s.V1ObjectMeta(
        name=request.name,
        namespace=request.profile.namespace or None,
        labels={**own_labels(request.profile), **labels},
        annotations={**request.profile.annotations, **annotations},
    )


def _build(request: PodRequest) -> k8s.V1Container:
    """Build the container of the script.

    An entrypoint gets the shell as its arguments and has to run it, as with GitLab Runner. An empty
    one, `[""]`, asks for none.
    """
    profile = request.profile
    shell = ["sh", f"{workspace.SCRIPTS_DIR}/entry"]
    own = request.image.entrypoint
    entrypoint = list(filter(None, own or ()))
    honored = request.honor_entrypoint and (entrypoint or own is None)
    return k8s.V1Container(
        name=workspace.BUILD_CONTAINER,
        image=request.image.name,
        image_pull_policy=_pull_policy(
            workspace.BUILD_CONTAINER, request.image.pull_policies, request
        ),
        command=(entrypoint or None) if honored else shell,
        args=shell if honored else None,
        volume_mounts=build_mounts(profile) + id_token_mounts(request.id_tokens),
        lifecycle=lifecycle(profile),
        resources=requirements(profile.resources.build),
        security_context=build_context(profile, request.image),
    )


def _pull_policy(name: str, own: Sequence[PullPolicy], request: PodRequest) -> str | None:
    """Return the policy of a container: what the job says, or the runner; one that is left."""
    policies = request.pulls.listed.get(name, own or request.profile.pull_policy)
    return pull_policy(policies, request.pulls.failed.get(name, 0))


def _hook(request: PodRequest) -> list[k8s.V1Container]:
    return [_helper(workspace.HOOK_CONTAINER, "hook", request)] if request.hook else []


def _service(service: PlannedService, request: PodRequest) -> k8s.V1Container:
    container = service_container(service, request.name)
    profile = request.profile
    container.image_pull_policy = _pull_policy(service.name, service.image.pull_policies, request)
    container.volume_mounts = service_mounts(profile)
    container.lifecycle = lifecycle(profile)
    container.resources = requirements(service.resources or profile.resources.service)
    container.security_context = service_context(profile, service.image)
    return container


def _helper_mounts(command: str, request: PodRequest) -> list[k8s.V1VolumeMount]:
    """Give a helper what it needs; those that show what scripts write have to mask tokens."""
    mounts = helper_mounts(command, request.profile, hook=request.hook)
    shows = command != "prepare"
    return mounts + (id_token_mounts(request.id_tokens) if shows else [])


def _helper(name: str, command: str, request: PodRequest) -> k8s.V1Container:
    profile = request.profile
    return k8s.V1Container(
        name=name,
        image=profile.helper_image,
        image_pull_policy=_pull_policy(name, (), request),
        command=[workspace.HELPER_COMMAND, command],
        volume_mounts=_helper_mounts(command, request),
        resources=requirements(profile.resources.helper),
        security_context=helper_context(profile),
    )
