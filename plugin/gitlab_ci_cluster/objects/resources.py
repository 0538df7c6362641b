"""Which version of Kubernetes is served, and which kinds of objects."""

from __future__ import annotations

from dataclasses import dataclass

KUBERNETES_VERSION = "v1.36.2"
"""The one whose answers the tests compare with."""

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of object.

    Attributes:
        plural: as in URLs.
        subresources: name and verbs of each.
        categories: groups for kubectl, for example `all`.
    """

    plural: str
    singular: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = _VERBS
    subresources: tuple[tuple[str, tuple[str, ...]], ...] = ()
    categories: tuple[str, ...] = ()


PODS = Resource(
    plural="pods",
    singular="pod",
    kind="Pod",
    short_names=("po",),
    subresources=(
        ("exec", ("create", "get")),
        ("log", ("get",)),
        ("status", ("get", "patch", "update")),
    ),
    categories=("all",),
)
SECRETS = Resource(plural="secrets", singular="secret", kind="Secret")
CONFIG_MAPS = Resource(
    plural="configmaps", singular="configmap", kind="ConfigMap", short_names=("cm",)
)
EVENTS = Resource(plural="events", singular="event", kind="Event", short_names=("ev",))
NAMESPACES = Resource(
    plural="namespaces",
    singular="namespace",
    kind="Namespace",
    namespaced=False,
    short_names=("ns",),
)
SERVICE_ACCOUNTS = Resource(
    plural="serviceaccounts",
    singular="serviceaccount",
    kind="ServiceAccount",
    short_names=("sa",),
)
NODES = Resource(
    plural="nodes",
    singular="node",
    kind="Node",
    namespaced=False,
    short_names=("no",),
    verbs=("get", "list", "watch"),
)

RESOURCES = {
    resource.plural: resource
    for resource in (
        CONFIG_MAPS,
        EVENTS,
        NAMESPACES,
        NODES,
        PODS,
        SECRETS,
        SERVICE_ACCOUNTS,
    )
}
"""By plural, all of group `""` and version `v1`."""
