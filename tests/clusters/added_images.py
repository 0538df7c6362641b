"""Images that a registry which runs already gets in addition, for the tests that need them."""

from __future__ import annotations

import fcntl
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from clusters.images import PATH, busybox_applets, linked_layer, made_image, packed_layer
from clusters.layout import build_folder


def add_image(blobs: Path, name: str, tar: Path, **config: Any) -> None:
    """Serve another image, of one layer that stays where it is."""
    _publish(blobs, name, made_image(blobs, [linked_layer(blobs, tar)], Env=[PATH], **config))


def add_kaniko(blobs: Path, executor: Path) -> None:
    """Serve Kaniko's executor with a shell, as its own image `debug` has it."""
    with tempfile.TemporaryDirectory(dir=blobs) as folder:
        root = Path(folder) / "kaniko"
        (root / "kaniko" / ".docker").mkdir(parents=True)
        shutil.copy(executor, root / "kaniko" / "executor")
        # Kaniko unpacks images over its own root, but for these two folders and what is mounted.
        programs = root / "busybox"
        programs.mkdir()
        busybox_applets(build_folder() / "bin" / "busybox", programs)
        (root / "bin").mkdir()
        (root / "bin" / "sh").symlink_to("/busybox/sh")
        layer = packed_layer(blobs, root)
    variables = ["PATH=/usr/local/bin:/kaniko:/busybox", "HOME=/root", "USER=root"]
    variables.append("DOCKER_CONFIG=/kaniko/.docker/")
    image = made_image(blobs, [layer], Entrypoint=["/kaniko/executor"], Env=variables)
    _publish(blobs, "kaniko", image)


def _publish(blobs: Path, name: str, image: str) -> None:
    index = blobs / "index.json"
    with (blobs / "index.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh = index.with_suffix(".new")
        fresh.write_text(json.dumps(json.loads(index.read_text()) | {name: image}))
        fresh.replace(index)
