"""What a request is about: resource, namespace, name, body, options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import yaml
from aiohttp import web

from gitlab_ci_cluster.api import protobuf
from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.resources import NAMESPACES, RESOURCES, Resource

BODY_BYTES = 3 << 20
"""The API server's own limit."""

_JSON_TYPES = ("application/json", "")
_UNKNOWN_FORMAT = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json, application/yaml, application/vnd.kubernetes.protobuf"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path names.

    Attributes:
        namespace: None means all namespaces, or none.
        name: None means all objects.
    """

    resource: Resource
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None


def parse_path(path: str) -> Target:
    """Read a path below `/api/v1/`.

    Raises:
        ApiError: 404, there is no such resource.
    """
    parts = [part for part in path.split("/") if part]
    if len(parts) > 2 and parts[0] == "namespaces" and parts[2] not in {"status", "finalize"}:
        target = _target(parts[2:], namespace=parts[1])
    else:
        target = _target(parts, namespace=None)
    if target.namespace is not None and not target.resource.namespaced:
        raise errors.no_such_resource()
    return target


def _target(parts: list[str], namespace: str | None) -> Target:
    resource = RESOURCES.get(parts[0]) if parts else None
    if resource is None or len(parts) > 3:
        raise errors.no_such_resource()
    names = [*parts[1:], None, None]
    if resource is NAMESPACES and namespace is not None:
        raise errors.no_such_resource()
    return Target(resource=resource, namespace=namespace, name=names[0], subresource=names[1])


async def read_body(request: web.Request) -> bytes:
    """Read a body.

    Raises:
        ApiError: 413, it is too large.
    """
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(413, f"Request entity too large: limit is {BODY_BYTES}") from error


async def read_object(request: web.Request, kind: str) -> Obj:
    """Read an object that a client sends, as JSON or YAML.

    Raises:
        ApiError: it is not valid.
    """
    data = await read_body(request)
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
    if content_type == "application/yaml":
        obj = decode_yaml(data)
    elif content_type == protobuf.CONTENT_TYPE:
        obj = protobuf.decode(data)
    elif content_type in _JSON_TYPES:
        obj = decode_json(data, kind)
    else:
        raise ApiError(415, _UNKNOWN_FORMAT)
    if not isinstance(obj, dict):
        raise ApiError(400, f"the object provided is unrecognized (must be of type {kind})")
    return obj


def decode_json(data: bytes, kind: str) -> Any:
    """Read JSON.

    Raises:
        ApiError: 400, it is not valid.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        shown = data[:512].decode(errors="replace") or "<empty>"
        problem = "unexpected end of JSON input" if "truncated" in str(error) else str(error)
        raise ApiError(
            400,
            f"the object provided is unrecognized (must be of type {kind}): couldn't get "
            f"version/kind; json parse error: {problem} ({shown})",
        ) from error


def decode_yaml(data: bytes) -> Any:
    """Read YAML.

    Raises:
        ApiError: 400, it is not valid.
    """
    try:
        return yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise ApiError(400, f"error converting YAML to JSON: {error}") from error


async def read_options(request: web.Request) -> Obj:
    """Read `DeleteOptions` from body and query.

    Raises:
        ApiError: they cannot be read.
    """
    data = await read_body(request)
    options = decode_json(data, "DeleteOptions") if data else {}
    if not isinstance(options, dict):
        raise ApiError(400, "the object provided is unrecognized (must be of type DeleteOptions)")
    if "gracePeriodSeconds" in request.query:
        options["gracePeriodSeconds"] = integer(request, "gracePeriodSeconds")
    if "propagationPolicy" in request.query:
        options["propagationPolicy"] = request.query["propagationPolicy"]
    return options


def integer(request: web.Request, name: str) -> int | None:
    """Read a whole number from the query.

    Raises:
        ApiError: 400, it is not valid.
    """
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise ApiError(400, f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def boolean(request: web.Request, name: str) -> bool:
    """Read a flag from the query."""
    return request.query.get(name, "").lower() in {"true", "1", "t"}
