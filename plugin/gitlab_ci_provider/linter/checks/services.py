"""Services that cannot be reached, or cannot run, as the file has them.

Only what is written counts: names and values with `$` are known when the job runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.linter.places import place
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.image import Service
from gitlab_ci_provider.planner.known_services import HEALTHCHECK, is_port, known_server
from gitlab_ci_provider.planner.service_names import is_host


def check_services(config: CiConfig) -> Iterator[Diagnostic]:
    """Check aliases and ports of services."""
    for entry in config.jobs.values():
        for position, service in enumerate(entry.job.services):
            yield from _check_names(entry, position, service)
            yield from _check_port(entry, position, service)
        yield from _check_clashes(entry)


def _check_names(entry: JobConfig, position: int, service: Service) -> Iterator[Diagnostic]:
    for alias in service.aliases:
        if "$" not in alias and not is_host(alias):
            words = f"{entry.job.name} job: alias {alias!r} is not a host name"
            hint = "Kubernetes accepts lower-case letters, digits, '-' and '.'; the job would fail."
            at = place(entry.raw, "services", position, "alias")
            yield warning("service-alias", words, at, hint)


def _check_port(entry: JobConfig, position: int, service: Service) -> Iterator[Diagnostic]:
    told = service.variables.get(HEALTHCHECK)
    if told and "$" not in told and not is_port(told):
        words = f"{entry.job.name} job: {HEALTHCHECK} is {told!r}, which is not a port"
        at = place(entry.raw, "services", position, "variables", HEALTHCHECK)
        yield warning("service-port", words, at, "The job would fail.")


def _check_clashes(entry: JobConfig) -> Iterator[Diagnostic]:
    by_port = defaultdict[int, list[int]](list)
    for position, service in enumerate(entry.job.services):
        if port := _port(service):
            by_port[port].append(position)
    for port, positions in by_port.items():
        if len(positions) > 1:
            words = f"{entry.job.name} job: {len(positions)} services listen on port {port}"
            hint = "All containers of a pod share one network: only one of them can have it."
            yield warning("service-port", words, place(entry.raw, "services", positions[1]), hint)


def _port(service: Service) -> int:
    """Tell where a service listens; 0 when the file does not say, or says it indirectly."""
    told = service.variables.get(HEALTHCHECK)
    if told:
        return int(told) if is_port(told) else 0
    if service.command or service.image.entrypoint or "$" in service.image.name:
        return 0
    server = known_server(service.image.name, service.variables.as_dict())
    return server.port if server else 0
