"""A job written for Kaniko, in a root like that of its debug image: BusyBox and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.model.job import Script
from processes.build import Build

pytestmark = pytest.mark.integration

EXECUTOR = """\
#!/busybox/sh
set -e
test -r "$DOCKER_CONFIG/config.json"
test "$(/busybox/id -u)" = 0
echo "executor: $*"
# The image is unpacked over the root; what is mounted stays, and BusyBox is a volume.
/busybox/rm -rf /bin /etc
/busybox/mkdir /bin
echo FROM scratch >/bin/sh
"""
LOGIN = (
    'echo "{\\"auths\\":{\\"${CI_REGISTRY}\\":{\\"auth\\":\\"'
    "$(printf '%s:%s' \"$CI_REGISTRY_USER\" \"$CI_REGISTRY_PASSWORD\" | base64 | tr -d '\\n')"
    '\\"}}}" > /kaniko/.docker/config.json'
)
BUILD = (
    '/kaniko/executor --context "${CI_PROJECT_DIR}" '
    '--dockerfile "${CI_PROJECT_DIR}/Dockerfile" --destination "$CI_REGISTRY_IMAGE:v1"'
)
SCRIPT = Script(
    before=("mkdir -p /kaniko/.docker", LOGIN),
    main=(
        BUILD,
        'echo "the shell goes on"',
    ),
    after=("echo after; cat /kaniko/.docker/config.json",),
)
VARIABLES = {
    "CI_PROJECT_DIR": "/builds/x",
    "CI_REGISTRY": "registry.example.com",
    "CI_REGISTRY_IMAGE": "registry.example.com/group/project",
    "CI_REGISTRY_USER": "user",
    "CI_REGISTRY_PASSWORD": "password",
}


@pytest.fixture
def root(tmp_path: Path) -> list[str]:
    """The command line that gives a process such a root."""
    busybox, bwrap = shutil.which("busybox"), shutil.which("bwrap")
    if busybox is None or bwrap is None:
        pytest.skip("busybox or bubblewrap is not installed")
    executor = tmp_path / "executor"
    executor.write_text(EXECUTOR)
    executor.chmod(0o755)
    return [bwrap, *_mounts(busybox, executor, tmp_path)]


def _mounts(busybox: str, executor: Path, shared: Path) -> Iterator[str]:
    yield from ("--tmpfs", "/", "--dev", "/dev", "--bind", str(shared), str(shared))
    yield from ("--ro-bind", busybox, "/busybox/busybox")
    listed = subprocess.run([busybox, "--list"], capture_output=True, check=True, text=True)
    for name in {*listed.stdout.split(), "sh"} - {"busybox"}:
        yield from ("--symlink", "busybox", f"/busybox/{name}")
    yield from ("--symlink", "/busybox/sh", "/bin/sh", "--dir", "/etc")
    yield from ("--ro-bind", str(executor), "/kaniko/executor")
    yield from ("--clearenv", "--setenv", "PATH", "/usr/local/bin:/kaniko:/busybox")
    yield from ("--setenv", "DOCKER_CONFIG", "/kaniko/.docker/")


def test_it_runs_unchanged(root: list[str], tmp_path: Path):
    """Its login, the executor, what follows it and `after_script`, all by BusyBox's shell."""
    build = Build(tmp_path, Path("/bin/sh"), SCRIPT, deadline=None, **VARIABLES)

    code, heard, log = build.run(*root)

    assert (code, heard) == (0, 0), log
    assert (
        "executor: --context /builds/x --dockerfile /builds/x/Dockerfile "
        "--destination registry.example.com/group/project:v1\n" in log
    )
    assert "\nthe shell goes on\n" in log
    assert '\nafter\n{"auths":{"registry.example.com":{"auth":"dXNlcjpwYXNzd29yZA=="}}}' in log
