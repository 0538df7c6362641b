"""The projects of a DAG bundle that names git repositories: found without any API."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.discovery.repositories import clone_url, project_of
from gitlab_ci_provider.model.found_project import FoundProject
from gitlab_ci_provider.model.gitlab_bundle import GitlabBundle


@dataclass(frozen=True, slots=True)
class UrlProjects:
    """The repositories of a bundle."""

    bundle: GitlabBundle

    def all(self) -> dict[str, FoundProject]:
        """List them by their URLs.

        Raises:
            SourceError: one is a path that is not there.
        """
        found = [self._found(clone_url(url)) for url in self.bundle.urls]
        return {project.key: project for project in found if self.bundle.takes(project)}

    def one(self, name: str | int) -> FoundProject | None:
        """Find one by its path or URL."""
        listed = self.all().values()
        return next((found for found in listed if name in {found.path, found.key}), None)

    def _found(self, url: str) -> FoundProject:
        project = project_of(url, "")
        return FoundProject(
            key=project.clone_url, path=project.path, clone_url=url, web_url=project.web_url
        )
