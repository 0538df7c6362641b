"""Contexts that are not in a volume: repositories of git, and archives in object stores."""

from __future__ import annotations

import base64
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.model.image_build import EngineName
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.runs.task_errors import TaskFailedForNow
from integration.cluster.image_builds import WORKSPACE, Builds, logins_file
from servers.address import address
from servers.certificates import make_certificate
from servers.cloud_stores import AZURE_HOST, BUCKET, azure_store, google_store
from servers.git_http import GitServer, git_server
from servers.image_registry import Registry
from servers.repositories import commit, git, make_repository
from servers.s3 import s3_server

pytest.importorskip("airflow.providers.cncf.kubernetes")

DOCKERFILE = "FROM scratch\nCOPY kept /\n"
TOKEN = "token-of-the-repository"
ARCHIVE = "contexts/app.tar.gz"


@pytest.fixture
def server(builds: Builds, tmp_path: Path) -> Iterator[GitServer]:
    """A server that asks for a token, with a certificate of its own."""
    certificate = builds.workspace / "ca.pem", tmp_path / "key.pem"
    make_certificate(*certificate)
    with git_server(tmp_path / "repositories", TOKEN, certificate=certificate) as running:
        yield running


def _for_git(engine: EngineName) -> dict[str, Any]:
    """Give token and certificate to an engine as the how-to says."""
    authority = f"{WORKSPACE}/ca.pem"
    if engine == "kaniko":
        login = {"GIT_USERNAME": "oauth2", "GIT_PASSWORD": TOKEN}
        return {"env_vars": {**login, "SSL_CERT_FILE": authority}}
    if engine == "buildah":
        basic = base64.b64encode(f"oauth2:{TOKEN}".encode()).decode()
        header = {"KEY": "http.extraHeader", "VALUE": f"Authorization: Basic {basic}"}
        login = {f"GIT_CONFIG_{name}_0": value for name, value in header.items()}
        return {"env_vars": {"GIT_CONFIG_COUNT": "1", **login, "GIT_SSL_CAINFO": authority}}
    trusted = "/etc/ssl/certs/ca-certificates.crt"
    mount = k8s.V1VolumeMount(name="workspace", mount_path=trusted, sub_path="ca.pem")
    return {"build_secrets": {"GIT_AUTH_TOKEN": "git_token"}, "volume_mounts": [mount]}


@pytest.mark.parametrize(
    "ref", ["", "#refs/heads/main", "#refs/tags/v1", "#{sha}", "#refs/heads/main#{sha}"]
)
def test_a_context_comes_from_git(
    builds: Builds,
    server: GitServer,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    ref: str,
):
    """A branch, a tag or a commit of a private repository, and a folder of it."""
    monkeypatch.setenv("AIRFLOW_VAR_GIT_TOKEN", TOKEN)
    repository = server.root / "group" / "app"
    first = {"api/Dockerfile": DOCKERFILE, "api/kept": "first"}
    sha = make_repository(repository, first)
    git(repository, "tag", "v1")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")  # as GitLab has it
    commit(repository, {"api/kept": "second"}, "second")
    place = server.url("group/app/.git").removeprefix("https://")

    builds.run(
        context=f"git://{place}{ref.format(sha=sha)}",
        context_sub_path="api",
        destinations=[f"{registry.host}/group/cloned:1"],
        **_for_git(builds.builder.engine),
    )

    kept = b"second" if ref in {"", "#refs/heads/main"} else b"first"
    assert registry.files("group/cloned", "1")["kept"] == kept
    assert not any(TOKEN in request for request in server.requests)


