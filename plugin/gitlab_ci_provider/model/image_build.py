"""An image build: what to build from what, and where to push it; the same for every engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gitlab_ci_provider.model.image_reference import parse_reference
from gitlab_ci_provider.model.workspace import TERMINATION_LOG

EngineName = Literal["kaniko", "buildkit", "buildah"]
SnapshotMode = Literal["full", "redo", "time"]
Compression = Literal["", "gzip", "zstd"]
ImageFormat = Literal["", "docker", "oci"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSecret:
    """A secret of `RUN --mount=type=secret,id=ID`: a file, or a variable of the environment.

    Attributes:
        file: absolute path in the container of the build.
        variable: name of the variable; one of the two is empty.
    """

    id: str
    file: str = ""
    variable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCache:
    """Layers of earlier builds, kept in a repository of a registry.

    Attributes:
        repo: where; empty means `<first destination>/cache`.
        hours: for which a layer is used again; 0 means the engine's default.
        copy_layers: keep the layers of COPY, too, not only those of RUN.
        compressed: hold packed layers in memory: faster, and no use for layers of a gigabyte.
    """

    enabled: bool = False
    repo: str = ""
    hours: int = 0
    copy_layers: bool = False
    compressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAccess:
    """How the engine talks to registries; hosts are `HOST` or `HOST:PORT`.

    Attributes:
        mirrors: of Docker Hub, in order.
        insecure: hosts that speak plain HTTP.
        skip_tls_verify: hosts whose certificate is not checked.
        certificates: by host, the path of a file with the certificates to trust.
        push_retries, pull_retries: after the first try.
        ignore_immutable_tags: a tag that exists and cannot be changed is not an error.
    """

    mirrors: tuple[str, ...] = ()
    insecure: tuple[str, ...] = ()
    skip_tls_verify: tuple[str, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict)
    push_retries: int = 3
    pull_retries: int = 3
    ignore_immutable_tags: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """One image to build.

    Attributes:
        context: `dir:///PATH`, `git://HOST/PATH#REF#SHA`, `s3://BUCKET/KEY`, `gs://BUCKET/KEY`,
            `https://ACCOUNT.blob.core.windows.net/CONTAINER/KEY` or `tar:///PATH`.
        context_sub_path: the folder of it to use.
        dockerfile: relative to the context, or absolute.
        destinations: where to push; none means that the image is only built.
        target: stage to build; empty means the last one.
        labels: of the image.
        platform: `OS/ARCH` or `OS/ARCH/VARIANT`; empty means that of the node.
        snapshot_mode: how Kaniko notices changed files.
        compression: of layers; empty leaves it to the engine.
        compression_level: None leaves it to the engine.
        image_format: of the manifest; empty leaves it to the engine.
        digest_file: where the engine writes the digest, absolute.
    """

    context: str
    context_sub_path: str = ""
    dockerfile: str = "Dockerfile"
    destinations: tuple[str, ...] = ()
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[BuildSecret, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    cache: LayerCache = LayerCache()
    snapshot_mode: SnapshotMode = "full"
    compression: Compression = ""
    compression_level: int | None = None
    image_format: ImageFormat = ""
    registries: RegistryAccess = RegistryAccess()
    digest_file: str = TERMINATION_LOG

    @property
    def cache_repo(self) -> str:
        """The repository of cached layers; empty without a cache."""
        if not self.cache.enabled or self.cache.repo:
            return self.cache.repo if self.cache.enabled else ""
        first = parse_reference(self.destinations[0]) if self.destinations else None
        return f"{first.name}/cache" if first else ""
