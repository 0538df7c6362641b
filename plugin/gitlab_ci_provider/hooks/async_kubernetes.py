"""Kubernetes' API for a triggerer: asynchronous, and bytes instead of models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from airflow.sdk.exceptions import AirflowException

from gitlab_ci_provider.hooks.kubernetes import unusable

PASSING = (aiohttp.ClientError, TimeoutError, OSError)
"""Raised when nobody answers; repeating may help."""

_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 60


class RefusedError(Exception):
    """Kubernetes has answered with an error.

    Attributes:
        status: its code.
    """

    def __init__(self, status: int, text: str):
        super().__init__(f"{status}: {text[:500]}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Place:
    """Where pods are: an Airflow connection and a namespace."""

    connection: str
    namespace: str


@dataclass(slots=True)
class Login:
    """Who a connection says it is; a plugin of the kubeconfig gives tokens that last for minutes.

    Attributes:
        hook: of the connection.
        times: how often it has logged in.
    """

    hook: Any
    times: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def renew(self, seen: int) -> None:
        """Log in again, unless another request has done so since this one saw the number."""
        async with self._lock:
            if seen == self.times:
                async with self.hook.get_conn():  # reads the configuration, which clients share
                    self.times += 1


@dataclass(frozen=True, slots=True)
class Cluster:
    """A namespace of a cluster that is connected."""

    api: Any
    namespace: str
    login: Login

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Ask for something below the namespace.

        Raises:
            RefusedError: the answer is an error.
        """
        async with self._asked("GET", path, query or {}, _ANSWER_SECONDS) as response:
            return bytes(await response.read())

    async def delete(self, path: str, body: Mapping[str, Any]) -> None:
        """Delete something below the namespace.

        Raises:
            RefusedError: the answer is an error.
        """
        async with self._asked("DELETE", path, {}, _ANSWER_SECONDS, body) as response:
            await response.read()

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Ask for something that goes on.

        Raises:
            RefusedError: the answer is an error.
        """
        async with self._asked("GET", path, query, silence) as response:
            yield response.content

    @asynccontextmanager
    async def lines(
        self, path: str, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Ask for lines that go on.

        Raises:
            RefusedError: the answer is an error.
        """
        async with self.stream(path, query, silence) as content:
            yield _lines(content)

    @asynccontextmanager
    async def _asked(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        silence: float,
        body: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        seen = self.login.times
        response = await self._answered(method, path, query, silence, body)
        if response.status == 401:
            response.close()
            await self.login.renew(seen)
            response = await self._answered(method, path, query, silence, body)
        try:
            if response.status >= 300:
                raise RefusedError(response.status, await response.text())
            yield response
        finally:
            response.close()

    async def _answered(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        silence: float,
        body: Mapping[str, Any] | None,
    ) -> aiohttp.ClientResponse:
        response: aiohttp.ClientResponse = await self.api.call_api(
            f"/api/v1/namespaces/{self.namespace}/{path}",
            method,
            {},
            list(query.items()),
            {"Accept": "*/*", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=False,
            _request_timeout=(_CONNECT_SECONDS, silence),
        )
        return response


@asynccontextmanager
async def connected(place: Place) -> AsyncIterator[Cluster]:
    """Connect; as many requests as there are followers may go on at once.

    Raises:
        SettingsError: the connection is missing or wrong, or there is no usable kubeconfig.
    """
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import AsyncKubernetesHook
    from kubernetes_asyncio.client import Configuration
    from kubernetes_asyncio.config import ConfigException

    configuration = Configuration()
    configuration.connection_pool_maxsize = 0
    hook = AsyncKubernetesHook(
        conn_id=place.connection, config_dict=None, client_configuration=configuration
    )
    async with AsyncExitStack() as opened:
        try:
            api = await opened.enter_async_context(hook.get_conn())
        except (AirflowException, ConfigException) as problem:
            raise unusable(place.connection, problem) from problem
        yield Cluster(api, place.namespace, Login(hook))


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    while chunk := await content.readany():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield line
