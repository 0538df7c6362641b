"""Which ref and commit a run is for, and whether the ref is protected.

Unlike GitLab, whose pipelines are for the newest commit of a ref, a run may ask for any commit.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from gitlab_ci_provider.exceptions import UnknownRefError
from gitlab_ci_provider.hooks.project_settings import VARIABLE, may_reach
from gitlab_ci_provider.hooks.protected_refs import has_protected_name
from gitlab_ci_provider.model.bridge import Upstream
from gitlab_ci_provider.model.context import MergeRequest
from gitlab_ci_provider.model.project import Project, Ref, RefKind
from gitlab_ci_provider.runs.form import RunForm
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.sources.repository import Repository

log = logging.getLogger(__name__)

_FOREIGN = "%s is protected, but commit %s is not its own: no protected variables for this pipeline"

_UNTRUSTED = (
    "started by a pipeline of %s, which is not in `job_token_scope` of %s in the Airflow Variable "
    "%s: no protected variables for this pipeline"
)


def find_ref(repository: Repository, form: RunForm, project: Project, settings: Settings) -> Ref:
    """Fetch the commit that a run asks for.

    Raises:
        SourceError: the repository has no such ref or commit.
    """
    request = form.merge_request
    if request is not None:
        ref = _head(repository, request, form.sha)
        target = Ref(name=request.target_branch, sha="")
        named = has_protected_name(ref, project, settings) and has_protected_name(
            target, project, settings
        )
    else:
        ref = repository.fetch(form.ref or project.default_branch, form.sha)
        named = has_protected_name(ref, project, settings)
    protected = named and _is_part(repository, ref) and _is_trusted(form.upstream, project)
    return replace(ref, protected=protected)


def is_earlier(repository: Repository, form: RunForm, ref: Ref) -> bool:
    """Return whether a commit was asked for that is not the newest of its ref."""
    if not form.sha or form.merge_request is not None:
        return False
    return repository.tip(ref) != ref.sha


def _is_trusted(upstream: Upstream | None, project: Project) -> bool:
    """Return whether every upstream pipeline belongs to a project that may access this one.

    A person who may push to another project chooses the variables that its `trigger:` job hands on.
    GitLab asks whether that person may push to the protected branch, too.
    """
    above = {ancestor.project for ancestor in upstream.ancestors} if upstream else set()
    foreign = sorted(other for other in above if not may_reach(other, project.path))
    if foreign:
        log.warning(_UNTRUSTED, foreign[0], project.path, VARIABLE)
    return not foreign


def _is_part(repository: Repository, ref: Ref) -> bool:
    """Return whether a commit is, or once was, the state of the repository's own branch or tag.

    A person who may start a run can name any commit that the server has: that of a fork, of another
    branch, or one that a merge has brought in. None of them was ever accepted as the state of the
    protected ref. Only the rights to push to that ref can make it one.
    """
    tip = repository.tip(ref)
    if not tip or tip == ref.sha:
        return bool(tip)
    found = ref.kind is RefKind.BRANCH and repository.led_to(ref.sha, tip)
    if not found:
        log.warning(_FOREIGN, ref.name, ref.sha)
    return found


def _head(repository: Repository, request: MergeRequest, sha: str) -> Ref:
    """Find a merge request's commit: by the server's own name for it, else its source branch."""
    try:
        found = repository.fetch(request.ref_path, sha)
    except UnknownRefError:
        found = repository.fetch(f"refs/heads/{request.source_branch}", sha)
    return replace(found, name=request.source_branch, kind=RefKind.BRANCH)
