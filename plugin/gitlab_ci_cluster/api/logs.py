"""`pods/log`."""

from __future__ import annotations

import time
from contextlib import suppress

from aiohttp import web

from gitlab_ci_cluster.api import request as requests
from gitlab_ci_cluster.api.respond import begin_stream
from gitlab_ci_cluster.kubelet.kubelet import Kubelet
from gitlab_ci_cluster.kubelet.logs import ContainerLog, LogOptions
from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj, parse_time

_NANOSECONDS = 1_000_000_000
_WAITING_TEXTS = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


async def read_log(request: web.Request, pod: Obj, kubelet: Kubelet) -> web.StreamResponse:
    """`GET` of a container's log."""
    options = _options(request, pod)
    container = choose_container(pod, request.query.get("container"))
    if not pod["spec"].get("nodeName"):
        return web.Response(status=204)
    previous = requests.boolean(request, "previous")
    log = _find_log(pod, container, kubelet, previous=previous)
    response = await begin_stream(request, "text/plain")
    with suppress(ConnectionError):  # the client has gone
        async for piece in log.read(options):
            await response.write(piece)
        await response.write_eof()
    return response


def choose_container(pod: Obj, name: str | None) -> str:
    """Find the named container, or the only one.

    Raises:
        ApiError: 400, there is no container of that name, or there are several.
    """
    spec = pod["spec"]
    apps = [container["name"] for container in spec["containers"]]
    shown = pod["metadata"]["name"]
    if not name:
        if len(apps) == 1:
            return str(apps[0])
        choices = f"[{' '.join(apps)}]"
        inits = [container["name"] for container in spec.get("initContainers", [])]
        also = f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
        raise ApiError(
            400,
            f"a container name must be specified for pod {shown}, choose one of: {choices}{also}",
        )
    everyone = [*apps, *(container["name"] for container in spec.get("initContainers", []))]
    if name not in everyone:
        raise ApiError(400, f"container {name} is not valid for pod {shown}")
    return name


def _find_log(pod: Obj, container: str, kubelet: Kubelet, *, previous: bool) -> ContainerLog:
    worker = kubelet.worker(pod["metadata"]["uid"])
    runner = worker.containers.get(container) if worker else None
    shown = f'container "{container}" in pod "{pod["metadata"]["name"]}"'
    if previous:
        if runner is None or runner.previous_log is None:
            raise ApiError(400, f"previous terminated {shown} not found")
        return runner.previous_log
    if runner is not None and runner.log is not None:
        return runner.log
    raise ApiError(400, f"{shown} is waiting to start: {_why_waiting(pod, container)}")


def _why_waiting(pod: Obj, container: str) -> str:
    statuses = [
        *pod["status"].get("initContainerStatuses", []),
        *pod["status"].get("containerStatuses", []),
    ]
    for status in statuses:
        if status["name"] == container:
            waiting: dict[str, str] = status["state"].get("waiting", {})
            reason = waiting.get("reason", "ContainerCreating")
            return _WAITING_TEXTS.get(reason, reason)
    return "ContainerCreating"


def _options(request: web.Request, pod: Obj) -> LogOptions:
    causes = []
    tail = requests.integer(request, "tailLines")
    limit = requests.integer(request, "limitBytes")
    seconds = requests.integer(request, "sinceSeconds")
    since = _since_time(request)
    if tail is not None and tail < 0:
        message = f"Invalid value: {tail}: must be greater than or equal to 0"
        causes.append(errors.cause("Invalid", message, "tailLines"))
    for name, value in (("limitBytes", limit), ("sinceSeconds", seconds)):
        if value is not None and value < 1:
            message = f"Invalid value: {value}: must be greater than 0"
            causes.append(errors.cause("Invalid", message, name))
    if since is not None and seconds is not None:
        text = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        causes.append(errors.cause("Forbidden", text, "[]"))
    if "stream" in request.query:
        causes.append(errors.cause("Forbidden", "Forbidden: may not be specified", "stream"))
    if causes:
        raise errors.invalid("PodLogOptions", pod["metadata"]["name"], causes)
    if seconds is not None:
        since = time.time_ns() - seconds * _NANOSECONDS
    return LogOptions(
        follow=requests.boolean(request, "follow"),
        timestamps=requests.boolean(request, "timestamps"),
        since=since,
        tail=tail,
        limit=limit,
    )


def _since_time(request: web.Request) -> int | None:
    """Read `sinceTime`, cut to whole seconds as the API server does."""
    text = request.query.get("sinceTime")
    if text is None:
        return None
    try:
        return int(parse_time(text).timestamp()) * _NANOSECONDS
    except ValueError as error:
        layout = "2006-01-02T15:04:05Z07:00"
        message = f'parsing time "{text}" as "{layout}": cannot parse "{text}" as "2006"'
        raise ApiError(400, message) from error
