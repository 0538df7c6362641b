"""The helper image, built from its Dockerfile: what is in it, and jobs that it serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider import __version__
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import ArtifactUpload, CacheArchive, JobPlan, PreGetSources
from gitlab_ci_provider.planner.script import hook_script
from gitlab_ci_provider.pods.security import HELPER_CAPABILITIES
from gitlab_ci_provider.storage.index import decode_index
from integration.helper.support import TOKEN, head, sources
from integration.images.support import Image
from processes.pod import Ended, Pod, project_dir
from servers.git_http import git_server
from servers.repositories import make_repository
from servers.s3 import s3_server

pytestmark = pytest.mark.integration

USERS = ("0:0", "1000:1000", "20042:0")
"""Root as in `baseline`, an ordinary user, and one of those that OpenShift makes up."""

CACHE_KEY = "project/group/project/main.tar.zst"
ARTIFACTS_KEY = "artifacts/group/project/1/build/1/artifacts.zip"


@pytest.mark.parametrize("user", USERS)
def test_every_user_finds_its_programs(helper_image: Image, user: str):
    """Itself, git and Git LFS; no file of the image is written to."""
    lines = "gitlab-ci-helper --version; git --version; git lfs version"

    said = helper_image.run("-ec", lines, user=user, entrypoint="sh").splitlines()

    assert said[0] == __version__
    assert said[1].startswith("git version 2.")
    assert said[2].startswith("git-lfs/3.")


def test_the_label_is_the_version_of_the_program(helper_image: Image):
    """And the other labels are filled in."""
    prefix = "org.opencontainers.image"
    names = ("title", "version", "licenses", "revision", "created")

    found = {
        name: helper_image.inspect(f'{{{{index .Labels "{prefix}.{name}"}}}}') for name in names
    }

    assert found["title"] == "gitlab-ci-helper"
    assert found["version"] == __version__
    assert all(found.values()), found


def test_it_holds_what_the_helper_imports_and_no_more(helper_image: Image):
    """No Airflow, no Kubernetes client, no pip."""
    code = "from importlib.metadata import distributions as d; print(*sorted(x.name for x in d()))"

    found = helper_image.run("-Ic", code, entrypoint="/opt/gitlab-ci-helper/bin/python3").split()

    others = ["google-re2", "isal", "msgspec", "urllib3", "zstandard"]
    assert found == ["airflow-provider-gitlab-ci", *others]


def test_the_build_leaves_nothing_behind(helper_image: Image):
    """No cache, no log, and nothing of this machine's settings of pip."""
    kept = "find /tmp /root /run /var/cache /var/log /var/lib/apt/lists /src /wheels -type f"
    named = r"find / -xdev \( -name 'pip' -o -name 'pip.*' -o -name '*requirements.txt' \)"

    found = helper_image.run("-c", f"{kept}; {named}; true", entrypoint="sh").splitlines()

    assert set(found) <= {"/root/.bashrc", "/root/.profile", "/run/.containerenv"}


def helper_command(image: Image, folder: Path, user: str) -> Sequence[str]:
    """Build the command that runs the helper with the rights that a pod gives it."""
    kept = HELPER_CAPABILITIES if user == "0:0" else ()
    rights = ["--cap-drop=all", *(f"--cap-add={name}" for name in kept)]
    rights += ["--security-opt=no-new-privileges", f"--user={user}"]
    return image.command(*rights, f"--volume={folder}:{folder}")


def open_to_all(folder: Path) -> None:
    """Let every user write to the volumes of a pod, as the kubelet does."""
    for path in (folder, folder / "control", folder / "hook"):
        path.chmod(0o777)


def codes(*ended: Ended) -> list[int]:
    """List how the containers ended."""
    return [part.code for part in ended]


@pytest.mark.parametrize("user", USERS)
def test_a_whole_job(helper_image: Image, tmp_path: Path, user: str):
    """Hook, sources with a login, cache, and artifacts with their index; the image is read-only."""
    served, folder = tmp_path / "served", tmp_path / "pod"
    make_repository(served / "group" / "project", {"README": "hello\n"})
    folder.mkdir()
    with git_server(served, token=TOKEN) as git, s3_server(tmp_path / "s3") as s3:
        plan = JobPlan(
            job="build",
            project_dir=project_dir(folder),
            sources=sources(
                git.url("group/project"),
                head(served / "group" / "project"),
                username="gitlab-ci-token",
                password=TOKEN,
            ),
            archives=(CacheArchive(name="main", object_key=CACHE_KEY, paths=("deps/",)),),
            uploads=(ArtifactUpload(name="site", object_key=ARTIFACTS_KEY, paths=("out/",)),),
        )
        hook = PreGetSources(script=hook_script(plan, ["echo hooked"]), attempts=1)
        pod = Pod(
            folder,
            s3.give_access(replace(plan, hook=hook)),
            Script(main=("cat README; mkdir out deps; echo x >deps/lib; echo y >out/made",)),
            helper=helper_command(helper_image, folder, user),
        )
        open_to_all(folder)
        hooked, ended = pod.hook(), pod.run()

    assert codes(hooked, *ended) == [0, 0, 0, 0], [pod.raw(name) for name in ("hook", "prepare")]
    assert "hooked" in hooked.log
    assert "Checking out" in ended[0].log
    assert "hello" in ended[1].log
    assert "Created cache" in ended[2].log
    assert (s3.bucket / CACHE_KEY).exists()
    index = decode_index((s3.bucket / f"{ARTIFACTS_KEY}.index.json").read_bytes())
    assert [file.path for file in index.files] == ["out/", "out/made"]
