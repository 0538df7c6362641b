"""What is refused in a build, and what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitlab_ci_provider.image_builds.checks import problems
from gitlab_ci_provider.model.image_build import (
    BuildSecret,
    ImageBuild,
    LayerCache,
    RegistryAccess,
)
from unit.image_builds.cases import CASES, KANIKO_CASES

GOOD = ImageBuild(context="dir:///builds/group/app", destinations=("r.example.com/app:1",))

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("context", {"context": ""}),
    ("context", {"context": "--context"}),
    ("context", {"context": "relative/path"}),
    ("context", {"context": "dir://relative"}),
    ("context", {"context": "dir:///builds\n--insecure"}),
    ("context", {"context": "ftp://host/file"}),
    ("context", {"context": "git://user:secret@host/repo.git"}),
    ("context", {"context": "https://example.com/context.tar.gz"}),
    ("context", {"context": "https://account.blob.core.windows.net.evil.example/c/k"}),
    ("context", {"context": "dir:///"}),
    ("context", {"context": "dir:///gitlab-ci"}),
    ("context", {"context": "dir:///builds/../kaniko/.docker"}),
    ("context_sub_path", {"context_sub_path": "../other"}),
    ("context_sub_path", {"context_sub_path": "/absolute"}),
    ("context_sub_path", {"context_sub_path": "-x"}),
    ("dockerfile", {"dockerfile": ""}),
    ("dockerfile", {"dockerfile": "-"}),
    ("dockerfile", {"dockerfile": "--no-push"}),
    ("dockerfile", {"dockerfile": "a/../../x"}),
    ("dockerfile", {"dockerfile": "/kaniko/.docker/config.json"}),
    ("dockerfile", {"dockerfile": "/gitlab-ci/docker/config.json"}),
    ("dockerfile", {"dockerfile": "/builds/../proc/self/environ"}),
    ("dockerfile", {"dockerfile": "a\nb"}),
    ("destinations[0]", {"destinations": ("",)}),
    ("destinations[0]", {"destinations": ("-t",)}),
    ("destinations[0]", {"destinations": ("r.example.com/a,push=false",)}),
    ("destinations[0]", {"destinations": ("r.example.com/a:1 --insecure",)}),
    ("destinations[0]", {"destinations": ("r.example.com/UPPER",)}),
    ("destinations[1]", {"destinations": ("r.example.com/a", "r.example.com/a:1\n")}),
    ("destinations[0]", {"destinations": (f"r.example.com/a@sha256:{'0' * 64}",)}),
    ("destinations[0]", {"destinations": ("$CI_REGISTRY_IMAGE:1",)}),
    ("target", {"target": "a,b"}),
    ("target", {"target": "--x"}),
    ("platform", {"platform": "linux/amd64,linux/arm64"}),
    ("snapshot_mode", {"snapshot_mode": "never"}),
    ("compression", {"compression": "brotli"}),
    ("image_format", {"image_format": "tar"}),
    ("compression_level", {"compression_level": 99}),
    ("digest_file", {"digest_file": "relative"}),
    ("build_args[A B]", {"build_args": {"A B": "1"}}),
    ("build_args[A=B]", {"build_args": {"A=B": "1"}}),
    ("build_args[--x]", {"build_args": {"--x": "1"}}),
    ("build_args[A]", {"build_args": {"A": "nul\0"}}),
    ("labels[a=b]", {"labels": {"a=b": "1"}}),
    ("labels[a]", {"labels": {"a": "line\nline"}}),
    ("secrets[0]", {"secrets": (BuildSecret(id="a,src=/etc/shadow", file="/s"),)}),
    ("secrets[0]", {"secrets": (BuildSecret(id="a", file="/s,env=X"),)}),
    ("secrets[0]", {"secrets": (BuildSecret(id="a", file="/s/../../etc"),)}),
    ("secrets[0]", {"secrets": (BuildSecret(id="a", file="relative"),)}),
    ("secrets[0]", {"secrets": (BuildSecret(id="a", variable="A,B"),)}),
    ("secrets[0]", {"secrets": (BuildSecret(id="a"),)}),
    ("secrets[0]", {"secrets": (BuildSecret(id="a", file="/s", variable="A"),)}),
    ("cache.repo", {"cache": LayerCache(enabled=True, repo="r.example.com/cache:tag")}),
    ("cache.repo", {"cache": LayerCache(enabled=True, repo="oci:/somewhere")}),
    ("cache.repo", {"cache": LayerCache(enabled=True), "destinations": ()}),
    ("cache.hours", {"cache": LayerCache(enabled=True, hours=-1)}),
    ("registries.mirrors[0]", {"registries": RegistryAccess(mirrors=("https://m",))}),
    ("registries.insecure[0]", {"registries": RegistryAccess(insecure=("h/path",))}),
    ("registries.skip_tls_verify[0]", {"registries": RegistryAccess(skip_tls_verify=("a b",))}),
    (
        "registries.certificates[0]",
        {"registries": RegistryAccess(certificates={"../../etc": "/ca"})},
    ),
    ("registries.certificates[h]", {"registries": RegistryAccess(certificates={"h": "a"})}),
    ("registries.push_retries", {"registries": RegistryAccess(push_retries=-1)}),
    ("registries.pull_retries", {"registries": RegistryAccess(pull_retries=1000)}),
]


@pytest.mark.parametrize(("where", "change"), REFUSED)
def test_a_wrong_value_is_refused_by_name(where: str, change: dict[str, Any]):
    """The field that is wrong is named; nothing else is."""
    found = {problem.where for problem in problems(replace(GOOD, **change))}

    assert found == {where}


@pytest.mark.parametrize("build", [*CASES.values(), *KANIKO_CASES.values()])
def test_a_good_build_is_not_refused(build: ImageBuild):
    """Odd values are fine where their flag takes any."""
    assert problems(build) == ()


def test_no_message_repeats_a_login():
    """A login in an address is refused without being quoted."""
    build = replace(GOOD, context="git://user:secret@host/repo.git")

    assert "secret" not in " ".join(map(str, problems(build)))
