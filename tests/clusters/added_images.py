"""Images that a registry which runs already gets in addition, for the tests that need them."""

from __future__ import annotations

import fcntl
import json
import shutil
import struct
import tarfile
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from clusters.images import (
    PATH,
    Layer,
    busybox_applets,
    compile_all,
    copy_distribution,
    copy_plugin,
    linked_layer,
    made_image,
    of_root,
    packed_layer,
)

EXECUTOR = Path(__file__).parents[1] / "engines" / "executor"
"""Stands in for Kaniko's."""

PYTHON = (3, 11)
"""The version of Debian's."""


def add_image(blobs: Path, name: str, tar: Path, **config: Any) -> None:
    """Serve another image, of one layer that stays where it is."""
    _publish(blobs, name, made_image(blobs, [linked_layer(blobs, tar)], Env=[PATH], **config))


def add_kaniko(blobs: Path, executor: Path) -> None:
    """Serve Kaniko's executor with a shell, as its own image `debug` has it."""
    with tempfile.TemporaryDirectory(dir=blobs) as folder:
        root = _executor_root(folder, executor)
        # Kaniko unpacks images over its own root, but for these two folders and what is mounted.
        programs = root / "busybox"
        programs.mkdir()
        busybox_applets(_program("busybox", "busybox-static"), programs)
        (root / "bin").mkdir()
        (root / "bin" / "sh").symlink_to("/busybox/sh")
        layers = [packed_layer(blobs, root)]
    _publish_executor(blobs, layers, "PATH=/usr/local/bin:/kaniko:/busybox")


def add_stand_in(blobs: Path, debian: Path) -> None:
    """Serve what stands in for Kaniko.

    Args:
        blobs: folder of the registry.
        debian: the root of a Debian with buildah.
    """
    with tempfile.TemporaryDirectory(dir=blobs) as folder:
        layer = packed_layer(blobs, _executor_root(folder, EXECUTOR))
    _publish_executor(blobs, [linked_layer(blobs, debian), layer], PATH)


def _executor_root(folder: str, executor: Path) -> Path:
    root = Path(folder) / "kaniko"
    (root / "kaniko" / ".docker").mkdir(parents=True)
    shutil.copy(executor, root / "kaniko" / "executor")
    return root


def _publish_executor(blobs: Path, layers: Sequence[Layer], path: str) -> None:
    variables = [path, "HOME=/root", "USER=root", "DOCKER_CONFIG=/kaniko/.docker/"]
    image = made_image(blobs, layers, Entrypoint=["/kaniko/executor"], Env=variables)
    _publish(blobs, "kaniko", image)


def add_deployer(blobs: Path, helm: Path) -> None:
    """Serve `alpine/k8s` with helm and kubectl, and `nginx`, which only waits."""
    debian = _base(blobs)
    with tempfile.TemporaryDirectory(dir=blobs) as folder:
        programs = Path(folder) / "k8s" / "usr" / "local" / "bin"
        programs.mkdir(parents=True)
        for program in (helm, _program("kubectl", "kubernetes-client")):
            shutil.copy(program, programs / program.name)
        layer = packed_layer(blobs, Path(folder) / "k8s")
    _publish(blobs, "k8s", made_image(blobs, [debian, layer], Env=[PATH]))
    sleep = ["sleep", "infinity"]
    _publish(blobs, "nginx", made_image(blobs, [debian], Cmd=sleep, Env=[PATH]))


def add_airflow(blobs: Path) -> None:
    """Serve Airflow with this package and what both need, for workers, as `airflow`.

    Debian's Python runs what is installed here, so both must be of one version.
    """
    debian = _base(blobs)
    with tempfile.TemporaryDirectory(dir=blobs) as folder:
        root = Path(folder) / "airflow"
        packages = root / "opt" / "packages"
        copy_plugin(packages)
        for name in _needed("airflow-provider-gitlab-ci"):
            copy_distribution(name, packages)
        compile_all(packages)
        programs = root / "usr" / "local" / "bin"
        programs.mkdir(parents=True)
        (programs / "python").symlink_to("/usr/bin/python3")
        layer = packed_layer(blobs, root)
    variables = [PATH, "PYTHONPATH=/opt/packages", "HOME=/root"]
    _publish(blobs, "airflow", made_image(blobs, [debian, layer], Env=variables))


