"""The services of a job: what each container is, what it gets, and when it is ready.

A service gets the variables that are predefined or in the file, and its own. Its own are expanded
with all of the job's, so `POSTGRES_PASSWORD: $PASSWORD` can pass on a secret that it would not see
otherwise (GitLab Runner's `GetServiceVariables`). All values travel in the pod's Secret.

Unlike GitLab, which with Kubernetes waits only for `HEALTHCHECK_TCP_PORT`, a job waits until the
servers that are known by their image answer. A service with a command or an entrypoint of its own
may listen elsewhere, so time that is over for it is only a warning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.plan import ServiceCheck
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner.known_services import (
    HEALTHCHECK,
    Server,
    is_port,
    known_server,
)
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.planner.service_names import container_names, image_hosts, is_host
from gitlab_ci_provider.variables.expand import expand

_OVERRIDES = "KUBERNETES_SERVICE_"

_GUESS_SECONDS = 30
"""How long to wait for a port that may be wrong: GitLab's `wait_for_services_timeout`."""

_ENVIRONMENT_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]{0,126}")
"""What every Kubernetes takes as the name of a variable, and of the key that holds its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesPlan:
    """All about the services of a job.

    Attributes:
        services: for the pod.
        checks: for the helper, which waits for them.
        secret: values of their variables, by the Secret's key.
    """

    services: tuple[PlannedService, ...] = ()
    checks: tuple[ServiceCheck, ...] = ()
    secret: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One service with its texts expanded."""

    name: str
    image: Image
    aliases: tuple[str, ...]
    written: Service
    own: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def hosts(self) -> tuple[str, ...]:
        usable = filter(is_host, image_hosts(self.image.name))
        return tuple(dict.fromkeys((*usable, *self.aliases)))


def plan_services(request: PlanRequest) -> ServicesPlan:
    """Plan the services of a job.

    Raises:
        SystemFailure: the file says something of a service that no pod can be.
    """
    if not request.job.services:
        return ServicesPlan(secret={})
    services = _read(request)
    planned = tuple(_planned(service) for service in services)
    secret = {
        key: service.environment[name]
        for service, plan in zip(services, planned, strict=True)
        for name, key in plan.environment.items()
    }
    checks = [_check(service, request) for service in services]
    return ServicesPlan(services=planned, checks=_with_clashes(checks), secret=secret)


def _read(request: PlanRequest) -> list[_Read]:
    written = [service for service in request.job.services if _image_name(service, request)]
    aliases = [_aliases(service, request) for service in written]
    owns = [_own_variables(service, request.variables) for service in written]
    shared = request.public_variables.as_dict()
    return [
        _Read(
            name=name,
            image=_image(service, request),
            aliases=hosts,
            written=service,
            own=own,
            environment=shared | own,
        )
        for service, hosts, own, name in zip(
            written, aliases, owns, container_names(aliases), strict=True
        )
    ]


def _image_name(service: Service, request: PlanRequest) -> str:
    """Expand the name of an image; a service without one is left out, as GitLab does."""
    return expand(service.image.name, request.variables).strip()


def _image(service: Service, request: PlanRequest) -> Image:
    user = expand(service.image.user or "", request.variables)
    return replace(service.image, name=_image_name(service, request), user=user or None)


def _aliases(service: Service, request: PlanRequest) -> tuple[str, ...]:
    words = expand(" ".join(service.aliases), request.variables).replace(",", " ").split()
    for alias in words:
        if not is_host(alias):
            problem = (
                f"alias {alias!r} is not a host name that Kubernetes accepts: "
                "use lower-case letters, digits, '-' and '.'"
            )
            raise _refusal(_image_name(service, request), problem)
    return tuple(words)


def _own_variables(service: Service, variables: Variables) -> dict[str, str]:
    """Expand the variables of a service with those of the job, and once with its own."""
    known = variables | service.variables
    return {
        variable.name: expand(variable.value, known) if variable.expand else variable.value
        for variable in service.variables
    }


def _planned(service: _Read) -> PlannedService:
    return PlannedService(
        name=service.name,
        image=service.image,
        hosts=service.hosts,
        command=service.written.command,
        environment={
            name: _own_key(service.name, name) if name in service.own else _shared_key(name)
            for name in service.environment
            if _fits(name)
        },
        overrides={
            name: value for name, value in service.own.items() if name.startswith(_OVERRIDES)
        },
    )


def _check(service: _Read, request: PlanRequest) -> ServiceCheck:
    server, required = _server(service)
    timeout = request.limits.services_timeout
    return ServiceCheck(
        name=service.name,
        image=service.image.name,
        hosts=service.hosts,
        refused=tuple(host for host in image_hosts(service.image.name) if not is_host(host)),
        port=server.port if server else 0,
        protocol=server.protocol if server else "tcp",
        patience=timeout if required else min(timeout, _GUESS_SECONDS),
        required=required,
        warnings=tuple(_warnings(service)),
    )


def _server(service: _Read) -> tuple[Server | None, bool]:
    """Tell where a service answers, and whether that is certain."""
    told = service.own.get(HEALTHCHECK, "")
    if told and not is_port(told):
        raise _refusal(service.image.name, f"{HEALTHCHECK} is {told!r}, which is not a port")
    if told:
        return Server(port=int(told)), True
    own = service.written.command or service.image.entrypoint
    return known_server(service.image.name, service.environment), not own


def _warnings(service: _Read) -> list[str]:
    names = sorted(name for name in service.environment if not _fits(name))
    return [f"variable {name[:60]!r} is left out: not a valid name" for name in names]


def _with_clashes(checks: list[ServiceCheck]) -> tuple[ServiceCheck, ...]:
    """Warn of services that want the same port: all containers of a pod share one network."""
    uses = Counter(check.port for check in checks if check.port)
    told: list[ServiceCheck] = []
    for check in checks:
        others = [other.name for other in checks if other is not check and other.port == check.port]
        text = f"port {check.port} is also used by {', '.join(others)}: only one can have it"
        clash = (text,) if check.port and uses[check.port] > 1 else ()
        told.append(replace(check, warnings=(*check.warnings, *clash)))
    return tuple(told)


def _fits(name: str) -> bool:
    return bool(_ENVIRONMENT_NAME.fullmatch(name))


def _shared_key(name: str) -> str:
    return f"variable.{name}"


def _own_key(service: str, name: str) -> str:
    return f"service.{service}.{name}"


def _refusal(image: str, problem: str) -> ConfigurationFailure:
    return ConfigurationFailure(f"service {image}: {problem}")
