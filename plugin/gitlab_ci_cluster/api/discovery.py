"""Discovery: the API's versions and resources, for clients that look them up first."""

from __future__ import annotations

import os
from functools import cache

from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.resources import KUBERNETES_VERSION, RESOURCES, Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@cache
def version() -> Obj:
    """`/version`: the Kubernetes that the answers are checked against."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}
    return {
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": f"{KUBERNETES_VERSION}+gitlab-ci-embedded",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "python",
        "platform": f"linux/{machine.get(os.uname().machine, os.uname().machine)}",
    }


def api_versions(address: str) -> Obj:
    """`/api`."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def api_groups() -> Obj:
    """`/apis`: empty, since only the core group is served."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": []}


def api_resources() -> Obj:
    """`/api/v1`."""
    entries = [entry for resource in RESOURCES.values() for entry in _entries(resource)]
    return {"kind": "APIResourceList", "groupVersion": "v1", "resources": entries}


def _entries(resource: Resource) -> list[Obj]:
    entry: Obj = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    subresources = [
        {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": "PodExecOptions" if name == "exec" else resource.kind,
            "verbs": list(verbs),
        }
        for name, verbs in resource.subresources
    ]
    return [entry, *subresources]


def aggregated(*, core: bool) -> Obj:
    """`/api` (core) or `/apis` for clients that want everything in one response."""
    versions = {
        "version": "v1",
        "resources": [_aggregated_entry(resource) for resource in RESOURCES.values()],
        "freshness": "Current",
    }
    items = [{"metadata": {}, "versions": [versions]}] if core else []
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_entry(resource: Resource) -> Obj:
    entry: Obj = {
        "resource": resource.plural,
        "responseKind": {"group": "", "version": "", "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": name,
                "responseKind": {"group": "", "version": "", "kind": resource.kind},
                "verbs": list(verbs),
            }
            for name, verbs in resource.subresources
        ]
    return entry
