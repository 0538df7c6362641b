"""A job's pod, planned and built as by the operator, on the embedded cluster: who sees what."""

from __future__ import annotations

import base64
import os
import shlex
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from kubernetes import client, config

from factories import JOB, RUN, make_plan_request, with_variables
from gitlab_ci_cluster.kubelet.tokens import ISSUER, TokenIssuer
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.cache import Cache
from gitlab_ci_provider.model.git_login import GitLogin
from gitlab_ci_provider.model.job import Job, Script
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Security
from gitlab_ci_provider.planner.plan import PlannedJob, plan_job
from gitlab_ci_provider.pods.outcome import Outcome, outcome
from gitlab_ci_provider.pods.pod import PodRequest, build_pod, build_secret
from integration.cluster.support import start_cluster
from processes.frames import read_frames
from processes.waiting import wait_until
from servers.bao import bao_server
from servers.git_http import GitServer, git_server
from servers.repositories import make_repository
from servers.s3 import SECRET_KEY, S3Server, s3_server

HELPER = "gitlab-ci-helper:test"
TOKEN = "glcbt-git-canary"


@dataclass
class World:
    """A cluster, a git server that wants a token, and an empty store."""

    core: client.CoreV1Api
    git: GitServer
    s3: S3Server
    sha: str

    def plan(
        self,
        *script: str,
        hook: tuple[str, ...] = (),
        tokens: dict[str, str] | None = None,
        job: Job = JOB,
    ) -> PlannedJob:
        """Plan a job with a cache and artifacts."""
        job = replace(
            job,
            script=replace(job.script, main=script),
            pre_get_sources=hook,
            as_written={
                "id_tokens": {name: {"aud": audience} for name, audience in (tokens or {}).items()}
            },
            caches=(Cache(paths=("kept",)),),
            artifacts=Artifacts(paths=("out",)),
        )
        project = Project(path="group/project", clone_url=self.git.url("group/project"))
        run = replace(RUN, project=project, ref=Ref(name="main", sha=self.sha))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        login = GitLogin(password=TOKEN)
        request = make_plan_request(job, run, store=self.s3.target(), login=login, started_at=now)
        limits = replace(request.limits, id_token_audiences=("https://vault.example.com",))
        return plan_job(replace(request, limits=limits))

    def run(
        self,
        planned: PlannedJob,
        security: Security = Security(),
        started: tuple[str, ...] = (),
    ) -> dict[str, str]:
        """Run its pod to the end; return what its containers wrote."""
        name = "pod"
        request = PodRequest(
            name=name,
            image=planned.image,
            profile=RunnerProfile(helper_image=HELPER, namespace="default", security=security),
            deadline=600,
            labels={},
            annotations={},
            hook=planned.plan.hook is not None,
            id_tokens=planned.id_tokens,
        )
        self.core.create_namespaced_secret("default", build_secret(request, planned.secret))
        self.core.create_namespaced_pod("default", build_pod(request))
        wait_until(lambda: self._phase(name) in {"Succeeded", "Failed"}, f"pod {name}")
        names = started or (("hook",) if request.hook else ()) + ("prepare", "helper")
        return {one: read_frames(self._log(name, one)).decode() for one in names}

    def _log(self, name: str, container: str) -> bytes:
        answer = self.core.read_namespaced_pod_log(
            name, "default", container=container, _preload_content=False
        )
        return bytes(answer.data)

    def end(self) -> Outcome:
        """Read how the job has ended."""
        return outcome(self.core.read_namespaced_pod("pod", "default"))

    def _phase(self, name: str) -> str:
        return str(self.core.read_namespaced_pod(name, "default").status.phase)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Everything that a job needs, the helper image being this Python."""
    sha = make_repository(tmp_path / "served" / "group" / "project", {"README": "hello\n"})
    with TemporaryDirectory() as folder:
        programs = f"{HELPER}={_helper_for_any_user(Path(folder))}"
        running = start_cluster(tmp_path / "cluster", "--path-for-image", programs)
        core = client.CoreV1Api(config.new_client_from_config(str(running.kubeconfig)))
        with git_server(tmp_path / "served", token=TOKEN) as git, s3_server(tmp_path / "s3") as s3:
            yield World(core, git, s3, sha)
        running.stop()


def _helper_for_any_user(folder: Path) -> Path:
    """Put a helper into a folder that any user may run, where the tests' own Python is root's."""
    python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if not Path(python).exists():
        return Path(sys.executable).parent
    folder.chmod(0o755)
    paths = os.pathsep.join(filter(None, sys.path))
    program = folder / "gitlab-ci-helper"
    command = f'exec {python} -m gitlab_ci_provider.helper "$@"'
    program.write_text(f"#!/bin/sh\nPYTHONPATH={shlex.quote(paths)} {command}\n")
    program.chmod(0o755)
    return folder


def test_a_job_passes_without_a_key_in_its_pod(world: World):
    """Sources, cache and artifacts work; the Secret has no key of the store, the script no plan."""
    planned = world.plan(
        'cat README; echo "sees $(ls /gitlab-ci | tr "\\n" " ")."; mkdir out kept; date >kept/x',
        "git config --list --show-origin >out/x || true",
    )
    logs = world.run(planned)
    secret = world.core.read_namespaced_secret("pod", "default")
    held = {name: base64.b64decode(text).decode() for name, text in secret.data.items()}

    assert "hello" in logs["helper"]
    assert "sees control scripts ." in logs["helper"]
    assert "Uploaded 1 files" in logs["helper"], logs
    assert "Created cache" in logs["helper"]
    assert len([path for path in world.s3.bucket.rglob("*") if path.is_file()]) == 3
    assert not [name for name, text in held.items() if SECRET_KEY in text]
    assert [name for name, text in held.items() if TOKEN in text] == ["prepare.json"]
    signed = [name for name, text in held.items() if "X-Amz" in text]
    assert sorted(signed) == ["finish.json", "prepare.json"]
    assert not [name for name, log in logs.items() if TOKEN in log or "X-Amz" in log]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change users")
def test_a_restricted_job_passes_as_an_ordinary_user(world: World):
    """Without root and any capability, helper and script still share the working copy."""
    planned = world.plan(
        'echo "I am $(id -u)"; grep CapEff /proc/self/status; mkdir out; date >out/x'
    )
    logs = world.run(planned, Security(standard="restricted"))

    assert "I am 1000" in logs["helper"]
    assert "CapEff:\t0000000000000000" in logs["helper"]
    assert "Uploaded 1 files" in logs["helper"], logs


def test_a_hook_tells_the_fetch_and_sees_nothing_of_it(world: World):
    """Its container has no folder in which `prepare` works, and no plan but its own."""
    planned = world.plan(
        'cat README; echo "the hook says $HOOKED"; ls -a /builds',
        hook=(
            "git config --global http.version HTTP/1.1",
            "export GIT_CURL_VERBOSE=1 GIT_TRACE_CURL_NO_DATA=1",
            'echo HOOKED=hello >> "$GITLAB_ENV"',
            'ls /gitlab-ci | tr "\\n" " "; echo',
            "ln -sf /gitlab-ci/plan/plan.json /builds/left-behind",
            "cat /gitlab-ci/plan/plan.json | tr -d X",
        ),
    )

    logs = world.run(planned)

    assert "\nhook plan \n" in logs["hook"]
    assert TOKEN not in logs["hook"]
    assert '"sources":null' in logs["hook"]
    assert "GET /group/project/info/refs" in logs["prepare"]
    assert TOKEN not in logs["prepare"]
    assert "\nhello\nthe hook says hello\n" in logs["helper"]
    assert "left-behind" not in logs["helper"]


def test_a_token_logs_in_at_a_vault_and_is_masked(world: World, tmp_path: Path):
    """The cluster signs it for the audience, and for the service account of the pod."""
    planned = world.plan(
        'echo "token $TOKEN"; mkdir out; printf %s "$TOKEN" >out/token; ls /gitlab-ci/id-tokens',
        tokens={"TOKEN": "https://vault.example.com"},
    )

    logs = world.run(planned)
    key = next(upload.object_key for upload in planned.plan.uploads)
    with zipfile.ZipFile(world.s3.bucket / key) as archive:
        token = archive.read("out/token").decode()

    assert "\ntoken [MASKED]\nTOKEN\n" in logs["helper"]
    assert token not in "".join(logs.values())
    (tmp_path / "bao").mkdir()
    with bao_server(tmp_path / "bao") as bao:
        bao.post("sys/auth/jwt", {"type": "jwt"})
        public = TokenIssuer(tmp_path / "cluster").public_key()
        bao.post("auth/jwt/config", {"jwt_validation_pubkeys": [public], "bound_issuer": ISSUER})
        role = {
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": ["https://vault.example.com"],
            "bound_subject": "system:serviceaccount:default:default",
        }
        bao.post("auth/jwt/role/ci", role)
        done = bao.post("auth/jwt/login", {"role": "ci", "jwt": token})
    assert done["auth"]["client_token"]


def test_a_script_that_runs_too_long_times_out(world: World):
    """The kubelet hands on why; after_script and what failed jobs keep come all the same."""
    late = replace(
        with_variables(RUNNER_SCRIPT_TIMEOUT="1s"),
        script=Script(after=('echo "after: $CI_JOB_STATUS"',)),
    )

    logs = world.run(world.plan("sleep 600", job=late))
    end = world.end()

    assert "\nafter: timedout\n" in logs["helper"]
    assert (end.failure_reason, end.exit_code) == ("job_execution_timeout", None)
    assert end.message == "script timeout: ran longer than 1 s (RUNNER_SCRIPT_TIMEOUT)"


def test_a_failed_hook_is_why_the_job_failed(world: World):
    """Nothing is fetched after it."""
    logs = world.run(world.plan("true", hook=("exit 3",)), started=("hook",))
    end = world.end()

    assert (end.failure_reason, end.message) == (
        "script_failure",
        "pre_get_sources_script: exit code 3",
    )
    assert set(logs) == {"hook"}
    assert world.git.requests == []
