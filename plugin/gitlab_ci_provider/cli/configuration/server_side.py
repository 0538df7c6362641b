"""One project on a GitLab server, compiled here and by GitLab's lint API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli.configuration.agreement import Verdict, read_merged
from gitlab_ci_provider.compiler.compile import CompileResult, compile_pipeline
from gitlab_ci_provider.config.raw import to_data
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.gitlab_api.client import open_gitlab
from gitlab_ci_provider.gitlab_api.errors import in_words
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.diagnostic import Diagnostic, errors_in
from gitlab_ci_provider.model.pipeline import Included
from gitlab_ci_provider.model.project import CONFIG_PATH, Project, Ref
from gitlab_ci_provider.sources.gitlab import GitlabElsewhere
from gitlab_ci_provider.sources.gitlab_repository import GitlabRepository
from gitlab_ci_provider.sources.remote import RemoteFiles

if TYPE_CHECKING:
    from gitlab.v4.objects import Project as GitlabProject


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What the two sides say of one commit."""

    project: str
    ref: str
    sha: str
    here: Verdict
    gitlab: Verdict
    diagnostics: tuple[Diagnostic, ...]
    lock: tuple[Included, ...]


def verify(server: GitLabServer, path: str, ref: str | None, remote: RemoteFiles) -> Verified:
    """Compile a project's configuration here, and have GitLab do it.

    Raises:
        GitlabApiError: GitLab refuses or does not answer.
        SourceError: the project has no such commit, or its configuration is not a file of it.
    """
    client = open_gitlab(server)
    with in_words(server, f"read the project {path}"):
        found = client.projects.get(path)
        name = ref or found.default_branch
        if not name:
            raise SourceError(f"{path} has no commits")
        sha = found.commits.get(name).id
    config = found.attributes.get("ci_config_path") or CONFIG_PATH
    if "@" in config or "://" in config:
        raise SourceError(f"{path} takes its configuration from elsewhere: {config}")
    context = PipelineContext(
        project=_project(found), ref=Ref(name=name, sha=sha), config_path=config
    )
    files = GitlabRepository(server, f"{server.url}/{found.path_with_namespace}.git").at(sha)
    compiled = compile_pipeline(files, context, elsewhere=GitlabElsewhere(server, remote))
    with in_words(server, f"have the configuration of {path} checked"):
        said = found.ci_lint.get(content_ref=sha, include_jobs=True).attributes
    return Verified(
        project=path,
        ref=name,
        sha=sha,
        here=_ours(compiled),
        gitlab=_theirs(said),
        diagnostics=compiled.diagnostics,
        lock=compiled.config.lock if compiled.config else (),
    )


def _project(found: GitlabProject) -> Project:
    return Project(
        path=found.path_with_namespace,
        clone_url=found.http_url_to_repo,
        default_branch=found.default_branch,
        web_url=found.web_url,
        id=found.id,
    )


def _ours(compiled: CompileResult) -> Verdict:
    errors = [one.message for one in errors_in(compiled.diagnostics)]
    jobs = compiled.pipeline.jobs.values() if compiled.pipeline else ()
    raw = {name: one.raw for name, one in compiled.config.jobs.items()} if compiled.config else {}
    return Verdict(
        valid=not errors,
        errors=tuple(errors),
        merged=to_data(compiled.config.tree) if compiled.config else None,
        jobs={job.name: {"stage": job.stage, **_when(raw.get(job.group))} for job in jobs},
    )


def _when(raw: Mapping[str, Any] | None) -> dict[str, object]:
    """Return what GitLab's list of jobs says of `when`: the job's own, without its rules."""
    return {"when": (raw.get("when") if raw is not None else None) or "on_success"}


def _theirs(said: Mapping[str, Any]) -> Verdict:
    jobs = said.get("jobs") or ()
    return Verdict(
        valid=bool(said.get("valid")),
        errors=tuple(str(error) for error in said.get("errors") or ()),
        merged=read_merged(str(said["merged_yaml"])) if said.get("merged_yaml") else None,
        jobs={str(job["name"]): {key: job[key] for key in ("stage", "when") if key in job}
              for job in jobs},
    )  # fmt: skip
