"""The minimal OpenAPI that makes kubectl leave validation to the server."""

from __future__ import annotations

from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.resources import RESOURCES, Resource


def index() -> Obj:
    """`/openapi/v3`: where the documents are."""
    return {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=1"}}}


def document() -> Obj:
    """`/openapi/v3/api/v1`: that `PATCH` takes `fieldValidation`, which kubectl looks for."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.2"},
        "paths": {_path(resource): _operations(resource) for resource in RESOURCES.values()},
        "components": {"schemas": {}},
    }


def _path(resource: Resource) -> str:
    prefix = "/api/v1/namespaces/{namespace}" if resource.namespaced else "/api/v1"
    return f"{prefix}/{resource.plural}/{{name}}"


def _operations(resource: Resource) -> Obj:
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    content: Obj = {
        f"application/{kind}": {"schema": {"type": "object"}}
        for kind in ("merge-patch+json", "strategic-merge-patch+json")
    }
    operation = {
        "operationId": f"patch{resource.kind}",
        "parameters": parameters,
        "requestBody": {"content": content, "required": True},
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": "", "kind": resource.kind, "version": "v1"},
    }
    return {"patch": operation}
