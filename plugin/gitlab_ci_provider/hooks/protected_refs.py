"""Which refs are protected by their names: the default branch, and those that the settings name.

A run looks at more: whether its commit belongs to the ref, and who has started it.
"""

from __future__ import annotations

from gitlab_ci_provider.model.project import Project, Ref, RefKind
from gitlab_ci_provider.model.wildcards import matches
from gitlab_ci_provider.settings import Settings


def has_protected_name(ref: Ref, project: Project, settings: Settings) -> bool:
    """Return whether a ref is protected.

    Source: GitLab protects a new project's default branch, and wildcards stand for any text.
    """
    if ref.kind is RefKind.TAG:
        return _matches(settings.protected_tags, ref.name)
    is_default = ref.name == project.default_branch
    return is_default or _matches(settings.protected_branches, ref.name)


def _matches(patterns: str, name: str) -> bool:
    return any(matches(pattern, name) for pattern in map(str.strip, patterns.split(",")) if pattern)
