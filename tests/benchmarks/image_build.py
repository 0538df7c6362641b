"""How much memory the build of an image with a large layer needs: buildah, in the embedded cluster.

    .venv/bin/python tests/benchmarks/image_build.py [MEBIBYTES [LIMIT]]

Prints seconds and the peak of the container's memory, with and without the files that the kernel
keeps in memory as long as there is room. LIMIT, such as `256Mi`, is the limit of the container.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from clusters.builders import Builder
from integration.cluster.image_builds import Builds
from integration.cluster.support import start_cluster
from servers.image_registry import running_registry

MIB = 1024 * 1024


class Peak(threading.Thread):
    """Watches the memory of all buildah processes of the build: what is not files."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.bytes = 0

    def run(self) -> None:
        """Look twenty times a second."""
        while not self.ended.wait(0.05):
            self.bytes = max(self.bytes, sum(map(_anonymous, Path("/proc").glob("[0-9]*"))))


def _anonymous(process: Path) -> int:
    try:
        if not process.joinpath("comm").read_text().startswith("buildah"):
            return 0
        lines = process.joinpath("status").read_text().splitlines()
    except OSError:
        return 0
    found = [line for line in lines if line.startswith("RssAnon:")]
    return int(found[0].split()[1]) * 1024 if found else 0


def main(mebibytes: int = 1024, limit: str = "512Mi") -> None:
    """Build, push, tell."""
    with (
        tempfile.TemporaryDirectory() as name,
        running_registry(Path(name, "registry")) as registry,
    ):
        registry.push_base()
        cluster = start_cluster(Path(name, "cluster"))
        api = cluster.api()
        api.make_namespace()
        workspace = Path(name, "workspace")
        workspace.mkdir()
        builds = Builds(cluster, api, workspace, registry, Builder("buildah", "buildah:local"))
        _large_layer(builds, mebibytes, limit)
        api.close()
        cluster.stop()


def _large_layer(builds: Builds, mebibytes: int, limit: str) -> None:
    from kubernetes import client as k8s

    fill = f"dd if=/dev/urandom of=/layer bs=1048576 count={mebibytes}"
    builds.write({"Dockerfile": f"FROM BASE\nRUN {fill}\n"})
    peak = Peak()
    peak.start()
    resources = k8s.V1ResourceRequirements(limits={"memory": limit})
    seconds = _seconds(builds, container_resources=resources)
    peak.ended.set()
    print(f"a layer of {mebibytes} MiB within {limit}: {seconds:.0f} s")
    print(f"peak without files: {peak.bytes / MIB:.0f} MiB")


def _seconds(builds: Builds, **options: Any) -> float:
    begin = time.monotonic()
    builds.run(**options)
    return time.monotonic() - begin


if __name__ == "__main__":
    main(*(int(word) if word.isdigit() else word for word in sys.argv[1:]))  # type: ignore[arg-type]
