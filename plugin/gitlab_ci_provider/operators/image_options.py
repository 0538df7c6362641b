"""Options of the operators that build images, by subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

from gitlab_ci_provider.model.image_build import (
    Compression,
    ImageFormat,
    LayerCache,
    RegistryAccess,
    SnapshotMode,
)


class RegistryPodOperator(KubernetesPodOperator):
    """How the engine reaches registries; see `ImageBuildOperator`."""

    def __init__(  # noqa: PLR0913 - each option has its name, as in every operator
        self,
        *,
        registry_conn_id: str | Sequence[str] = (),
        project: str = "",
        registry_mirrors: Sequence[str] = (),
        registry_certificates: Mapping[str, str] | None = None,
        insecure_registries: Sequence[str] = (),
        skip_tls_verify_registries: Sequence[str] = (),
        push_retries: int = 3,
        pull_retries: int = 3,
        ignore_immutable_tags: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.registry_conn_id = registry_conn_id
        self.project = project
        self.registry_mirrors = registry_mirrors
        self.registry_certificates = registry_certificates
        self.insecure_registries = insecure_registries
        self.skip_tls_verify_registries = skip_tls_verify_registries
        self.push_retries = push_retries
        self.pull_retries = pull_retries
        self.ignore_immutable_tags = ignore_immutable_tags

    def registry_access(self) -> RegistryAccess:
        """Gather the options."""
        return RegistryAccess(
            # A template may become empty, which is nothing.
            mirrors=tuple(filter(None, self.registry_mirrors)),
            insecure=tuple(filter(None, self.insecure_registries)),
            skip_tls_verify=tuple(filter(None, self.skip_tls_verify_registries)),
            certificates=dict(self.registry_certificates or {}),
            push_retries=self.push_retries,
            pull_retries=self.pull_retries,
            ignore_immutable_tags=self.ignore_immutable_tags,
        )

    def registry_connections(self) -> tuple[str, ...]:
        """List the connections with logins of registries."""
        given = self.registry_conn_id
        ids = given.split(",") if isinstance(given, str) else given
        return tuple(filter(None, (conn_id.strip() for conn_id in ids)))


class LayerPodOperator(RegistryPodOperator):
    """How layers are cached and written; see `ImageBuildOperator`."""

    def __init__(  # noqa: PLR0913 - as above
        self,
        *,
        cache: bool = False,
        cache_repo: str = "",
        cache_hours: int = 0,
        cache_copy_layers: bool = False,
        compressed_caching: bool = False,
        snapshot_mode: SnapshotMode = "full",
        compression: Compression = "",
        compression_level: int | None = None,
        image_format: ImageFormat = "",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.cache = cache
        self.cache_repo = cache_repo
        self.cache_hours = cache_hours
        self.cache_copy_layers = cache_copy_layers
        self.compressed_caching = compressed_caching
        self.snapshot_mode = snapshot_mode
        self.compression = compression
        self.compression_level = compression_level
        self.image_format = image_format

    def layer_cache(self) -> LayerCache:
        """Gather the options of the cache."""
        return LayerCache(
            enabled=self.cache or bool(self.cache_repo),
            repo=self.cache_repo,
            hours=self.cache_hours,
            copy_layers=self.cache_copy_layers,
            compressed=self.compressed_caching,
        )
