"""Parts of a runner: what its containers may use and do, where they run, what jobs may change.

These dataclasses are the form of the runners file, too: its reader, its JSON Schema and its
reference page are made from their fields. GitLab's names stand for what GitLab has. What Kubernetes
alone decides about is written as Kubernetes writes it, and `kubernetes` names its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Manifest = Mapping[str, object]
"""A part of a pod as Kubernetes writes it in YAML."""

PodSecurity = Literal["baseline", "restricted"]
PatchType = Literal["merge", "json", "strategic"]
DnsPolicy = Literal["", "None", "Default", "ClusterFirst", "ClusterFirstWithHostNet"]
Form = Literal[
    "",
    "quantity",
    "regex",
    "glob",
    "label",
    "variable",
    "flag",
    "airflow",
    "path",
    "bucket",
    "name",
]


def option(default: Any, description: str, kubernetes: str = "", form: Form = "") -> Any:
    """Declare an option.

    Args:
        default: its default.
        description: for users.
        kubernetes: its type in Kubernetes' client, or that of its items.
        form: what its text, each of its texts or each of its keys must be.
    """
    about = {"description": description, "kubernetes": kubernetes, "form": form}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Quantities as Kubernetes writes them, such as `500m` or `2Gi`; empty says nothing."""

    cpu: str = option("", "Cores: `500m`, `2`.", form="quantity")
    memory: str = option("", "Bytes: `512Mi`, `2Gi`.", form="quantity")
    ephemeral_storage: str = option("", "Bytes on the node's disk: `10Gi`.", form="quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What containers ask for and may use."""

    requests: Amounts = option(Amounts(), "What the scheduler reserves.")
    limits: Amounts = option(Amounts(), "What may be used at most.")
    max_requests: Amounts = option(
        Amounts(), "The most that a job's variables may request; empty: they change nothing."
    )
    max_limits: Amounts = option(
        Amounts(), "The highest limits that a job's variables may set; empty: they change nothing."
    )


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
class Overrides:
    """What a job may change with variables: regular expressions (RE2) of what it may say."""

    namespace: str = option("", "`KUBERNETES_NAMESPACE_OVERWRITE`.", form="regex")
    service_account: str = option("", "`KUBERNETES_SERVICE_ACCOUNT_OVERWRITE`.", form="regex")
    bearer_token: bool = option(False, "`KUBERNETES_BEARER_TOKEN`.")
    pod_labels: str = option("", "`KUBERNETES_POD_LABELS_*`: `key=value`.", form="regex")
    pod_annotations: str = option("", "`KUBERNETES_POD_ANNOTATIONS_*`: `key=value`.", form="regex")
    node_selector: str = option("", "`KUBERNETES_NODE_SELECTOR_*`: `key=value`.", form="regex")
    node_tolerations: str = option(
        "", "`KUBERNETES_NODE_TOLERATIONS_*`: `key[=value]:effect`.", form="regex"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """On which nodes pods run, and in which order."""

    node_selector: Mapping[str, str] = option({}, "Labels that the node must have.")
    tolerations: tuple[Manifest, ...] = option((), "Taints that pods bear.", "V1Toleration")
    affinity: Manifest = option({}, "Which nodes and neighbours pods want.", "V1Affinity")
    topology_spread_constraints: tuple[Manifest, ...] = option(
        (), "How pods are spread.", "V1TopologySpreadConstraint"
    )
    priority_class_name: str = option("", "Priority class.", form="name")
    runtime_class_name: str = option("", "Runtime class, such as `gvisor`.", form="name")
    scheduler_name: str = option("", "Another scheduler than the cluster's usual one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How pods find other hosts."""

    dns_policy: DnsPolicy = option("", "How names are resolved; empty: Kubernetes' default.")
    dns_config: Manifest = option({}, "Name servers, searches, options.", "V1PodDNSConfig")
    host_aliases: tuple[Manifest, ...] = option((), "Lines of /etc/hosts.", "V1HostAlias")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPatch:
    """A change to the finished pod's `spec`."""

    name: str = option("", "What it is for, in messages.")
    type: PatchType = option("strategic", "As `kubectl patch --type`.")
    patch: object = option(None, "The patch: a mapping, or a list of operations for `json`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerService:
    """A service that every job of the runner gets, before its own."""

    name: str = option("", "Image; may hold variables.")
    alias: tuple[str, ...] = option((), "Host names, in addition to those made from the image.")
    entrypoint: tuple[str, ...] = option((), "Instead of the image's own.")
    command: tuple[str, ...] = option((), "Instead of the image's own.")
    environment: Mapping[str, str] = option(
        {}, "Variables of this service only; may hold variables.", form="variable"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAccess:
    """A cluster that jobs of some environments may deploy to; the first that matches counts."""

    environments: tuple[str, ...] = option(
        (), "Names of environments; `*` stands for any characters."
    )
    service_account: str = option(
        "",
        "Account of these jobs' pods in their own cluster; `KUBECONFIG` uses its token.",
        form="name",
    )
    kubeconfig_secret: str = option(
        "",
        "Secret in the namespace of the pods whose key `config` is a kubeconfig.",
        form="name",
    )
    namespace: str = option(
        "", "`KUBE_NAMESPACE`: where to deploy to; may hold variables, such as `$CI_PROJECT_NAME`."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStore:
    """Where the jobs of a runner keep their caches, and under which names."""

    connection: str = option(
        "", "Airflow connection of the object store; empty: `object_store_conn_id`."
    )
    bucket: str = option("", "Bucket; empty: that of the connection.", form="bucket")
    path: str = option("", "Put before the names of caches.", form="path")
    shared: bool = option(
        True, "Whether runners with the same store share caches; else names hold the runner's."
    )
