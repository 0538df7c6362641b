"""The phase get_sources, run in the test's own process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.lazy_store import LazyStore
from gitlab_ci_provider.helper.output import Output
from gitlab_ci_provider.helper.phases.get_sources import get_sources
from gitlab_ci_provider.model.plan import GetSources, JobPlan
from servers.repositories import git

TOKEN = "glcbt-secret-token"


def run(folder: Path, sources: GetSources) -> Path:
    """Run the phase; return the working copy."""
    copy = folder / "copy"
    copy.mkdir(exist_ok=True)
    context = PhaseContext(
        plan=JobPlan(job="job", project_dir=str(copy), sources=sources),
        output=Output([sources.password]),
        store=LazyStore(_no_store),
        sleep=lambda _: None,
        control=folder,
    )
    get_sources(context)
    return copy


def _no_store() -> NoReturn:
    raise AssertionError("get_sources needs no object store")


def sources(url: str, sha: str, **changes: Any) -> GetSources:
    """Plan to fetch a commit of branch main."""
    refspecs = ("+refs/heads/main:refs/remotes/origin/main",)
    plan = GetSources(url=url, sha=sha, refspecs=refspecs, ref_name="main")
    return replace(plan, **changes)


def head(repository: Path) -> str:
    """Name the commit that a repository is at."""
    return git(repository, "rev-parse", "HEAD")
