"""Keywords that GitLab honours and this package does not, or not fully.

A *blocking* keyword changes what a job does when it is left out: the linter warns of all, and the
planner refuses to run a job that has a blocking one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gitlab_ci_provider.model.job import Job


class Limit(NamedTuple):
    """One keyword of one job that is not honoured fully, and what that means."""

    keyword: str
    effect: str
    blocking: bool


class _Rule(NamedTuple):
    applies: Callable[[Job], bool]
    limit: Limit


HONOURED_FLAGS = frozenset(
    {
        "FF_HASH_CACHE_KEYS",
        "FF_KUBERNETES_HONOR_ENTRYPOINT",
        "FF_SECRET_RESOLVING_FAILS_IF_MISSING",
        "FF_USE_GIT_NATIVE_CLONE",
    }
)
"""Feature flags of GitLab Runner that change something here."""

SECRETS_PROVIDERS = frozenset(
    {"vault", "aws_secrets_manager", "gcp_secret_manager", "azure_key_vault"}
)
_READ_REPORTS = frozenset({"junit", "coverage_report", "cobertura", "codequality", "dotenv"})


def _reports(job: Job) -> Iterator[Limit]:
    """Name each kind of report by itself: others of the same job may be evaluated."""
    for kind in job.artifacts.reports if job.artifacts else ():
        if kind not in _READ_REPORTS:
            effect = "the files are stored, but not evaluated"
            yield Limit(f"artifacts:reports:{kind}", effect, False)


def _is_pages(job: Job) -> bool:
    """Return whether GitLab would publish something: `pages` says so, or the job's name does."""
    pages = job.as_written.get("pages")
    return pages is not False and (pages is not None or job.name == "pages")


def _for_members(job: Job) -> bool:
    """Tell whether only members of the project may read the artifacts; who is one is not known."""
    return bool(job.artifacts and job.artifacts.readers in {"developer", "maintainer"})


def _stopped_by_gitlab(job: Job) -> bool:
    return bool(job.environment and job.environment.auto_stop_in)


def _for_gitlabs_agent(job: Job) -> bool:
    return bool(job.environment and job.environment.kubernetes)


def _deploying_bridge(job: Job) -> bool:
    return bool(job.environment and job.bridge)


def _has_docker_services(job: Job) -> bool:
    return any(service.image.platform or service.image.docker_user for service in job.services)


def _has_entrypoint(job: Job) -> bool:
    """Return whether ignoring the entrypoint matters; an empty one asks for none."""
    return bool(job.image and any(job.image.entrypoint or ()))


def _other_provider(job: Job) -> bool:
    """Tell whether a secret is with a provider that cannot be asked."""
    return any(not SECRETS_PROVIDERS & set(secret) for secret in _secrets(job))


def _secret_token(job: Job) -> bool:
    return any("token" in secret for secret in _secrets(job))


def _secrets(job: Job) -> list[Mapping[str, Any]]:
    """List the entries of `secrets`; a file with errors may hold anything there."""
    secrets = job.as_written.get("secrets")
    entries = secrets.values() if isinstance(secrets, Mapping) else ()
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _kept(keyword: str) -> Callable[[Job], bool]:
    return lambda job: keyword in job.as_written


_RULES = (
    _Rule(_kept("run"), Limit("run", "steps (CI Functions) are not run", True)),
    _Rule(_other_provider,
          Limit("secrets:provider",
                "only Vault and the stores of AWS, Google Cloud and Azure can be asked", True)),
    _Rule(_secret_token,
          Limit("secrets:token", "an Airflow connection has the login at the provider", False)),
    _Rule(_kept("id_tokens"), Limit("id_tokens", "the cluster signs them, not GitLab", False)),
    _Rule(_kept("identity"), Limit("identity", "the job gets no workload identity", True)),
    _Rule(_kept("release"), Limit("release", "created only where GitLab is told of jobs", False)),
    _Rule(_is_pages, Limit("pages", "nothing is published", False)),
    _Rule(_kept("dast_configuration"),
          Limit("dast_configuration", "only GitLab's own template reads it", False)),
    _Rule(_for_members,
          Limit("artifacts:access", "who has the keys of the object store can read them", False)),
    _Rule(_stopped_by_gitlab,
          Limit("environment:auto_stop_in", "the maintenance DAG does that, once an hour", False)),
    _Rule(_for_gitlabs_agent,
          Limit("environment:kubernetes", "only GitLab's agent can use it", False)),
    _Rule(_deploying_bridge,
          Limit("environment", "the deployment of a trigger job is not recorded", False)),
    _Rule(lambda job: bool(job.image and (job.image.platform or job.image.docker_user)),
          Limit("image:docker", "these are options of GitLab's Docker executor", False)),
    _Rule(_has_docker_services,
          Limit("services:docker", "these are options of GitLab's Docker executor", False)),
    _Rule(_has_entrypoint,
          Limit("image:entrypoint",
                "it is run only with FF_KUBERNETES_HONOR_ENTRYPOINT, as by GitLab Runner", False)),
)  # fmt: skip


def limits(job: Job) -> Iterator[Limit]:
    """List the keywords of a job that are not honoured fully."""
    yield from (rule.limit for rule in _RULES if rule.applies(job))
    yield from _reports(job)
