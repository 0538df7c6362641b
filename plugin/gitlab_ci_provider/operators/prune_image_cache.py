"""The operator that deletes old layers from the cache of image builds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator, Context

from gitlab_ci_provider.exceptions import GitlabCiError, SettingsError
from gitlab_ci_provider.hooks.registry_client import RegistryClient, TaggedImage
from gitlab_ci_provider.hooks.registry_logins import connection_logins, project_logins
from gitlab_ci_provider.image_builds.logins import auth_config_logins
from gitlab_ci_provider.model.image_reference import parse_reference
from gitlab_ci_provider.runs.task_errors import TaskFailed

_LAYER = re.compile(r"[0-9a-f]{64}")
"""The tags that Kaniko and buildah give to layers in a cache; no person names an image so."""


class PruneImageCacheOperator(BaseOperator):
    """Deletes what is older than a number of days from a cache's repository; returns the tags.

    A registry frees the disk later, when it collects its garbage.

    Args:
        cache_repo: the repository; an image in it whose tag is not that of a layer stays.
        days: an image that was made longer ago is deleted; one that does not say when, stays.
        registry_conn_id: connections with logins of registries, separated by commas.
        project: GitLab project whose variables hold further logins.
        insecure: the registry speaks plain HTTP.
        verify: False does not check its certificate.
    """

    template_fields = ("cache_repo", "registry_conn_id", "project")
    ui_color = "#e0f2f1"

    def __init__(
        self,
        *,
        cache_repo: str,
        days: int = 14,
        registry_conn_id: str = "",
        project: str = "",
        insecure: bool = False,
        verify: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.cache_repo = cache_repo
        self.days = days
        self.registry_conn_id = registry_conn_id
        self.project = project
        self.insecure = insecure
        self.verify = verify

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002 - Airflow's signature
        """Delete them.

        Raises:
            TaskFailed: the registry refuses, or a connection is incomplete.
        """
        try:
            return self._prune(datetime.now(UTC) - timedelta(days=self.days))
        except GitlabCiError as problem:
            raise TaskFailed(str(problem)) from problem

    def _prune(self, limit: datetime) -> list[str]:
        repository = parse_reference(self.cache_repo)
        if repository is None or repository.tag or repository.digest:
            raise SettingsError(f"cache_repo: {self.cache_repo!r} is not a repository")
        if self.days < 1:
            raise SettingsError(f"days: {self.days} would delete what builds need now")
        conn_ids = [name.strip() for name in self.registry_conn_id.split(",") if name.strip()]
        own, text = project_logins(self.project) if self.project else ((), "")
        logins = [*connection_logins(conn_ids), *own, *auth_config_logins(text)]
        with RegistryClient(
            repository, logins, insecure=self.insecure, verify=self.verify
        ) as client:
            images = list(client.images())
            old = expired(images, limit)
            for digest in dict.fromkeys(image.digest for image in old):
                client.delete(digest)
        self.log.info("deleted %d of %d tags of %s", len(old), len(images), repository.name)
        return [image.tag for image in old]


def expired(images: Sequence[TaggedImage], limit: datetime) -> list[TaggedImage]:
    """Select the layers that were made before a moment.

    Deleting an image deletes all of its tags: one that somebody has named, too, stays.
    """
    named = {image.digest for image in images if not _LAYER.fullmatch(image.tag)}
    return [
        image
        for image in images
        if image.digest and image.digest not in named and image.created and image.created < limit
    ]
