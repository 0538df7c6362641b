"""Create, read, list, change and delete objects."""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from gitlab_ci_cluster.admission import admit
from gitlab_ci_cluster.api import request as requests
from gitlab_ci_cluster.api import respond
from gitlab_ci_cluster.api.patch import apply_patch
from gitlab_ci_cluster.api.request import Target
from gitlab_ci_cluster.controllers import deletion
from gitlab_ci_cluster.objects import errors, schema, selectors
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj, is_deleting, key_of
from gitlab_ci_cluster.objects.resources import NAMESPACES, PODS, SERVICE_ACCOUNTS
from gitlab_ci_cluster.objects.store import Store

_ETCD_BYTES = 3 << 19
"""etcd refuses what is larger: 1.5 MiB."""


class Objects:
    """The handlers of the objects in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, request: web.Request, target: Target) -> web.Response:
        """`POST` on a collection."""
        resource = target.resource
        namespace = target.namespace or ("default" if resource.namespaced else "")
        dry = _is_dry_run(request, "CreateOptions")
        sent = await requests.read_object(request, resource.kind)
        sent, headers = _decode(request, target, sent)
        if resource.namespaced:
            self._store.get(NAMESPACES, "", namespace)
        obj = admit.prepare_new(resource, namespace, sent)
        if len(respond.encode(obj)) > _ETCD_BYTES:
            raise ApiError(500, "etcdserver: request is too large", reason="")
        self._admit(target, obj)
        created = obj if dry else self._store.create(resource, obj)
        body = respond.show(created, resource, respond.form_of(request))
        return respond.respond(request, body, status=201, headers=headers)

    def _admit(self, target: Target, obj: Obj) -> None:
        """Refuse what cannot work: a namespace being deleted, a missing service account."""
        namespace = self._store.find(NAMESPACES, "", obj["metadata"].get("namespace", ""))
        plural, name = target.resource.plural, obj["metadata"]["name"]
        if namespace is not None and is_deleting(namespace):
            shown = namespace["metadata"]["name"]
            why = (
                f"unable to create new content in namespace {shown} because it is being terminated"
            )
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {shown} is being terminated",
                "field": "metadata.namespace",
            }
            raise errors.forbidden(plural, name, why, [cause])
        if target.resource is not PODS or self._store.find(PODS, *key_of(obj)):
            return
        account, space = obj["spec"]["serviceAccountName"], obj["metadata"]["namespace"]
        if self._store.find(SERVICE_ACCOUNTS, space, account) is None:
            why = f"error looking up service account {space}/{account}: serviceaccount"
            raise errors.forbidden(plural, name, f'{why} "{account}" not found')

    async def get(self, request: web.Request, target: Target) -> web.Response:
        """`GET` of one object."""
        obj = self._find(target)
        include = request.query.get("includeObject", "Metadata")
        body = respond.show(obj, target.resource, respond.form_of(request), include)
        return respond.respond(request, body)

    async def read_all(self, request: web.Request, target: Target) -> web.Response:
        """`GET` of a collection, with selectors, in pages."""
        form = respond.form_of(request)
        self._check_version(request)
        items = self._select(request, target)
        limit = requests.integer(request, "limit") or 0
        items, metadata = self._page(items, limit, request.query.get("continue", ""))
        include = request.query.get("includeObject", "Metadata")
        return respond.respond(
            request, respond.show_list(items, target.resource, metadata, form, include)
        )

    def _select(self, request: web.Request, target: Target) -> list[Obj]:
        matches = selection(request, target)
        objects = self._store.all(target.resource, target.namespace)
        return [obj for obj in objects if matches(obj)]

    def _check_version(self, request: web.Request) -> None:
        version, match = (
            request.query.get("resourceVersion"),
            request.query.get("resourceVersionMatch"),
        )
        if match and not version:
            text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            cause = errors.cause("Forbidden", f"Forbidden: {text}", "resourceVersionMatch")
            raise errors.invalid("ListOptions", "", [cause], group="meta.k8s.io")
        if version and version.isdigit() and int(version) > self._store.version:
            details = {
                "causes": [
                    {
                        "reason": "ResourceVersionTooLarge",
                        "message": "Too large resource version",
                    }
                ],
                "retryAfterSeconds": 1,
            }
            text = f"Too large resource version: {version}, current: {self._store.version}"
            raise ApiError(504, f"Timeout: {text}", details=details)

    def _page(self, items: list[Obj], limit: int, token: str) -> tuple[list[Obj], Obj]:
        metadata: Obj = {"resourceVersion": str(self._store.version)}
        if token:
            after = _read_token(token)
            items = [item for item in items if key_of(item) > after]
        if limit and len(items) > limit:
            rest = len(items) - limit
            items = items[:limit]
            metadata |= {"continue": _write_token(items[-1]), "remainingItemCount": rest}
        return items, metadata

    async def replace(self, request: web.Request, target: Target) -> web.Response:
        """`PUT`."""
        sent = await requests.read_object(request, target.resource.kind)
        # After the wait for the body: others may have written meanwhile, and the version must tell.
        return self._update(request, target, self._find(target), sent)

    async def patch(self, request: web.Request, target: Target) -> web.Response:
        """`PATCH`; applying an object that is not there creates it."""
        content_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
        data = await requests.read_body(request)
        if content_type == "application/apply-patch+yaml":
            patch = requests.decode_yaml(data)
            _check_field_manager(request)
            found = self._store.find(target.resource, target.namespace or "", target.name or "")
            if found is None:
                return self._create_applied(request, target, patch)
        else:
            patch = requests.decode_json(data, target.resource.kind)
        before = self._find(target)
        return self._update(request, target, before, apply_patch(before, patch, content_type))

    def _create_applied(self, request: web.Request, target: Target, sent: Any) -> web.Response:
        if not isinstance(sent, dict):
            raise ApiError(400, "the object provided is unrecognized")
        sent, _ = _decode(request, target, sent)
        obj = admit.prepare_new(target.resource, target.namespace or "", sent)
        self._admit(target, obj)
        return respond.respond(request, self._store.create(target.resource, obj), status=201)

    def _update(self, request: web.Request, target: Target, before: Obj, sent: Obj) -> web.Response:
        resource = target.resource
        sent, headers = _decode(request, target, sent)
        if target.subresource == "status":
            sent = {**before, "status": sent.get("status", before.get("status"))}
        elif "status" in before:
            sent = {**sent, "status": before["status"]}
        obj = admit.prepare_update(resource, before, sent)
        if not _is_dry_run(request, "PatchOptions"):
            obj = self._store.update(resource, obj)
        body = respond.show(obj, resource, respond.form_of(request))
        return respond.respond(request, body, headers=headers)

    async def delete(self, request: web.Request, target: Target) -> web.Response:
        """`DELETE` of one object."""
        options = await requests.read_options(request)
        obj = self._find(target)
        if _is_dry_run(request, "DeleteOptions"):
            return respond.respond(request, obj)
        deleted = deletion.delete(self._store, target.resource, obj, options)
        if target.resource in {PODS, NAMESPACES} or is_deleting(deleted):
            return respond.respond(request, deleted)
        details = {"name": target.name, "kind": target.resource.plural}
        details["uid"] = obj["metadata"]["uid"]
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return respond.respond(request, {**status, "details": details})

    async def delete_collection(self, request: web.Request, target: Target) -> web.Response:
        """`DELETE` of all objects that a selector matches."""
        options = await requests.read_options(request)
        items = self._select(request, target)
        for item in items:
            if self._store.find(target.resource, *key_of(item)):
                deletion.delete(self._store, target.resource, item, options)
        metadata = {"resourceVersion": str(self._store.version)}
        return respond.respond(request, respond.show_list(items, target.resource, metadata, "json"))

    def _find(self, target: Target) -> Obj:
        return self._store.get(target.resource, target.namespace or "", target.name or "")


def selection(request: web.Request, target: Target) -> selectors.Predicate:
    """Read the label and field selector of a request.

    Raises:
        ApiError: 400, one cannot be read.
    """
    labels = selectors.parse_labels(request.query.get("labelSelector", ""))
    fields = selectors.parse_fields(request.query.get("fieldSelector", ""), target.resource.plural)
    name = target.name

    def matches(obj: Any) -> bool:
        return labels(obj) and fields(obj) and (name is None or obj["metadata"]["name"] == name)

    return matches


def _decode(request: web.Request, target: Target, sent: Obj) -> tuple[Obj, dict[str, str]]:
    """Check the types in a body; return it with headers that warn of unknown fields."""
    kind = target.resource.kind
    admit.check_kind(target.resource, sent)
    obj, unknown = schema.read_object(sent, kind)
    texts = [f'unknown field "{name}"' for name in unknown]
    validation = request.query.get("fieldValidation", "Warn")
    if texts and validation == "Strict":
        raise errors.undecodable(kind, f"strict decoding error: {', '.join(texts)}")
    if not texts or validation == "Ignore":
        return obj, {}
    return obj, {"Warning": ", ".join(f"299 - {json.dumps(text)}" for text in texts)}


def _is_dry_run(request: web.Request, kind: str) -> bool:
    values = request.query.getall("dryRun", [])
    if any(value != "All" for value in values):
        shown = json.dumps(values)
        message = f'Unsupported value: {shown}: supported values: "All"'
        cause = errors.cause("NotSupported", message, "dryRun")
        raise errors.invalid(kind, "", [cause], group="meta.k8s.io")
    return bool(values)


def _check_field_manager(request: web.Request) -> None:
    if not request.query.get("fieldManager"):
        message = "Required value: is required for apply patch"
        cause = errors.cause("Required", message, "fieldManager")
        raise errors.invalid("PatchOptions", "", [cause], group="meta.k8s.io")


def _write_token(item: Obj) -> str:
    return base64.urlsafe_b64encode(json.dumps(key_of(item)).encode()).decode()


def _read_token(token: str) -> tuple[str, str]:
    try:
        namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError) as error:
        message = f"invalid continue token: continue key is not valid: {error}"
        raise ApiError(400, message) from error
    return str(namespace), str(name)
