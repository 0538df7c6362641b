"""Hostile Dockerfiles, contexts and build arguments, in builds that really run."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from gitlab_ci_provider.runs.task_errors import TaskFailedForNow
from integration.cluster.image_builds import Builds, logins_file
from servers.image_registry import Registry

pytest.importorskip("airflow.providers.cncf.kubernetes")

PASSWORD = "pa55word-of-the-registry"


@pytest.fixture
def builds(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> Builds:
    login = {"conn_type": "docker", "host": "other.example.com", "login": "u"}
    monkeypatch.setenv("AIRFLOW_CONN_REGISTRY", json.dumps({**login, "password": PASSWORD}))
    return builds


def test_a_dockerfile_sees_no_login_and_no_workspace(builds: Builds, registry: Registry):
    """Its commands run in a root of their own: the engine's files and the pod's are not there.

    Nor can they be reached by the roots of the pod's other processes.
    """
    builds.not_with("kaniko", "commands of a Dockerfile run in Kaniko's own root")
    logins = logins_file(builds.builder)
    builds.write(
        {
            "Dockerfile": "FROM BASE\n"
            f"RUN cat {logins} >/login 2>&1 || echo none >/login\n"
            "RUN ls /workspace >/seen 2>&1 || echo none >/seen\n"
            f"RUN for each in /proc/[0-9]*; do cat $each/environ $each/root{logins}; done"
            " >/escaped 2>&1 || true\n"
        }
    )

    builds.run(registry_conn_id="registry")

    files = registry.files("group/app", "1")
    assert files["login"].endswith(b"none\n")
    assert files["seen"].endswith(b"none\n")
    assert not any(PASSWORD.encode() in content for content in files.values())
    assert not any(b"auths" in content for content in files.values())


def test_a_dockerfile_writes_nowhere_but_into_its_image(builds: Builds):
    """Neither the workspace nor this machine changes."""
    mark = f"written-by-{builds.api.namespace}"
    write = (
        f"mkdir -p /workspace; touch /workspace/{mark}; echo FROM scratch >/workspace/Dockerfile"
    )
    builds.write({"Dockerfile": f"FROM BASE\nRUN ({write}) || true\n"})
    before = (builds.workspace / "Dockerfile").read_text()

    builds.run()

    assert [path.name for path in builds.workspace.iterdir()] == ["Dockerfile"]
    assert (builds.workspace / "Dockerfile").read_text() == before
    assert not Path("/workspace", mark).exists()


def test_a_dockerfile_reads_no_login_of_other_builds(
    builds: Builds, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    """Whatever its commands can reach in the pod, logins of others are not there."""
    other = {"conn_type": "docker", "host": registry.host, "login": "u", "password": "of-another"}
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps(other))
    logins = logins_file(builds.builder)
    reads = f"cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline {logins} /var/run/secrets/*/*/*"
    builds.write({"Dockerfile": f"FROM BASE\nRUN ({reads}) >/seen 2>&1 || true\n"})

    builds.run(registry_conn_id="registry", destinations=[f"{registry.host}/group/reads:1"])

    encoded = base64.b64encode(b"u:of-another")
    files = registry.files("group/reads", "1")
    assert files["seen"]
    assert not any(b"of-another" in each or encoded in each for each in files.values())


def test_a_context_leads_nowhere_else(builds: Builds, registry: Registry):
    """A link in the context, and `..` in a COPY, reach no file of the pod."""
    builds.not_with("kaniko", "COPY reaches what commands of a Dockerfile reach: Kaniko's own root")
    logins = logins_file(builds.builder)
    (builds.workspace / "link").symlink_to(logins)
    for number, source in enumerate(("link", f"..{logins}", logins)):
        builds.write({"Dockerfile": f"FROM BASE\nCOPY {source} /copied\n"})
        destination = f"{registry.host}/group/leads:{number}"
        with pytest.raises(TaskFailedForNow):
            builds.run(registry_conn_id="registry", destinations=[destination])

    assert registry.tags("group/leads") == []


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("app", "folder"),
        ("app", "root"),
        ("Dockerfile", "file"),
        ("token", "file"),
        ("ca.pem", "file"),
    ],
)
def test_a_link_in_a_volume_leads_to_no_login(
    builds: Builds, registry: Registry, link: str, leads_to: str
):
    """An earlier task has put it where the build expects its context, a secret or a certificate."""
    builds.not_with("kaniko", "commands of a Dockerfile run in Kaniko's own root")
    logins = Path(logins_file(builds.builder))
    target = {"folder": logins.parent, "root": Path("/"), "file": logins}[leads_to]
    reads = "COPY config.json* /\nRUN --mount=type=secret,id=token cat /run/secrets/token >/token\n"
    builds.write({"Dockerfile": f"FROM BASE\n{reads}", "app/kept": "", "token": "", "ca.pem": ""})
    path = builds.workspace / link
    path.rename(builds.workspace / "moved")
    path.symlink_to(target)

    with pytest.raises(TaskFailedForNow, match=f"/{link} is a link to what belongs to the pod"):
        builds.run(
            registry_conn_id="registry",
            destinations=[f"{registry.host}/group/linked:1"],
            context="dir:///workspace/app",
            dockerfile="/workspace/Dockerfile",
            build_secret_files={"token": "/workspace/token"},
            registry_certificates={"other.example.com": "/workspace/ca.pem"},
        )

    assert registry.tags("group/linked") == []


def test_a_build_argument_is_only_a_value(builds: Builds, registry: Registry):
    """Flags, shell commands, and Kubernetes' `$(NAME)` in a value arrive as they are."""
    value = "--no-cache $(REGISTRY_AUTH_FILE) '; touch /tmp/hostile; echo \" $HOME `id`"
    builds.write({"Dockerfile": 'FROM BASE\nARG VALUE\nRUN echo "$VALUE" >/value\n'})

    builds.run(build_args={"VALUE": value})

    assert registry.files("group/app", "1")["value"].decode() == f"{value}\n"


def test_the_engine_has_few_rights(builds: Builds):
    """The pod keeps Pod Security `baseline`: an admission that enforces it would let it pass."""
    builds.not_with("buildkit", "it needs what `baseline` forbids")
    builds.write({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
    builds.run(on_finish_action="keep_pod")

    (name,) = builds.api.names("pods")
    pod = builds.api.get("pods", name)
    (container,) = pod["spec"]["containers"]
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"]["drop"] == ["ALL"]
    assert not {"SYS_ADMIN", "NET_RAW", "SYS_PTRACE"} & set(context["capabilities"]["add"])
    assert pod["spec"]["automountServiceAccountToken"] is False
