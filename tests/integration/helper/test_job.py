"""Whole jobs: prepare, build and helper as processes, a real git server and a real S3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
    PlanVariable,
)
from gitlab_ci_provider.storage.index import decode_index
from processes.pod import Pod, project_dir
from processes.shells import NAMES, shell_named
from servers.git_http import GitServer, git_server
from servers.repositories import git, make_repository
from servers.s3 import S3Server, s3_server

pytestmark = pytest.mark.integration

TOKEN = "glcbt-secret-token"
CACHE_KEY = "project/group/project/main.tar.zst"
ARTIFACTS_KEY = "artifacts/group/project/1/build/1/artifacts.zip"


@dataclass
class World:
    """What jobs have around them."""

    folder: Path
    git: GitServer
    s3: S3Server
    sha: str

    def plan(self, name: str, **parts: Any) -> JobPlan:
        """Plan a job of the repository."""
        sources = GetSources(
            url=self.git.url("group/project"),
            sha=self.sha,
            refspecs=("+refs/heads/main:refs/remotes/origin/main",),
            ref_name="main",
            username="gitlab-ci-token",
            password=TOKEN,
        )
        pod = self.folder / name
        pod.mkdir()
        plan = JobPlan(job="build", project_dir=project_dir(pod), sources=sources)
        return replace(plan, attempts=2, **parts)

    def pod(self, plan: JobPlan, script: Script, shell: Path | None = None) -> Pod:
        """Make the pod of a plan."""
        folder = Path(plan.project_dir).parents[2]
        return Pod(folder, self.s3.give_access(plan), script, shell)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A repository on a git server that wants a token, and an empty S3."""
    repository = tmp_path / "served" / "group" / "project"
    sha = make_repository(repository, {"README": "hello\n", "src/main.c": "int main;\n"})
    with git_server(tmp_path / "served", token=TOKEN) as server, s3_server(tmp_path / "s3") as s3:
        yield World(tmp_path, server, s3, sha)


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_job(world: World, name: str):
    """Sources, file variables, script, cache, artifacts with their index, and a clean end."""
    plan = world.plan(
        "pod",
        variables=(
            PlanVariable(name="GREETING", value="it's $HOME"),
            PlanVariable(name="KEY", value="file content", file=True),
        ),
        archives=(CacheArchive(name="main", object_key=CACHE_KEY, paths=("deps/",)),),
        uploads=(ArtifactUpload(name="site", object_key=ARTIFACTS_KEY, paths=("out/",)),),
    )
    script = Script(
        before=("mkdir out deps; echo lib > deps/lib",),
        main=('echo "$GREETING" > out/greeting', 'cat "$KEY" README', "git status --short"),
        after=('echo "after: $CI_JOB_STATUS"',),
    )

    prepare, build, helper = world.pod(plan, script, shell_named(name, world.folder)).run()

    assert (prepare.code, build.code, helper.code) == (0, 0, 0)
    assert "Checking out" in prepare.log
    assert "file contenthello\n" in build.log
    assert "after: success" in build.log
    assert "Created cache" in helper.log
    assert helper.report["reason"] is None
    assert helper.report["artifacts"][0]["object_key"] == ARTIFACTS_KEY
    assert (world.s3.bucket / CACHE_KEY).exists()
    index = decode_index((world.s3.bucket / f"{ARTIFACTS_KEY}.index.json").read_bytes())
    assert [file.path for file in index.files] == ["out/", "out/greeting"]
    assert not Path(f"{plan.project_dir}.tmp").exists()
    assert TOKEN not in prepare.log + build.log + helper.log


def test_the_cache_is_hit_on_the_second_run(world: World):
    """What the first job leaves in the cache, the second finds."""
    script = Script(main=("mkdir -p deps; ls deps; echo found >> deps/lib; wc -l < deps/lib",))
    parts = {
        "restores": (CacheRestore(name="main", object_keys=(CACHE_KEY,)),),
        "archives": (CacheArchive(name="main", object_key=CACHE_KEY, paths=("deps/",)),),
    }

    logs = [world.pod(world.plan(name, **parts), script).run() for name in ("one", "two")]

    assert "No cache found" in logs[0][0].log
    assert "Successfully extracted cache" in logs[1][0].log
    assert "\n2\n" in logs[1][1].log


