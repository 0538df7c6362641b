"""A runner: what `[[runners]]` is in GitLab Runner's config.toml, as one frozen value.

These dataclasses are the form of the runners file, too: its reader, its JSON Schema and its
reference page are made from their fields. GitLab's names stand for what GitLab has. What Kubernetes
alone decides about is written as Kubernetes writes it, and `kubernetes` names its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gitlab_ci_provider.model.image import PullPolicy

Manifest = Mapping[str, object]
"""A part of a pod as Kubernetes writes it in YAML."""

PodSecurity = Literal["baseline", "restricted"]
AccessLevel = Literal["not_protected", "ref_protected"]


def option(default: Any, description: str, kubernetes: str = "") -> Any:
    """Declare an option: its default, what users read about it, and its type in Kubernetes."""
    about = {"description": description, "kubernetes": kubernetes}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Quantities as Kubernetes writes them, such as `500m` or `2Gi`; empty says nothing."""

    cpu: str = option("", "Cores: `500m`, `2`.")
    memory: str = option("", "Bytes: `512Mi`, `2Gi`.")
    ephemeral_storage: str = option("", "Bytes on the node's disk: `10Gi`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What containers ask for and may use."""

    requests: Amounts = option(Amounts(), "What the scheduler reserves.")
    limits: Amounts = option(Amounts(), "What may be used at most.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodResources:
    """Resources by container."""

    build: Resources = option(
        Resources(requests=Amounts(cpu="50m", memory="128Mi")), "Of the container of the script."
    )
    helper: Resources = option(
        Resources(requests=Amounts(cpu="10m", memory="256Mi")),
        "Of the containers that fetch sources and move caches and artifacts.",
    )
    service: Resources = option(Resources(), "Of each service.")
    pod: Resources = option(Resources(), "Of the whole pod; needs Kubernetes 1.34.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What a job's processes may do.

    Attributes:
        pod, build, helper, service: laid over what the other options give, field by field.
    """

    standard: PodSecurity = option(
        "baseline",
        "The Pod Security Standard that pods keep. `restricted`: not as root, no capabilities.",
    )
    privileged: bool = option(False, "Whether build and services may do anything on their node.")
    allow_privilege_escalation: bool | None = option(
        None, "Whether programs such as `sudo` may gain rights; not said: only when privileged."
    )
    cap_add: tuple[str, ...] = option((), "Capabilities that build and services get in addition.")
    cap_drop: tuple[str, ...] = option((), "Capabilities that build and services lose as well.")
    pod: Manifest = option({}, "Security context of the pod.", "V1PodSecurityContext")
    build: Manifest = option({}, "Of the container of the script.", "V1SecurityContext")
    helper: Manifest = option({}, "Of the helper's containers.", "V1SecurityContext")
    service: Manifest = option({}, "Of each service.", "V1SecurityContext")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerProfile:
    """One runner: which jobs it takes, and what their pods look like.

    Attributes:
        namespace: empty leaves it to the connection.
        image: of jobs without `image:`.
    """

    name: str = option("", "Name, in logs and in messages.")
    namespace: str = option("", "Namespace of the pods; empty: that of the connection.")
    image: str = option("", "Image of jobs without `image:`.")
    helper_image: str = option("", "Image that holds gitlab-ci-helper.")
    pull_policy: tuple[PullPolicy, ...] = option(
        (), "Pull policies, tried in turn; empty: Kubernetes' own."
    )
    service_account: str = option("", "Service account of the pods; empty: the namespace's.")
    automount_service_account_token: bool = option(
        False, "Whether a job can use Kubernetes' API as its service account."
    )
    resources: PodResources = option(PodResources(), "What containers ask for and may use.")
    security: Security = option(Security(), "What a job's processes may do.")
