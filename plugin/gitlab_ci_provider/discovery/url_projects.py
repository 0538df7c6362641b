"""The projects of a DAG bundle that names git repositories: found without any API."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.discovery.repositories import clone_url, project_of
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.found_project import FoundProject
from gitlab_ci_provider.model.gitlab_bundle import GitlabBundle


@dataclass(frozen=True, slots=True)
class UrlProjects:
    """The repositories of a bundle."""

    bundle: GitlabBundle

    def all(self) -> dict[str, FoundProject]:
        """List them by their URLs, also paths that are not there."""
        found = map(_found, self.bundle.urls)
        return {project.key: project for project in found if self.bundle.takes(project)}

    def one(self, name: str | int) -> FoundProject | None:
        """Find one by its path or URL."""
        listed = self.all().values()
        return next((found for found in listed if name in {found.path, found.key}), None)


def _found(location: str) -> FoundProject:
    problem = ""
    try:
        url = clone_url(location)
    except SourceError as missing:
        url, problem = _address(location), str(missing)
    project = project_of(url, "")
    return FoundProject(
        key=project.clone_url,
        path=project.path,
        clone_url=url,
        web_url=project.web_url,
        problem=problem,
    )


def _address(path: str) -> str:
    """Return the URL that a repository at this path had, or would have."""
    try:
        return Path(path).expanduser().resolve().as_uri()
    except (OSError, RuntimeError, ValueError):
        return path