@pytest.mark.parametrize(("link", "leads_to"), [("api", "."), ("api/Dockerfile", "config.json")])
def test_a_link_in_a_repository_leads_to_no_login(
    builds: Builds,
    server: GitServer,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    link: str,
    leads_to: str,
):
    """Whoever may push to the repository cannot have the logins built, nor shown in the log."""
    builds.not_with("kaniko", "commands of a Dockerfile run in Kaniko's own root")
    monkeypatch.setenv("AIRFLOW_VAR_GIT_TOKEN", TOKEN)
    repository = server.root / "group" / "app"
    make_repository(repository, {"kept/Dockerfile": DOCKERFILE})
    (repository / link).parent.mkdir(exist_ok=True)
    (repository / link).symlink_to(Path(logins_file(builds.builder)).parent / leads_to)
    commit(repository, {}, "a link")

    with pytest.raises(TaskFailedForNow):
        builds.run(
            context=f"git://{server.url('group/app/.git').removeprefix('https://')}",
            context_sub_path="api",
            destinations=[f"{registry.host}/group/linked:1"],
            **_for_git(builds.builder.engine),
        )

    assert registry.tags("group/linked") == []


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A context as object stores have it."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "kept").write_text("of the store")
    file = tmp_path / "app.tar.gz"
    with tarfile.open(file, mode="w:gz") as packed:
        packed.add(folder, ".")
    return file


def _build_from_store(builds: Builds, **options: Any) -> None:
    """Build what a store has; the keys are where the engine looks for them."""
    destination = f"{builds.registry.host}/group/stored:1"
    builds.run(destinations=[destination], **options)
    assert builds.registry.files("group/stored", "1")["kept"] == b"of the store"


def _only_kaniko(builds: Builds) -> None:
    for engine in ("buildkit", "buildah"):
        builds.not_with(engine, "it reads folders and git only")


def _variables(target: StoreTarget) -> dict[str, str]:
    """Say where a store is that is not Amazon's, and with which keys."""
    return {
        "AWS_ACCESS_KEY_ID": target.access_key,
        "AWS_SECRET_ACCESS_KEY": target.secret_key,
        "AWS_REGION": "us-east-1",
        "S3_ENDPOINT": target.endpoint_url,
        "S3_FORCE_PATH_STYLE": "true",
    }


def test_a_context_comes_from_s3(builds: Builds, archive: Path, tmp_path: Path):
    """`s3://`."""
    _only_kaniko(builds)
    with s3_server(tmp_path / "s3") as store:
        store.put(ARCHIVE, archive.read_bytes())
        context = f"s3://{store.target().bucket}/{ARCHIVE}"
        _build_from_store(builds, context=context, env_vars=_variables(store.target()))


def test_a_context_comes_from_google(builds: Builds, archive: Path, tmp_path: Path):
    """`gs://`."""
    _only_kaniko(builds)
    with google_store(tmp_path) as store:
        store.put(ARCHIVE, archive)
        context = f"gs://{BUCKET}/{ARCHIVE}"
        _build_from_store(builds, context=context, env_vars=store.variables)


def test_a_context_comes_from_azure(builds: Builds, archive: Path, tmp_path: Path):
    """`https://ACCOUNT.blob.core.windows.net`, which is where the pod believes Azure to be."""
    _only_kaniko(builds)
    with azure_store(tmp_path, builds.workspace / "ca.pem") as store:
        store.put(ARCHIVE, archive)
        _build_from_store(
            builds,
            context=f"https://{AZURE_HOST}/{BUCKET}/{ARCHIVE}",
            env_vars={**store.variables, "SSL_CERT_FILE": f"{WORKSPACE}/ca.pem"},
            host_aliases=[k8s.V1HostAlias(ip=address(), hostnames=[AZURE_HOST])],
        )


def test_a_context_that_cannot_be_read_is_told(builds: Builds, archive: Path, tmp_path: Path):
    """A wrong key, in words, though Kaniko's own are far above the end of its log."""
    _only_kaniko(builds)
    with s3_server(tmp_path / "s3") as store:
        store.put(ARCHIVE, archive.read_bytes())
        variables = _variables(store.target("", "wrong"))
        with pytest.raises(Exception, match="the context cannot be read"):
            builds.run(context=f"s3://{store.target().bucket}/{ARCHIVE}", env_vars=variables)
