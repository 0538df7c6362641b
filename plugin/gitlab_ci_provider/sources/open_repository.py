"""Opens a repository: by the API of its GitLab where the connection says so, by git elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gitlab_ci_provider.gitlab_api.server import GitLabServer, Reads
from gitlab_ci_provider.model.git_login import GitLogin, split_login
from gitlab_ci_provider.sources.git_repository import GitRepository
from gitlab_ci_provider.sources.gitlab_repository import GitlabRepository
from gitlab_ci_provider.sources.repository import Repository


def open_repository(
    url: str,
    mirrors: Path,
    server: GitLabServer | None,
    login: Callable[[str], GitLogin | None],
) -> Repository:
    """Open a repository; nothing is fetched yet.

    Args:
        url: of the repository.
        mirrors: folder of what git has fetched.
        server: the GitLab that it is on, if there is a connection to one.
        login: finds the one for git.
    """
    if server is not None and server.reads is Reads.API:
        return GitlabRepository(server, split_login(url)[0])
    return GitRepository.open(mirrors, url, login(url))
