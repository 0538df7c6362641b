"""What can go wrong in the middle of a job, done to real processes and servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import (
    ArtifactDownload,
    ArtifactUpload,
    CacheArchive,
    CacheRestore,
    GetSources,
    JobPlan,
)
from processes.build import make_signal, wait_for_file
from processes.pod import Pod, project_dir
from processes.waiting import wait_until, wait_until_blocked, wait_until_session_ends
from servers.s3 import S3Server, s3_server

pytestmark = pytest.mark.integration

CACHE = CacheArchive(name="main", object_key="c/main.tar.zst", paths=("out",), when="always")
UPLOAD = ArtifactUpload(name="site", object_key="a/site.zip", paths=("out",), when="always")


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    """An empty S3."""
    with s3_server(tmp_path / "s3") as server:
        yield server


def make_pod(folder: Path, s3: S3Server | None, *script: str, **parts: Any) -> Pod:
    """Make the pod of a job without sources."""
    folder.mkdir(exist_ok=True)
    plan = JobPlan(
        job="job",
        project_dir=project_dir(folder),
        attempts=2,
        **parts,
    )
    return Pod(folder, s3.give_access(plan) if s3 else plan, Script(main=script))


def start(pod: Pod, ready: Path) -> subprocess.Popen[bytes]:
    """Start a pod whose script says that it is there; return the build."""
    assert pod.prepare().code == 0
    pod.start_helper()
    build = pod.start_build()
    wait_for_file(ready, build)
    return build


def test_s3_dies_during_the_job(tmp_path: Path, s3: S3Server):
    """The upload is tried again, then the job fails with the reason; what was stored stays."""
    parts = {"archives": (CACHE,), "uploads": (UPLOAD,)}
    _, _, first = make_pod(tmp_path / "one", s3, "mkdir out; echo 1 > out/f", **parts).run()
    stored = {path: path.read_bytes() for path in s3.bucket.rglob("*") if path.is_file()}
    ready, go = make_signal(tmp_path / "ready"), make_signal(tmp_path / "go")
    script = (f"mkdir out; echo 2 > out/f; : > {ready}; read line < {go}",)
    pod = make_pod(tmp_path / "two", s3, *script, **parts)

    start(pod, ready)
    s3.kill()
    go.write_text("\n")
    build, helper = pod.end("build"), pod.end("helper")

    assert (first.code, build.code, helper.code) == (0, 0, 70)
    assert len(stored) == 3
    assert {path: path.read_bytes() for path in stored} == stored
    assert "WARNING: Failed to create cache" in helper.log
    assert "attempt 2 of 2" in helper.log
    assert helper.report["phase"] == "upload_artifacts_on_success"
    assert helper.report["reason"] == "runner_system_failure"
    assert "cannot upload the artifacts 'site'" in helper.report["message"]
    assert f"http://127.0.0.1:{s3.port}" in helper.report["message"]


def test_s3_is_down_before_the_job(tmp_path: Path, s3: S3Server):
    """A cache is done without, artifacts are not; the message names the job that made them."""
    s3.kill()
    restore = CacheRestore(name="main", object_keys=("c/main.tar.zst",))
    download = ArtifactDownload(job="compile", object_key="a/site.zip")

    prepared = make_pod(
        tmp_path / "pod", s3, "true", restores=(restore,), downloads=(download,)
    ).prepare()

    assert prepared.code == 70
    assert "WARNING: Failed to extract cache" in prepared.log
    assert prepared.report["phase"] == "download_artifacts"
    assert "cannot download the artifacts of job 'compile'" in prepared.report["message"]


def test_s3_hangs_with_a_cache(tmp_path: Path, s3: S3Server):
    """CACHE_REQUEST_TIMEOUT bounds the wait for a cache that only trickles in, or not at all."""
    restore = CacheRestore(name="main", object_keys=("c/main.tar.zst",))
    pod = make_pod(tmp_path / "pod", s3, "true", restores=(restore,), cache_seconds=1)
    s3.suspend()

    prepared = pod.prepare()

    assert prepared.code == 0
    assert "WARNING: Failed to extract cache" in prepared.log


def test_the_build_is_killed(tmp_path: Path, s3: S3Server):
    """As by the kernel out of memory: what is for failed jobs is saved all the same."""
    ready = make_signal(tmp_path / "ready")
    script = (f"mkdir out; echo half > out/f; : > {ready}", "exec sleep 600")
    pod = make_pod(tmp_path / "pod", s3, *script, uploads=(UPLOAD,))

    build = start(pod, ready)
    _kill_session(build, signal.SIGKILL)
    helper = pod.end("helper")

    assert helper.code == 0
    assert "the build container was killed before its scripts ended" in helper.log
    assert "Uploading artifacts for failed job" in helper.log
    assert helper.report["artifacts"][0]["files"] == 1


def test_everything_is_told_to_end(tmp_path: Path, s3: S3Server):
    """TERM, as when a pod is deleted: the script ends, and what failed jobs leave is saved."""
    ready = make_signal(tmp_path / "ready")
    pod = make_pod(tmp_path / "pod", s3, f": > {ready}", "exec sleep 600", uploads=(UPLOAD,))

    build = start(pod, ready)
    for name in ("build", "helper"):
        pod.send(name, signal.SIGTERM)

    assert pod.end("build").code == 143
    assert pod.end("helper").code == 0
    assert "Uploading artifacts for failed job" in pod.end("helper").log
    assert build.poll() is not None


def test_the_helper_ends_although_no_build_ever_starts(tmp_path: Path):
    """It waits for the build without an end of its own, but not against Kubernetes."""
    pod = make_pod(tmp_path / "pod", None)
    pod.prepare()
    helper = pod.start_helper()
    wait_until_blocked(helper.pid)

    pod.send("helper", signal.SIGTERM)

    assert pod.end("helper").code == 143


def test_the_helper_as_process_1(tmp_path: Path):
    """The kernel shields process 1 from TERM unless it asks for it."""
    namespaces = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
    if subprocess.run([*namespaces, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no user namespaces")
    pod = make_pod(tmp_path / "pod", None)
    pod.prepare()
    outer = pod.start_helper(*namespaces)
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    wait_until(lambda: bool(children.read_text()), "the helper in its namespace")
    inner = int(children.read_text().split()[0])
    wait_until_blocked(inner)

    os.kill(inner, signal.SIGTERM)

    assert pod.end("helper").code == 143


def test_git_is_ended_with_the_helper(tmp_path: Path):
    """TERM during a fetch that hangs leaves no git behind."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/group/project"
        pod = make_pod(tmp_path / "pod", None, sources=GetSources(url=url, sha="0" * 40))
        helper = pod.start_prepare()
        connection, _ = silent.accept()
        pod.send("prepare", signal.SIGTERM)
        ended = pod.end("prepare")
        wait_until_session_ends(helper.pid)
        connection.close()

    assert ended.code == 143


