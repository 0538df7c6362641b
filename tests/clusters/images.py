"""The images of a real Kubernetes for tests, made of folders of this machine: OCI blobs.

`base` is a Debian with git and Python, what jobs run in under every name; `helper` adds
gitlab-ci-helper, as `docker/helper/Dockerfile` does; `busybox` has a shell, `pause` not even that.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HELPER_NEEDS = ("google-re2", "isal", "msgspec", "urllib3", "zstandard")
"""What the helper imports; a test holds it against `docker/helper/requirements.txt`."""

_ENTRY = """#!/usr/bin/python3
import sys
sys.path.insert(0, "/opt/helper")
from gitlab_ci_provider.helper.__main__ import main
sys.exit(main())
"""
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Prepare = Callable[[tarfile.TarInfo], tarfile.TarInfo]


@dataclass(frozen=True)
class Layer:
    """One uncompressed layer."""

    digest: str
    size: int


def make_images(built: Path, folder: Path) -> None:
    """Make the images in `folder/images`: blobs by digest, and `index.json` with the manifests."""
    blobs = folder / "images"
    blobs.mkdir()
    debian = linked_layer(blobs, built / "debian.tar")
    helper = packed_layer(blobs, _helper_files(folder))
    busybox = packed_layer(blobs, _busybox_files(built, folder))
    bare = packed_layer(blobs, _bare_files(built, folder))
    sleep = ["/busybox", "sleep", "2147483647"]
    index = {
        "base": made_image(blobs, [debian], Cmd=["bash"], Env=[PATH]),
        "helper": made_image(blobs, [debian, helper], Entrypoint=["gitlab-ci-helper"], Env=[PATH]),
        "busybox": made_image(blobs, [busybox], Cmd=["sh"], Env=[PATH]),
        "pause": made_image(blobs, [bare], Entrypoint=sleep),
    }
    (blobs / "index.json").write_text(json.dumps(index))


def make_job_images(built: Path, folder: Path) -> None:
    """Make only what jobs run in: an engine on this machine needs neither helper nor sandbox."""
    blobs = folder / "images"
    blobs.mkdir()
    debian = linked_layer(blobs, built / "debian.tar")
    busybox = packed_layer(blobs, _busybox_files(built, folder))
    index = {
        "base": made_image(blobs, [debian], Cmd=["bash"], Env=[PATH]),
        "busybox": made_image(blobs, [busybox], Cmd=["sh"], Env=[PATH]),
    }
    (blobs / "index.json").write_text(json.dumps(index))


def made_image(blobs: Path, layers: Sequence[Layer], **config: Any) -> str:
    """Write an image's configuration and manifest; returns the manifest's digest."""
    described = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        "history": [{"created_by": "tests"} for _ in layers],  # Podman builds on no image without
    }
    kind = "application/vnd.oci.image"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": _described(f"{kind}.config.v1+json", _blob(blobs, described)),
        "layers": [_described(f"{kind}.layer.v1.tar", layer) for layer in layers],
    }
    return _blob(blobs, manifest).digest


def _described(kind: str, blob: Layer) -> Mapping[str, Any]:
    return {"mediaType": kind, "digest": blob.digest, "size": blob.size}


def _blob(blobs: Path, content: Any) -> Layer:
    data = json.dumps(content).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    (blobs / digest).write_bytes(data)
    return Layer(digest, len(data))


def of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Give a file to root."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def packed_layer(blobs: Path, root: Path, prepare: Prepare = of_root) -> Layer:
    """Pack a folder; `prepare` says of each file whose it is."""
    path = root.with_suffix(".tar")
    with tarfile.open(path, "w") as archive:
        archive.add(root, arcname=".", filter=prepare)
    shutil.rmtree(root)
    layer = Layer(_digest(path), path.stat().st_size)
    path.rename(blobs / layer.digest)
    return layer


def linked_layer(blobs: Path, tar: Path) -> Layer:
    """Refer to a layer that stays where it is; its digest is kept next to it."""
    kept = tar.with_suffix(".digest")
    if not kept.exists():
        kept.write_text(_digest(tar))
    layer = Layer(kept.read_text(), tar.stat().st_size)
    with suppress(FileExistsError):  # of an image that was added before
        (blobs / layer.digest).symlink_to(tar)
    return layer


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _helper_files(folder: Path) -> Path:
    root = folder / "helper"
    packages = root / "opt" / "helper"
    copy_plugin(packages)
    for name in HELPER_NEEDS:
        copy_distribution(name, packages)
    compile_all(packages)
    entry = root / "usr" / "local" / "bin" / "gitlab-ci-helper"
    entry.parent.mkdir(parents=True)
    entry.write_text(_ENTRY)
    entry.chmod(0o755)
    return root


def copy_plugin(packages: Path) -> None:
    """Copy this package's own modules."""
    plugin = ROOT / "plugin" / "gitlab_ci_provider"
    shutil.copytree(plugin, packages / plugin.name, ignore=shutil.ignore_patterns("__pycache__"))


def compile_all(packages: Path) -> None:
    """Compile modules once, for a Python of the same version that may not write next to them."""
    compiling = [sys.executable, "-m", "compileall", "-q", "-j0"]
    command = [*compiling, "--invalidation-mode", "unchecked-hash", str(packages)]
    # Some packages have files that are no valid modules, on purpose.
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


def copy_distribution(name: str, packages: Path) -> None:
    """Copy the files of an installed distribution, but for its programs."""
    for file in metadata.files(name) or ():
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        target = packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.locate(), target)


def _bare_files(built: Path, folder: Path) -> Path:
    """Gather what waits in a pod's sandbox: one program, and no shell."""
    root = folder / "bare"
    root.mkdir()
    shutil.copy(built / "bin" / "busybox", root / "busybox")
    return root


def _busybox_files(built: Path, folder: Path) -> Path:
    root = folder / "busybox"
    for name in ("bin", "etc", "root", "usr/bin"):
        (root / name).mkdir(parents=True)
    (root / "tmp").mkdir(mode=0o1777)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    busybox_applets(built / "bin" / "busybox", root / "bin")
    return root


def busybox_applets(busybox: Path, folder: Path) -> None:
    """Put busybox into a folder, with a name for each of its programs."""
    shutil.copy(busybox, folder / "busybox")
    listing = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout
    for applet in set(listing.split()) - {"busybox"}:
        (folder / applet).symlink_to("busybox")
