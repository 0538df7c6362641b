"""The service that is a Docker daemon: what its options mean for builds that do without it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitlab_ci_provider.docker_builds.flags import Grammar, read_arguments
from gitlab_ci_provider.docker_builds.spots import Problem, Spot
from gitlab_ci_provider.docker_builds.words import Word, joined, said
from gitlab_ci_provider.model.image import Service

DIND = re.compile(r"(?:^|[/:-])dind(?:$|[@:.-])")
"""`docker:dind`, `docker:28-dind`, `registry.example.com/docker:28.0-dind@sha256:...`"""

_PROGRAMS = frozenset({"dockerd", "dockerd-entrypoint.sh"})
_GRAMMAR = Grammar(
    valued={
        *("--bip", "--data-root", "--default-address-pool", "--exec-opt", "--group", "--host"),
        *("--log-driver", "--log-level", "--log-opt", "--max-concurrent-downloads", "--mtu"),
        *("--max-concurrent-uploads", "--max-download-attempts", "--storage-driver"),
        *("--storage-opt", "--tlscacert", "--tlscert", "--tlskey"),
        *("--insecure-registry", "--registry-mirror"),
    },
    switches={
        *("--debug", "--experimental", "--icc", "--ip6tables", "--ip-masq", "--iptables"),
        *("--live-restore", "--tls", "--tlsverify", "--userland-proxy"),
    },
    short={"D": "--debug", "H": "--host", "l": "--log-level", "s": "--storage-driver"},
)
"""But for the last two that have a value, they are about the daemon itself."""

_VERSION = re.compile(r"(?::[^/]*)?(?:@.*)?$")
_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_ADDRESS = re.compile(rf"(?:[A-Za-z0-9._:/-]|\${_NAME}|\$\{{{_NAME}\}})+")


@dataclass(frozen=True, slots=True)
class DaemonOptions:
    """What builds are told in place of the daemon.

    Attributes:
        options: of the executor.
        problems: what the executor cannot be told.
    """

    options: tuple[Word, ...] = ()
    problems: tuple[Problem, ...] = ()


def is_daemon(service: Service) -> bool:
    """Return whether a service is a Docker daemon."""
    return bool(DIND.search(service.image.name)) or "docker" in service.aliases


def daemon_hosts(services: Iterable[Service]) -> Iterator[str]:
    """Name the hosts under which a job may reach its own daemon: aliases, and what images give."""
    yield "docker"  # also where the runner adds the service
    for service in services:
        if is_daemon(service):
            yield from service.aliases
            yield _VERSION.sub("", service.image.name).replace("/", "-")


def read_daemons(services: Iterable[Service]) -> DaemonOptions:
    """Read the options of the daemons among a job's services."""
    options: list[Word] = []
    problems: list[Problem] = []
    for position, service in enumerate(services):
        if not is_daemon(service):
            continue
        for found in _read(service):
            if isinstance(found, Word):
                options.append(found)
            else:
                hint = "Leave it out, or write the image build by hand."
                problems.append(Problem(Spot("services", position), found, hint))
    return DaemonOptions(tuple(options), tuple(problems))


def _read(service: Service) -> Iterator[Word | str]:
    """Yield options of the executor, and in words what has no counterpart."""
    words = [*(service.image.entrypoint or ()), *(service.command or ())]
    if words and words[0] in _PROGRAMS:
        words = words[1:]
    arguments = read_arguments([said(word) for word in words], _GRAMMAR)
    if arguments.problem or arguments.operands:
        yield f"the daemon: {arguments.problem or 'what it starts with is not understood'}"
        return
    if service.image.platform:
        yield f"the daemon: it builds for {service.image.platform}"
    for value in arguments.values("--insecure-registry"):
        yield from _insecure(value.source)
    for value in arguments.values("--registry-mirror"):
        yield from _mirror(value.source)


def _insecure(host: str) -> Iterator[Word | str]:
    """A daemon takes such a registry with any certificate, and without TLS."""
    if "/" in host or not _ADDRESS.fullmatch(host):
        yield f"the daemon: {host!r} is more than one registry without a trusted certificate"
        return
    yield joined("--insecure-registry=", _expanded(host))
    yield joined("--skip-tls-verify-registry=", _expanded(host))


def _mirror(address: str) -> Iterator[Word | str]:
    scheme, separator, rest = address.partition("://")
    host = (rest if separator else address).rstrip("/")
    if not _ADDRESS.fullmatch(address) or (separator and scheme not in ("http", "https")):
        yield f"the daemon: {address!r} is not the address of a mirror"
        return
    yield joined("--registry-mirror=", _expanded(host))
    if scheme == "http":
        yield joined("--insecure-registry=", _expanded(host.partition("/")[0]))


def _expanded(text: str) -> Word:
    """Make a word in which the shell expands what GitLab would have expanded."""
    return Word(source=text, body=text, literal=None if "$" in text else text)
