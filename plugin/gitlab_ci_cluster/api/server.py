"""The HTTP server: authentication, routing, and errors as `Status`."""

from __future__ import annotations

import hmac
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from gitlab_ci_cluster.api import discovery, openapi, respond
from gitlab_ci_cluster.api.exec import exec_in_pod
from gitlab_ci_cluster.api.faults import Faults
from gitlab_ci_cluster.api.logs import read_log
from gitlab_ci_cluster.api.objects import Objects
from gitlab_ci_cluster.api.request import (
    BODY_BYTES,
    Target,
    boolean,
    parse_path,
)
from gitlab_ci_cluster.api.watch import watch
from gitlab_ci_cluster.kubelet.kubelet import Kubelet
from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.resources import PODS
from gitlab_ci_cluster.objects.store import Store

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OPEN_PATHS = ("/version", "/healthz", "/livez", "/readyz")


class ApiServer:
    """Answers requests from a store and a kubelet.

    Args:
        token: the only bearer token that is accepted.
        faults: how to misbehave, for tests.
    """

    def __init__(
        self, store: Store, kubelet: Kubelet, token: str, faults: Faults | None = None
    ) -> None:
        self._store = store
        self._kubelet = kubelet
        self._token = token
        self._faults = [faults.middleware] if faults else []
        self._objects = Objects(store)

    def application(self) -> web.Application:
        """Make the web application."""
        app = web.Application(
            middlewares=[self._errors, *self._faults, self._authentication],
            client_max_size=BODY_BYTES,
        )
        app.router.add_get("/version", self._version)
        for path in ("/healthz", "/livez", "/readyz"):
            app.router.add_get(path, self._health)
        app.router.add_get("/api", self._api)
        app.router.add_get("/apis", self._apis)
        app.router.add_get("/api/v1", self._resources)
        app.router.add_get("/openapi/v3", self._openapi_index)
        app.router.add_get("/openapi/v3/api/v1", self._openapi)
        app.router.add_route("*", "/api/v1/watch/{path:.+}", self._legacy_watch)
        app.router.add_route("*", "/api/v1/{path:.+}", self._dispatch)
        return app

    @web.middleware
    async def _errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return respond.answer(error.status, status=error.code)
        except web.HTTPNotFound:
            return web.Response(
                text="404 page not found\n",
                status=404,
                headers={"X-Content-Type-Options": "nosniff"},
            )
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:  # noqa: BLE001 - one bad request must not be the last
            _log.exception("%s %s", request.method, request.path)
            failure = ApiError(500, "Internal error occurred: see the log", reason="InternalError")
            return respond.answer(failure.status, status=500)

    @web.middleware
    async def _authentication(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in _OPEN_PATHS:
            self._authenticate(request)
        return await handler(request)

    def _authenticate(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            message = 'forbidden: User "system:anonymous" cannot use this cluster'
            raise ApiError(403, message, details={})
        if not hmac.compare_digest(token.strip().encode(), self._token.encode()):
            raise ApiError(401, "Unauthorized")

    async def _version(self, _: web.Request) -> web.Response:
        return respond.answer(discovery.version())

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _api(self, request: web.Request) -> web.Response:
        if _wants_aggregated(request):
            return _aggregated(core=True)
        return respond.answer(discovery.api_versions(request.host))

    async def _apis(self, request: web.Request) -> web.Response:
        if _wants_aggregated(request):
            return _aggregated(core=False)
        return respond.answer(discovery.api_groups())

    async def _resources(self, _: web.Request) -> web.Response:
        return respond.answer(discovery.api_resources())

    async def _openapi_index(self, _: web.Request) -> web.Response:
        return respond.answer(openapi.index())

    async def _openapi(self, _: web.Request) -> web.Response:
        return respond.answer(openapi.document())

    async def _legacy_watch(self, request: web.Request) -> web.StreamResponse:
        return await watch(request, parse_path(request.match_info["path"]), self._store)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        target = parse_path(request.match_info["path"])
        if _VERBS.get(request.method) not in {*target.resource.verbs, None}:
            raise _method_not_allowed()
        if target.subresource not in {None, "status"}:
            return await self._subresource(request, target)
        if target.name is None:
            return await self._collection(request, target)
        return await self._item(request, target)

    async def _collection(self, request: web.Request, target: Target) -> web.StreamResponse:
        if request.method == "GET":
            if boolean(request, "watch"):
                return await watch(request, target, self._store)
            return await self._objects.read_all(request, target)
        if request.method == "POST":
            return await self._objects.create(request, target)
        if request.method == "DELETE":
            return await self._objects.delete_collection(request, target)
        raise _method_not_allowed()

    async def _item(self, request: web.Request, target: Target) -> web.StreamResponse:
        if request.method == "GET" and boolean(request, "watch"):
            return await watch(request, target, self._store)
        handlers = {
            "GET": self._objects.get,
            "PUT": self._objects.replace,
            "PATCH": self._objects.patch,
            "DELETE": self._objects.delete,
        }
        if request.method not in handlers:
            raise _method_not_allowed()
        return await handlers[request.method](request, target)

    async def _subresource(self, request: web.Request, target: Target) -> web.StreamResponse:
        if target.resource is not PODS:
            raise errors.no_such_resource()
        pod = self._store.get(PODS, target.namespace or "", target.name or "")
        if target.subresource == "log":
            return await read_log(request, pod, self._kubelet)
        if target.subresource == "exec":
            return await exec_in_pod(request, pod, self._kubelet)
        raise errors.no_such_resource()


def _method_not_allowed() -> ApiError:
    return ApiError(
        405, "the server does not allow this method on the requested resource", details={}
    )


def _wants_aggregated(request: web.Request) -> bool:
    return "as=APIGroupDiscoveryList" in request.headers.get("Accept", "") and (
        "v=v2;" in request.headers.get("Accept", "")
    )


def _aggregated(*, core: bool) -> web.Response:
    body = respond.encode(discovery.aggregated(core=core))
    headers = {"Content-Type": discovery.AGGREGATED, "Vary": "Accept"}
    return web.Response(body=body, headers=headers)


async def serve(
    app: web.Application, host: str, port: int, context: ssl.SSLContext
) -> tuple[web.AppRunner, int]:
    """Listen; return the runner to clean up and the port.

    Raises:
        OSError: the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
    await runner.setup()
    try:
        await listen(runner, host, port, context)
    except OSError:
        with suppress(OSError):
            await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])


async def listen(runner: web.AppRunner, host: str, port: int, context: ssl.SSLContext) -> None:
    """Take connections.

    Raises:
        OSError: the port is taken.
    """
    await web.TCPSite(runner, host, port, ssl_context=context).start()