def test_the_disk_is_full(tmp_path: Path, s3: S3Server):
    """No room for the archive: the job fails, says so, and what was stored stays."""
    pod_folder = tmp_path / "pod"
    pod_folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(pod_folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can make a small disk")
    try:
        script = "mkdir out; head -c 700000 /dev/urandom > out/f"
        _, build, helper = make_pod(
            pod_folder, s3, script, archives=(CACHE,), uploads=(UPLOAD,)
        ).run()
    finally:
        subprocess.run(["umount", str(pod_folder)], check=True)

    assert (build.code, helper.code) == (0, 70)
    assert "WARNING: Failed to create cache: [Errno 28] No space left" in helper.log
    assert "cannot upload the artifacts 'site': [Errno 28] No space left" in helper.log
    assert list(s3.bucket.iterdir()) == []


def test_hostile_artifacts(tmp_path: Path, s3: S3Server):
    """An archive that wants to write elsewhere fails the job; nothing was written there."""
    key = s3.bucket / "a" / "site.zip"
    key.parent.mkdir()
    with zipfile.ZipFile(key, "w") as archive:
        archive.writestr("../../../../evil", "evil")
    download = ArtifactDownload(job="compile", object_key="a/site.zip")

    prepared = make_pod(tmp_path / "pod", s3, "true", downloads=(download,)).prepare()

    assert prepared.code == 70
    assert "refused: the archive wants to write '../../../../evil'" in prepared.report["message"]
    assert not list(tmp_path.rglob("evil"))


def test_a_link_in_place_of_the_working_copy(tmp_path: Path, s3: S3Server):
    """A job cannot have the helper's own files uploaded as its artifacts."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "out").write_text("credentials")
    script = f"cd ..; rm -r project; ln -s {tmp_path / 'private'} project"

    _, _, helper = make_pod(tmp_path / "pod", s3, script, uploads=(UPLOAD,)).run()

    assert helper.code == 70
    assert "was replaced by the job: nothing is saved" in helper.report["message"]
    assert list(s3.bucket.iterdir()) == []


def test_a_plan_of_another_version(tmp_path: Path):
    """The helper says which file, and what to look at."""
    pod = make_pod(tmp_path / "pod", None, "true")
    (tmp_path / "pod" / "prepare.json").write_text('{"job": "x"}')

    prepared = pod.prepare()

    assert prepared.code == 70
    assert "is the helper image of the same version" in prepared.report["message"]


def test_a_job_without_a_store(tmp_path: Path):
    """Should the operator ever ask for a transfer and name no store."""
    prepared = make_pod(
        tmp_path / "pod", None, downloads=(ArtifactDownload(job="x", object_key="k"),)
    ).prepare()

    assert prepared.code == 70
    assert "names no object store" in prepared.report["message"]


def _kill_session(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Kill everything of a container at once."""
    subprocess.run(["pkill", f"-{number.value}", "-s", str(process.pid)], check=True)
