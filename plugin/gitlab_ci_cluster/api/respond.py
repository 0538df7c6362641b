"""Answers: JSON, YAML or what else a client asked for in `Accept`."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

import msgspec
import yaml
from aiohttp import web

from gitlab_ci_cluster.api import tables
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.resources import Resource

_AVAILABLE = (
    "application/json, application/yaml, application/vnd.kubernetes.protobuf, "
    "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
)

STREAM: ContextVar[Callable[[dict[str, str]], web.StreamResponse] | None]
STREAM = ContextVar("stream", default=None)
"""How this request is answered when a fault changes that."""


def encode(value: object) -> bytes:
    """Write JSON."""
    return msgspec.json.encode(value)


def answer(
    body: object, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """Answer with JSON."""
    headers = {"Cache-Control": "no-cache, private", **(headers or {})}
    return web.Response(
        body=encode(body) + b"\n", status=status, content_type="application/json", headers=headers
    )


def form_of(request: web.Request) -> str:
    """Return the form in which a client wants objects: `json`, `yaml`, `table` or `metadata`.

    Raises:
        ApiError: 406, no such form is supported.
    """
    accepted = request.headers.get("Accept", "*/*")
    for option in accepted.split(","):
        parts = [part.strip() for part in option.split(";")]
        form = _form(parts[0], parts[1:])
        if form is not None:
            return form
    message = f"406: Not Acceptable\n\nAvailable representations: {_AVAILABLE}"
    raise ApiError(406, message, details={})


def _form(media_type: str, parameters: list[str]) -> str | None:
    if media_type in {"application/yaml", "text/yaml"}:
        return "yaml"
    if media_type not in {"application/json", "application/*", "*/*"}:
        return None
    kind = next((parameter[3:] for parameter in parameters if parameter.startswith("as=")), "")
    if kind == "Table":
        return "table"
    return "metadata" if kind.startswith("PartialObjectMetadata") else "json"


def show(obj: Obj, resource: Resource, form: str, include: str = "Metadata") -> Obj:
    """Return an object in the requested form."""
    if form == "table":
        return tables.table(resource, [obj], obj["metadata"], include)
    if form == "metadata":
        return metadata_only(obj)
    return obj


def show_list(
    items: list[Obj], resource: Resource, metadata: Obj, form: str, include: str = "Metadata"
) -> Obj:
    """Return a list of objects in the requested form."""
    if form == "table":
        return tables.table(resource, items, metadata, include)
    if form == "metadata":
        kind, version, items = (
            "PartialObjectMetadataList",
            "meta.k8s.io/v1",
            [metadata_only(item) for item in items],
        )
    else:
        kind, version = f"{resource.kind}List", "v1"
        items = [_without_kind(item) for item in items]
    return {"kind": kind, "apiVersion": version, "metadata": metadata, "items": items}


def metadata_only(obj: Obj) -> Obj:
    """Return the metadata of an object as an object."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


def _without_kind(obj: Obj) -> Obj:
    return {key: value for key, value in obj.items() if key not in {"kind", "apiVersion"}}


def respond(
    request: web.Request, body: Obj, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """Answer with an object in the requested encoding."""
    if form_of(request) == "yaml":
        text = yaml.safe_dump(body, default_flow_style=False)
        return web.Response(text=text, status=status, content_type="application/yaml")
    return answer(body, status=status, headers=headers)


async def begin_stream(request: web.Request, content_type: str) -> web.StreamResponse:
    """Begin a response of unknown length."""
    headers = {"Content-Type": content_type, "Cache-Control": "no-cache, private"}
    make = STREAM.get()
    response = make(headers) if make else web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    return response
