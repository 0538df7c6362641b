"""Caches that GitLab Runner and this package share."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from gitlab_ci_provider.helper.phases.archive_cache import archive_caches
from gitlab_ci_provider.helper.phases.restore_cache import restore_cache
from gitlab_ci_provider.model.plan import CacheArchive, CacheRestore
from processes.phases import FolderStore, make_context


def write(folder: Path, path: str, text: str) -> None:
    """Write a file of the working copy."""
    target = folder / "builds/project" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def test_a_cache_of_gitlab_runner_comes_back(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Its object has no suffix, and its contents say that it is a zip archive."""
    key = "runner/t0k3n/project/42/k-non_protected"
    with zipfile.ZipFile(tmp_path / "cache.zip", "w") as archive:
        archive.writestr("deps/lib", "cached")
    store = FolderStore(tmp_path / "objects")
    store.put(key, tmp_path / "cache.zip")
    restores = (CacheRestore(name="k", object_keys=("project/p/k.tar.zst", key)),)

    restore_cache(make_context(tmp_path / "job", store=store, restores=restores))

    assert (tmp_path / "job/builds/project/deps/lib").read_text() == "cached"
    assert "Successfully extracted cache" in capfd.readouterr().out


def test_a_cache_that_is_saved_for_gitlab_runner_is_one_of_its_own(tmp_path: Path):
    """A zip archive with paths below the project, as the runner makes and reads it; and back."""
    write(tmp_path / "one", "deps/lib", "cached")
    (tmp_path / "one/builds/project/deps/link").symlink_to("lib")
    (tmp_path / "one/builds/project/deps/lib").chmod(0o755)
    store = FolderStore(tmp_path / "objects")
    key = "runner/t0k3n/project/42/k-non_protected"
    cache = CacheArchive(name="k", object_key=key, paths=("deps/",), format="zip")
    restores = (CacheRestore(name="k", object_keys=(key,)),)

    archive_caches(make_context(tmp_path / "one", store=store), [cache])
    restore_cache(make_context(tmp_path / "two", store=store, restores=restores))

    with zipfile.ZipFile(tmp_path / "objects" / key) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert modes.keys() == {"deps/", "deps/lib", "deps/link"}
    assert (stat.S_IMODE(modes["deps/lib"]), stat.S_ISLNK(modes["deps/link"])) == (0o755, True)
    project = tmp_path / "two/builds/project"
    assert (project / "deps/link").readlink() == Path("lib")
    assert (project / "deps/link").read_text() == "cached"
    assert os.access(project / "deps/lib", os.X_OK)
