"""GitLab's predefined variables, all of them, by when they are known.

`pipeline_variables`, `user_variables` and `job_variables` are known before a run, so rules see
them; `started_job_variables` and `player_variables` only once a job starts. A new variable goes
into one of these and into `docs/reference/variables.md`, which
`tests/architecture/test_predefined.py` compares with GitLab's list.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from gitlab_ci_provider import __version__
from gitlab_ci_provider.model.context import MergeRequest, PipelineContext
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.project import RefKind
from gitlab_ci_provider.model.rules import When
from gitlab_ci_provider.model.run import PipelineRun, Play
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.model.workspace import BUILDS_DIR
from gitlab_ci_provider.variables.slugs import environment_slug, slug

_MAX_DESCRIPTION = 2700
"""GitLab cuts CI_MERGE_REQUEST_DESCRIPTION there."""

ZERO_SHA = "0" * 40
_ACTIONABLE = frozenset({When.MANUAL, When.DELAYED})
"""Jobs that can be played, hence CI_JOB_MANUAL: `Ci::Build#action?`."""

_LINE_END = re.compile(r"[\r\n]")
_LONG_TITLE = 100
"""Characters from which on GitLab's pages cut a title: the description then is the whole message.
Source: `Commit#description`, which keeps the empty line after the title."""

MAX_MESSAGE = 100_000
"""Bytes of a commit message in variables: GITLAB_CI_MAX_COMMIT_MESSAGE_SIZE_IN_BYTES."""

GITLAB_VERSION = (19, 3, 0)
"""The GitLab whose language this package speaks; CI_SERVER_VERSION."""


def pipeline_variables(context: PipelineContext) -> Variables:
    """List what every job of a pipeline for this context sees."""
    return _variables(
        {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_PIPELINE_SOURCE": context.source,
            "CI_PIPELINE_TRIGGERED": "true" if context.source == "trigger" else None,
            "CI_PIPELINE_SCHEDULE_DESCRIPTION": context.schedule or None,
            "CI_CONFIG_PATH": context.config_path,
            **_commit(context),
            **_ref(context),
            **_project(context),
            **_server(context),
            **_merge_request(context),
            **_upstream(context),
        }
    )


def user_variables(context: PipelineContext) -> Variables:
    """Name the person who started the pipeline, if Airflow knows; the file cannot change this."""
    user = context.user or None
    return _variables({"GITLAB_USER_LOGIN": user, "GITLAB_USER_NAME": user})


def _commit(context: PipelineContext) -> dict[str, str | None]:
    commit = context.commit
    message = commit.message.encode()[:MAX_MESSAGE].decode(errors="ignore")
    title = _LINE_END.split(message, maxsplit=1)[0]
    description = message.partition("\n")[2].removesuffix("\n")
    before = commit.before_sha or ZERO_SHA
    return {
        "CI_COMMIT_SHA": context.ref.sha,
        "CI_COMMIT_SHORT_SHA": context.ref.sha[:8],
        "CI_COMMIT_BEFORE_SHA": ZERO_SHA if _is_merge_request(context) else before,
        "CI_COMMIT_MESSAGE": message,
        "CI_COMMIT_MESSAGE_IS_TRUNCATED": "false" if message == commit.message else "true",
        "CI_COMMIT_TITLE": title,
        "CI_COMMIT_DESCRIPTION": message if len(title) >= _LONG_TITLE else description,
        "CI_COMMIT_AUTHOR": commit.author,
        "CI_COMMIT_TIMESTAMP": commit.timestamp,
    }


def _upstream(context: PipelineContext) -> dict[str, str | None]:
    above = context.upstream
    if above is None:
        return {}
    return {
        "CI_UPSTREAM_PIPELINE_ID": str(above.parent.pipeline),
        "CI_UPSTREAM_PROJECT_ID": str(above.parent.project_id),
        "CI_UPSTREAM_JOB_ID": above.job_id,
    }


def _ref(context: PipelineContext) -> dict[str, str | None]:
    ref = context.ref
    tag = ref.kind is RefKind.TAG
    branch = not tag and not _is_merge_request(context)
    return {
        "CI_COMMIT_REF_NAME": ref.name,
        "CI_COMMIT_REF_SLUG": slug(ref.name),
        "CI_COMMIT_REF_PROTECTED": "true" if ref.protected else "false",
        "CI_COMMIT_BRANCH": ref.name if branch else None,
        "CI_COMMIT_TAG": ref.name if tag else None,
        "CI_COMMIT_TAG_MESSAGE": context.commit.tag_message if tag else None,
        "CI_BUILD_REF_NAME": ref.name,
    }


def _project(context: PipelineContext) -> dict[str, str | None]:
    project = context.project
    namespace, _, name = project.path.rpartition("/")
    return {
        "CI_DEFAULT_BRANCH": project.default_branch,
        "CI_DEFAULT_BRANCH_SLUG": slug(project.default_branch),
        "CI_PROJECT_ID": str(project.id),
        "CI_PROJECT_NAME": name,
        "CI_PROJECT_TITLE": name,
        "CI_PROJECT_PATH": project.path,
        "CI_PROJECT_PATH_SLUG": slug(project.path),
        "CI_PROJECT_NAMESPACE": namespace,
        "CI_PROJECT_NAMESPACE_SLUG": slug(namespace),
        "CI_PROJECT_ROOT_NAMESPACE": project.path.partition("/")[0],
        "CI_PROJECT_URL": project.web_url,
        "CI_PROJECT_VISIBILITY": "private",
    }


def _server(context: PipelineContext) -> dict[str, str | None]:
    """Derive the server from the project's address; a plain repository has none."""
    major, minor, patch = GITLAB_VERSION
    versions: dict[str, str | None] = {
        "CI_SERVER": "yes",
        "CI_SERVER_NAME": "GitLab",
        "CI_SERVER_VERSION": f"{major}.{minor}.{patch}",
        "CI_SERVER_VERSION_MAJOR": str(major),
        "CI_SERVER_VERSION_MINOR": str(minor),
        "CI_SERVER_VERSION_PATCH": str(patch),
        "CI_TEMPLATE_REGISTRY_HOST": "registry.gitlab.com",
    }
    url = urlsplit(context.project.web_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        return versions
    port = url.port or (443 if url.scheme == "https" else 80)
    base = f"{url.scheme}://{url.netloc}"
    return versions | {
        "CI_SERVER_URL": base,
        "CI_SERVER_HOST": url.hostname,
        "CI_SERVER_PORT": str(port),
        "CI_SERVER_PROTOCOL": url.scheme,
        "CI_SERVER_FQDN": url.hostname if port in (80, 443) else f"{url.hostname}:{port}",
        "CI_API_V4_URL": f"{base}/api/v4",
        "CI_API_GRAPHQL_URL": f"{base}/api/graphql",
        "CI_SERVER_SHELL_SSH_HOST": url.hostname,
        "CI_SERVER_SHELL_SSH_PORT": "22",
    }


def _merge_request(context: PipelineContext) -> dict[str, str | None]:
    if not _is_merge_request(context):
        return {}
    project = context.project
    known = context.merge_request or MergeRequest(
        iid=1, source_branch=context.ref.name, target_branch=context.target_branch or ""
    )
    return {
        "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
        "CI_MERGE_REQUEST_PROJECT_ID": str(project.id),
        "CI_MERGE_REQUEST_PROJECT_PATH": project.path,
        "CI_MERGE_REQUEST_PROJECT_URL": project.web_url,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": known.source_branch,
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": str(project.id),
        "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": project.path,
        "CI_MERGE_REQUEST_SOURCE_PROJECT_URL": project.web_url,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": known.target_branch,
        "CI_MERGE_REQUEST_ID": str(known.iid),
        "CI_MERGE_REQUEST_IID": str(known.iid),
        "CI_MERGE_REQUEST_REF_PATH": known.ref_path,
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": known.diff_base_sha or None,
        "CI_MERGE_REQUEST_TITLE": known.title or None,
        "CI_MERGE_REQUEST_DESCRIPTION": known.description[:_MAX_DESCRIPTION] or None,
        "CI_MERGE_REQUEST_LABELS": ",".join(known.labels) or None,
        "CI_MERGE_REQUEST_DRAFT": "true" if known.draft else "false",
    }


def job_variables(job: Job, environment: str | None = None) -> Variables:
    """List what is predefined for one job; `environment` is its environment's name, expanded."""
    return _variables(
        {
            "CI_JOB_NAME": job.name,
            "CI_JOB_NAME_SLUG": slug(job.name),
            "CI_JOB_GROUP_NAME": job.group or job.name,
            "CI_JOB_STAGE": job.stage,
            "CI_JOB_IMAGE": job.image.name if job.image else None,
            "CI_JOB_MANUAL": "true" if job.when in _ACTIONABLE else None,
            "CI_NODE_TOTAL": str(job.parallel.total if job.parallel else 1),
            "CI_NODE_INDEX": str(job.parallel.index) if job.parallel else None,
            **_environment(job, environment),
        }
    )


def _environment(job: Job, name: str | None) -> dict[str, str | None]:
    environment = job.environment
    if environment is None or not name:
        return {}
    return {
        "CI_ENVIRONMENT_NAME": name,
        "CI_ENVIRONMENT_SLUG": environment_slug(name),
        "CI_ENVIRONMENT_ACTION": environment.action,
        "CI_ENVIRONMENT_TIER": environment.deployment_tier or guess_tier(name),
        "CI_ENVIRONMENT_URL": environment.url,
    }


def guess_tier(name: str) -> str:
    """Guess the tier of an environment from its name, as GitLab does."""
    lowered = name.lower()
    for tier, pattern in _TIERS.items():
        if re.search(pattern, lowered):
            return tier
    return "other"


_TIERS = {
    "development": r"(dev|review|trunk)",
    "testing": r"(test|tst|int|ac(ce|)pt|qa|qc|control|quality)",
    "staging": r"(st(a|)g|mod(e|)l|pre|demo|non)",
    "production": r"(pr(o|)d|live)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStart:
    """What is known only when a job starts.

    Attributes:
        job_id: CI_JOB_ID, another one for each try.
        url: of the task in the Airflow UI.
        started_at: ISO 8601.
        timeout: seconds.
        project_dir: the working copy.
        environment_url: of an earlier deployment, for a job whose environment has no `url`.
        environment_tier: of the environment, for a job that does not say it; empty for a new one.
        machine: the worker's architecture, as `uname -m` prints it.
    """

    run: PipelineRun
    job_id: str
    url: str
    started_at: str
    timeout: int
    project_dir: str
    environment_url: str
    environment_tier: str
    machine: str


def started_job_variables(job: Job, start: JobStart) -> Variables:
    """List what is predefined for one try of a job, in addition to what rules have seen."""
    run = start.run
    return _raw(
        {
            "CI_PIPELINE_ID": str(run.id),
            "CI_PIPELINE_IID": str(run.iid),
            "CI_PIPELINE_URL": start.url.split("/tasks/")[0],
            "CI_PIPELINE_CREATED_AT": run.created_at,
            "CI_PIPELINE_NAME": run.name or "",
            "CI_JOB_ID": start.job_id,
            "CI_JOB_URL": start.url,
            "CI_JOB_STARTED_AT": start.started_at,
            "CI_JOB_STARTED_AT_SLUG": slug(start.started_at),
            "CI_JOB_TIMEOUT": str(start.timeout),
            "CI_BUILDS_DIR": BUILDS_DIR,
            "CI_PROJECT_DIR": start.project_dir,
            "CI_REPOSITORY_URL": run.project.clone_url,
            "CI_DISPOSABLE_ENVIRONMENT": "true",
            "CI_CONCURRENT_ID": "0",
            "CI_CONCURRENT_PROJECT_ID": "0",
            "CI_ENVIRONMENT_URL": start.environment_url or None,
            "CI_ENVIRONMENT_TIER": start.environment_tier or None,
            **_runner(job, start.machine),
        }
    )


def _runner(job: Job, machine: str) -> dict[str, str | None]:
    """Describe the runner: it takes jobs with any tags."""
    return {
        "CI_RUNNER_ID": "0",
        "CI_RUNNER_DESCRIPTION": "airflow-provider-gitlab-ci",
        "CI_RUNNER_TAGS": json.dumps(job.tags),
        "CI_RUNNER_VERSION": __version__,
        "CI_RUNNER_REVISION": __version__,
        "CI_RUNNER_EXECUTABLE_ARCH": f"linux/{_GO_NAMES.get(machine, machine)}",
    }


_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}
"""Go's names, which GitLab Runner uses, for what `uname -m` prints."""


def player_variables(play: Play) -> Variables:
    """Name the person who played the job, if Airflow knows: the job's user in GitLab."""
    if not play.user_id:
        return Variables()
    return _raw(
        {
            "GITLAB_USER_ID": play.user_id,
            "GITLAB_USER_LOGIN": play.user_name,
            "GITLAB_USER_NAME": play.user_name,
        }
    )


def _is_merge_request(context: PipelineContext) -> bool:
    return context.source == "merge_request_event"


def _variables(values: dict[str, str | None]) -> Variables:
    return Variables(
        Variable(name=name, value=value) for name, value in values.items() if value is not None
    )


def _raw(values: dict[str, str | None]) -> Variables:
    """Make variables whose `$` stays as it is."""
    return Variables(replace(variable, expand=False) for variable in _variables(values))
