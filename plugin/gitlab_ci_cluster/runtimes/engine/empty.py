"""An image without files, in which programs of this machine run: nothing has to be pulled for it.

With it an engine can be tried on a machine without a network, and files can be deleted that belong
to users of containers.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from gitlab_ci_cluster.runtimes.engine.client import EngineClient
from gitlab_ci_cluster.runtimes.engine.watchdog import image_of
from gitlab_ci_cluster.runtimes.interface import Mount

_PROGRAMS = ("/bin", "/lib", "/lib32", "/lib64", "/nix", "/sbin", "/usr")


async def make_empty_image(client: EngineClient, cluster: str) -> str:
    """Make the image; gives its name.

    Raises:
        EngineError: the engine refuses.
    """
    name = image_of(cluster)
    repository, _, tag = name.rpartition(":")
    imported = await client.upload("images/create", _archive(), {"fromSrc": "-"})
    identifier = str(imported["status"])
    query = {"repo": repository, "tag": tag}
    await client.call("POST", f"images/{identifier}/tag", query=query)
    return name


def host_programs() -> tuple[Mount, ...]:
    """List what shows the programs of this machine, and no more, in a container."""
    paths = [Path(name) for name in _PROGRAMS]
    return tuple(
        Mount(source=path.resolve(), target=str(path), read_only=True)
        for path in paths
        if path.is_dir()
    )


def _archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name in ("etc", "tmp"):
            folder = tarfile.TarInfo(name)
            folder.type = tarfile.DIRTYPE
            folder.mode = 0o1777 if name == "tmp" else 0o755
            archive.addfile(folder)
    return data.getvalue()
