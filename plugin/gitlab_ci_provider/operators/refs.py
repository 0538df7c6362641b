"""Which ref and commit a run is for, and whether the ref is protected."""

from __future__ import annotations

import re
from dataclasses import replace

from gitlab_ci_provider.exceptions import UnknownRefError
from gitlab_ci_provider.model.merge_request import MergeRequest
from gitlab_ci_provider.model.project import Project, Ref, RefKind
from gitlab_ci_provider.operators.run_form import RunForm
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.sources.git import Mirror
from gitlab_ci_provider.sources.git_diff import merge_base


def find_ref(mirror: Mirror, form: RunForm, project: Project, settings: Settings) -> Ref:
    """Fetch the commit that a run asks for.

    Raises:
        SourceError: the repository has no such ref or commit.
    """
    request = form.merge_request
    if request is not None:
        ref = _head(mirror, request, form.sha)
        target = Ref(name=request.target_branch, sha="")
        protected = _is_protected(ref, project, settings)
        return replace(ref, protected=protected and _is_protected(target, project, settings))
    ref = mirror.fetch(form.ref or project.default_branch, form.sha)
    protected = _is_protected(ref, project, settings) and _is_part(mirror, ref, form)
    return replace(ref, protected=protected)


def is_earlier(mirror: Mirror, form: RunForm, ref: Ref) -> bool:
    """Tell whether a commit was asked for that is not the newest of its ref."""
    if not form.sha or form.merge_request is not None:
        return False
    try:
        return mirror.fetch(ref.name).sha != ref.sha
    except UnknownRefError:
        return True


def _is_part(mirror: Mirror, ref: Ref, form: RunForm) -> bool:
    """Tell whether a commit that was asked for is one of its ref: any other is not protected."""
    if not form.sha:
        return True
    tip = mirror.fetch(ref.name).sha
    return tip == ref.sha or merge_base(mirror, ref.sha, tip) == ref.sha


def _head(mirror: Mirror, request: MergeRequest, sha: str) -> Ref:
    """Find a merge request's commit: by the server's own name for it, else its source branch."""
    try:
        found = mirror.fetch(request.ref_path, sha)
    except UnknownRefError:
        found = mirror.fetch(request.source_branch, sha)
    return replace(found, name=request.source_branch, kind=RefKind.BRANCH)


def _is_protected(ref: Ref, project: Project, settings: Settings) -> bool:
    """Tell whether a ref is protected: the default branch, and what the settings name.

    Source: GitLab protects a new project's default branch, and wildcards stand for any text.
    """
    if ref.kind is RefKind.TAG:
        return _matches(settings.protected_tags, ref.name)
    is_default = ref.name == project.default_branch
    return is_default or _matches(settings.protected_branches, ref.name)


def _matches(patterns: str, name: str) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name)
        for pattern in (one.strip() for one in patterns.split(","))
        if pattern
    )
