"""Volumes: directories that the containers of a pod share, and what is mounted where.

Unlike a real kubelet, the data of Secrets and ConfigMaps is written once, when the pod starts, and
not changed under a running pod; `sizeLimit` is not enforced.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.kubelet.environment import (
    Lookup,
    data_of,
    expand,
    field_value,
    resource_value,
)
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.runtimes.interface import Mount

_DEFAULT_MODE = 0o644
_MISSING = "references non-existent {kind} key: {key}"


class VolumeError(ClusterError):
    """A volume cannot be made (yet); worded as in the kubelet's events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePlace:
    """Where the volumes of a pod are kept.

    Attributes:
        disk, memory: directories private to the pod; secrets only ever go to `memory`.
        group: `fsGroup`, owns the files of all volumes; None for the user's own.
        sign: makes a token of the pod's service account, from the pod and what the volume says.
    """

    disk: Path
    memory: Path
    group: int | None = None
    sign: Callable[[Obj, Obj], bytes]


_File = tuple[bytes, int]
_Sign = Callable[[Obj, Obj], bytes]


def make_volumes(pod: Obj, place: VolumePlace, lookup: Lookup) -> dict[str, Path]:
    """Make all volumes of a pod; gives the path of each.

    Raises:
        VolumeError: one cannot be made.
    """
    volumes = {}
    for volume in pod["spec"].get("volumes", []):
        try:
            volumes[volume["name"]] = _make_volume(volume, pod, place, lookup)
        except (VolumeError, OSError) as error:
            prefix = f'MountVolume.SetUp failed for volume "{volume["name"]}" : '
            raise VolumeError(f"{prefix}{error}") from error
    return volumes


def _make_volume(volume: Obj, pod: Obj, place: VolumePlace, lookup: Lookup) -> Path:
    if "hostPath" in volume:
        return _host_path(volume["hostPath"])
    empty_dir = volume.get("emptyDir")
    if empty_dir is not None:
        parent = place.memory if empty_dir.get("medium") == "Memory" else place.disk
        return _empty_directory(parent / volume["name"], place.group, 0o777)
    files = _files(volume, pod, lookup, place.sign)
    path = _empty_directory(place.memory / volume["name"], place.group, 0o755)
    for name, (data, mode) in files.items():
        _write(path / name, data, mode, place.group)
    return path


def _empty_directory(path: Path, group: int | None, mode: int) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    if group is not None and os.geteuid() == 0:
        os.chown(path, -1, group)
        mode |= 0o2000
    path.chmod(mode)
    return path


def _write(path: Path, data: bytes, mode: int, group: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if group is not None and os.geteuid() == 0:
        os.chown(path, -1, group)
        mode |= 0o040
    path.chmod(mode)


def _host_path(source: Obj) -> Path:
    path, kind = Path(source["path"]), source.get("type") or ""
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate" and not path.exists():
        path.touch()
    checks: dict[str, Callable[[], bool]] = {
        "Directory": path.is_dir,
        "File": path.is_file,
        "Socket": path.is_socket,
        "CharDevice": path.is_char_device,
        "BlockDevice": path.is_block_device,
        "": path.exists,
    }
    if not checks.get(kind, path.exists)():
        raise VolumeError(f"hostPath type check failed: {path} is not a {kind or 'path'}")
    return path


def _files(volume: Obj, pod: Obj, lookup: Lookup, sign: _Sign) -> dict[str, _File]:
    if "projected" in volume:
        mode = volume["projected"].get("defaultMode", _DEFAULT_MODE)
        files: dict[str, _File] = {}
        for source in volume["projected"].get("sources", []):
            if "serviceAccountToken" in source:
                wanted = source["serviceAccountToken"]
                files[wanted["path"]] = (sign(pod, wanted), mode)
            else:
                files |= _source_files(source, pod, lookup, mode)
        return files
    return _source_files(volume, pod, lookup, _DEFAULT_MODE)


def _source_files(source: Obj, pod: Obj, lookup: Lookup, mode: int) -> dict[str, _File]:
    if "secret" in source:
        secret = source["secret"]
        name = secret.get("secretName") or secret.get("name", "")
        return _object_files("secret", name, secret, lookup, mode)
    if "configMap" in source:
        config_map = source["configMap"]
        return _object_files("configmap", config_map["name"], config_map, lookup, mode)
    if "downwardAPI" in source:
        return _downward_files(source["downwardAPI"], pod, mode)
    kind = next((key for key in source if key != "name"), "without a type")
    raise VolumeError(f"the embedded cluster has no volumes of type {kind}")


def _object_files(kind: str, name: str, source: Obj, lookup: Lookup, mode: int) -> dict[str, _File]:
    mode = source.get("defaultMode", mode)
    obj = lookup(f"{kind}s", name)
    if obj is None:
        if source.get("optional"):
            return {}
        raise VolumeError(f'{kind} "{name}" not found')
    data = data_of(obj)
    if not source.get("items"):
        return {key: (value, mode) for key, value in data.items()}
    files = {}
    for item in source["items"]:
        if item["key"] in data:
            files[item["path"]] = (data[item["key"]], item.get("mode", mode))
        elif not source.get("optional"):
            raise VolumeError(_MISSING.format(kind=kind, key=item["key"]))
    return files


def _downward_files(source: Obj, pod: Obj, mode: int) -> dict[str, _File]:
    mode = source.get("defaultMode", mode)
    files = {}
    for item in source.get("items", []):
        if "fieldRef" in item:
            text = field_value(pod, item["fieldRef"]["fieldPath"])
        else:
            reference = item["resourceFieldRef"]
            text = resource_value(_container(pod, reference["containerName"]), reference)
        files[item["path"]] = (text.encode(), item.get("mode", mode))
    return files


def _container(pod: Obj, name: str) -> Obj:
    spec = pod["spec"]
    everyone = [*spec.get("initContainers", []), *spec["containers"]]
    return next((container for container in everyone if container["name"] == name), {})


def mounts_of(
    container: Obj, volumes: dict[str, Path], variables: dict[str, str]
) -> tuple[Mount, ...]:
    """List what is mounted in a container; directories of sub paths are made.

    Raises:
        VolumeError: a sub path leaves its volume or cannot be made.
    """
    return tuple(_mount(mount, volumes, variables) for mount in container.get("volumeMounts", []))


def _mount(mount: Obj, volumes: dict[str, Path], variables: dict[str, str]) -> Mount:
    source = volumes[mount["name"]]
    below = mount.get("subPath") or expand(mount.get("subPathExpr") or "", variables)
    if below:
        source = _sub_path(source, below, mount["name"])
    return Mount(
        source=source, target=mount["mountPath"], read_only=bool(mount.get("readOnly", False))
    )


def _sub_path(volume: Path, below: str, name: str) -> Path:
    """Find or make a directory in a volume; a job's links must not lead out of it."""
    path = (volume / below).resolve()
    if ".." in Path(below).parts or not path.is_relative_to(volume.resolve()):
        raise VolumeError(f'failed to prepare subPath for volumeMount "{name}"')
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o777)
    return path