def _needed(distribution: str) -> set[str]:
    """Name what is installed because a distribution needs it, and itself."""
    found, open_ = set[str](), [Requirement(distribution)]
    while open_:
        wanted = open_.pop()
        if str(wanted) in found:
            continue
        found.add(str(wanted))
        for line in metadata.requires(wanted.name) or ():
            needed, extras = Requirement(line), ("", *wanted.extras)
            if not needed.marker or any(needed.marker.evaluate({"extra": one}) for one in extras):
                needed.marker, needed.specifier = None, SpecifierSet()
                open_.append(needed)
    return {Requirement(one).name for one in found}


def _base(blobs: Path) -> Layer:
    """Find the layer of the image that jobs run in."""
    manifest = json.loads(
        (blobs / json.loads((blobs / "index.json").read_text())["base"]).read_text()
    )
    (layer,) = manifest["layers"]
    return Layer(layer["digest"], layer["size"])


_BUILDKIT = ("buildkitd", "buildctl", "buildctl-daemonless.sh")
_MAY_SET = {"newuidmap": 7, "newgidmap": 6}
"""The number of the capability that each has, in place of the rights of root."""


def add_buildkit(blobs: Path, debian: Path, programs: Path) -> None:
    """Serve BuildKit for a user who may map other users, as its own image `rootless` has it.

    Args:
        blobs: folder of the registry.
        debian: the root of a Debian with what BuildKit needs.
        programs: folder with what BuildKit is.
    """
    home = "/home/user"
    with tempfile.TemporaryDirectory(dir=blobs) as folder:
        root = Path(folder) / "buildkit"
        for name in ("usr/bin", "etc", "run/user/1000", f"{home[1:]}/.local/tmp"):
            (root / name).mkdir(parents=True)
        for path in [
            *map(programs.joinpath, _BUILDKIT),
            *(_program(one, "uidmap") for one in _MAY_SET),
        ]:
            shutil.copy(path, root / "usr" / "bin" / path.name)
        users = f"root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::{home}:/bin/sh\n"
        (root / "etc" / "passwd").write_text(users)
        for name in ("subuid", "subgid"):
            (root / "etc" / name).write_text("user:100000:65536\n")
        layer = packed_layer(blobs, root, _of_buildkit)
    variables = [PATH, f"HOME={home}", "USER=user", "XDG_RUNTIME_DIR=/run/user/1000"]
    variables.append(f"TMPDIR={home}/.local/tmp")
    layers = [linked_layer(blobs, debian), layer]
    _publish(blobs, "buildkit", made_image(blobs, layers, User="1000:1000", Env=variables))


def _program(name: str, package: str) -> Path:
    found = shutil.which(name)
    assert found, f"needs {name} (Debian: {package})"
    return Path(found)


def _of_buildkit(member: tarfile.TarInfo) -> tarfile.TarInfo:
    name = Path(member.name).name
    if name in _MAY_SET:
        data = struct.pack("<5I", 0x02000001, 1 << _MAY_SET[name], 0, 0, 0)
        text = data.decode("utf-8", "surrogateescape")
        member.pax_headers = {"SCHILY.xattr.security.capability": text}
    if "user" in member.name and member.isdir():
        member.mode = 0o777
    elif "/bin/" in member.name:
        member.mode = 0o755
    return of_root(member)


def _publish(blobs: Path, name: str, image: str) -> None:
    index = blobs / "index.json"
    with (blobs / "index.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh = index.with_suffix(".new")
        fresh.write_text(json.dumps(json.loads(index.read_text()) | {name: image}))
        fresh.replace(index)