def test_artifacts_reach_the_next_job(world: World):
    """With their modes."""
    upload = ArtifactUpload(name="site", object_key=ARTIFACTS_KEY, paths=("tool",))
    download = ArtifactDownload(job="build", object_key=ARTIFACTS_KEY)
    make = Script(main=("printf '#!/bin/sh\\necho it runs' > tool; chmod +x tool",))

    world.pod(world.plan("one", uploads=(upload,)), make).run()
    _, build, _ = world.pod(
        world.plan("two", downloads=(download,)), Script(main=("./tool",))
    ).run()

    assert "it runs" in build.log


def test_a_failed_script_saves_what_is_for_failures(world: World):
    """`when` of caches and artifacts follows the script; the helper itself has not failed."""
    uploads = tuple(
        ArtifactUpload(name=when, object_key=f"a/{when}.zip", paths=("README",), when=when)
        for when in ("on_success", "on_failure", "always")
    )
    archives = tuple(
        CacheArchive(name=when, object_key=f"c/{when}.tar.zst", paths=("README",), when=when)
        for when in ("on_success", "on_failure", "always")
    )
    plan = world.plan("pod", uploads=uploads, archives=archives)

    _, build, helper = world.pod(plan, Script(main=("exit 9",))).run()

    assert (build.code, helper.code) == (9, 0)
    assert [one["name"] for one in helper.report["artifacts"]] == ["on_failure", "always"]
    assert sorted(path.name for path in (world.s3.bucket / "c").iterdir()) == [
        "always.tar.zst",
        "on_failure.tar.zst",
    ]
    assert "Uploading artifacts for failed job" in helper.log


def test_artifacts_that_are_gone_fail_the_job_before_its_script(world: World):
    """The report says which job's they were."""
    download = ArtifactDownload(job="compile", object_key="a/none.zip")
    plan = world.plan("pod", downloads=(download,))

    prepare, _, _ = world.pod(plan, Script(main=("true",))).run()

    assert prepare.code == 70
    assert prepare.report["phase"] == "download_artifacts"
    assert prepare.report["reason"] == "missing_dependency_failure"
    assert "artifacts of job 'compile' are gone" in prepare.report["message"]
    assert "ERROR: the artifacts of job 'compile'" in prepare.log.splitlines()[-1]


def test_a_wrong_token_fails_the_job_and_is_not_shown(world: World):
    """Neither the token that was tried nor the right one."""
    plan = world.plan("pod")
    assert plan.sources is not None
    plan = replace(plan, sources=replace(plan.sources, password="wrong-secret"))

    prepare, _, _ = world.pod(plan, Script(main=("true",))).run()

    assert prepare.code == 70
    assert prepare.report["phase"] == "get_sources"
    assert "Authentication failed" in prepare.report["message"]
    assert "secret" not in prepare.log + str(prepare.report)


def test_a_commit_that_does_not_exist_fails_the_job(world: World):
    """The last line of the log says which."""
    plan = world.plan("pod")
    assert plan.sources is not None
    plan = replace(plan, sources=replace(plan.sources, sha="1" * 40))

    prepare, _, _ = world.pod(plan, Script(main=("true",))).run()

    assert prepare.code == 70
    assert f"cannot fetch commit {'1' * 40}" in prepare.log.splitlines()[-1]


def test_the_working_copy_is_at_the_commit(world: World):
    """And git of the job's image may work in it."""
    pod = world.pod(world.plan("pod"), Script(main=("git rev-parse HEAD",)))

    _, build, _ = pod.run()

    assert world.sha in build.log
    assert git(world.folder / "served/group/project", "rev-parse", "HEAD") == world.sha
