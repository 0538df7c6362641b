"""Images of well-known servers: their ports, and how each of them says that it is ready.

A port that accepts connections is not enough for some of them: they answer while they still start.
Nothing can be read from an image before it runs, so this is a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitlab_ci_provider.model.plan import ServiceProtocol
from gitlab_ci_provider.planner.service_names import repository, tag

HEALTHCHECK = "HEALTHCHECK_TCP_PORT"
"""A variable of a service that names its port, as with GitLab Runner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What a server listens on.

    Attributes:
        port: unless its variable says something else.
        variable: with which the image can be told another port.
    """

    port: int
    protocol: ServiceProtocol = "tcp"
    variable: str = ""


_POSTGRES = Server(port=5432, protocol="postgres", variable="PGPORT")
_MYSQL = Server(port=3306, protocol="mysql", variable="MYSQL_TCP_PORT")
_REDIS = Server(port=6379, protocol="redis")
_SEARCH = Server(port=9200, protocol="http")
_MONGO = Server(port=27017, protocol="outside")
_SELENIUM = Server(port=4444, protocol="http")

_SERVERS = {
    "postgres": _POSTGRES,
    "postgresql": _POSTGRES,
    "postgis": _POSTGRES,
    "pgvector": _POSTGRES,
    "timescaledb": _POSTGRES,
    "mysql": _MYSQL,
    "mysql-server": _MYSQL,
    "mariadb": _MYSQL,
    "percona": _MYSQL,
    "redis": _REDIS,
    "redis-stack-server": _REDIS,
    "valkey": _REDIS,
    "keydb": _REDIS,
    "mongo": _MONGO,
    "rabbitmq": Server(port=5672, protocol="amqp", variable="RABBITMQ_NODE_PORT"),
    "elasticsearch": _SEARCH,
    "opensearch": _SEARCH,
    "memcached": Server(port=11211),
    "standalone-chrome": _SELENIUM,
    "standalone-firefox": _SELENIUM,
    "nginx": Server(port=80),
    "httpd": Server(port=80),
}
"""By the last part of the image's name."""

_DOCKER_TLS, _DOCKER_PLAIN = 2376, 2375


def known_server(image: str, environment: Mapping[str, str]) -> Server | None:
    """Find what is known about an image; None for nothing.

    Args:
        image: its name, with or without version.
        environment: of the service.
    """
    name = repository(image).rpartition("/")[2]
    if _is_docker(name, tag(image)):
        plain = environment.get("DOCKER_TLS_CERTDIR") == ""
        return Server(port=_DOCKER_PLAIN if plain else _DOCKER_TLS)
    server = _SERVERS.get(name)
    told = environment.get(server.variable, "") if server else ""
    if server is None or not is_port(told):
        return server
    return Server(port=int(told), protocol=server.protocol)


def is_port(text: str) -> bool:
    """Tell whether a text is the number of a port."""
    return text.isascii() and text.isdigit() and 0 < int(text[:6]) <= 65535 and len(text) <= 5


def _is_docker(name: str, version: str) -> bool:
    return name.endswith("-dind") or (name == "docker" and "dind" in version.split("-"))
