"""Several caches at a time, levels of compression, and what the log says of transfers."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.helper.phases.archive_cache import archive_caches
from gitlab_ci_provider.helper.phases.download_artifacts import download_artifacts
from gitlab_ci_provider.helper.phases.restore_cache import restore_cache
from gitlab_ci_provider.helper.phases.upload_artifacts import upload_artifacts
from gitlab_ci_provider.model.plan import (
    ArtifactDownload,
    CacheRestore,
)
from gitlab_ci_provider.storage.base import Progress, unwatched
from processes.phases import CACHE, UPLOAD, FolderStore, make_context, write


@pytest.fixture
def shown(capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What the phases wrote."""
    return lambda: capfd.readouterr().out


def test_caches_are_saved_at_the_same_time(tmp_path: Path, shown: Callable[[], str]):
    """Two at a time; the log has each in its turn, and one that fails does not harm the others."""
    together = threading.Barrier(2)

    class Slow(FolderStore):
        """Takes the first two only together; the second one first."""

        def put(self, key: str, path: Path, progress: Progress = unwatched) -> None:
            if key != "c/3":
                together.wait(60)
            if key == "c/1":
                raise StorageError("the first is refused")
            super().put(key, path, progress)

    write(tmp_path, "deps/lib")
    caches = [replace(CACHE, name=f"cache {n}", object_key=f"c/{n}") for n in (1, 2, 3)]
    archive_caches(make_context(tmp_path, store=Slow(tmp_path / "objects")), caches)

    assert FolderStore(tmp_path / "objects").keys() == ["c/2", "c/3"]
    lines = [line for line in shown().splitlines() if "cache" in line]
    assert [words in line for words, line in zip(_IN_TURN, lines, strict=True)] == [True] * 6


_IN_TURN = [
    *("Creating cache cache 1", "Failed to create cache: the first is refused"),
    *("Creating cache cache 2", "Created cache"),
    *("Creating cache cache 3", "Created cache"),
]


def test_transfers_are_metered_if_the_job_wants_it(tmp_path: Path, shown: Callable[[], str]):
    """TRANSFER_METER_FREQUENCY: caches and artifacts, both ways."""
    write(tmp_path, "deps/lib")
    write(tmp_path, "out/page")
    context = make_context(
        tmp_path,
        restores=(CacheRestore(name="c", object_keys=(CACHE.object_key,)),),
        downloads=(ArtifactDownload(job="j", object_key=UPLOAD.object_key),),
        meter_seconds=3600,
    )
    archive_caches(context, [CACHE])
    upload_artifacts(context, [UPLOAD])
    restore_cache(context)
    download_artifacts(context)

    said = shown()
    for label in ("Uploading cache", "Uploading artifacts", "Downloading cache"):
        assert len(re.findall(rf"{label} \d+ B/\d+ B \(", said)) == 1
    assert len(re.findall(r"Downloading artifacts \d+ B/", said)) == 1


def test_levels_decide_how_archives_are_compressed(tmp_path: Path):
    """`fastest` only stores artifacts, so that single files can be read by ranges."""
    write(tmp_path, "out/page", "<p>text</p>" * 1000)
    write(tmp_path, "deps/lib", "".join(f"{n * 7919 % 9973} words\n" for n in range(20000)))
    for level in ("fastest", "slowest"):
        context = make_context(tmp_path / level, cache_level=level, artifact_level=level)
        shutil.copytree(tmp_path / "builds", tmp_path / level / "builds", dirs_exist_ok=True)
        archive_caches(context, [CACHE])
        upload_artifacts(context, [UPLOAD])

    def size(level: str, key: str) -> int:
        return (tmp_path / level / "objects" / key).stat().st_size

    assert size("fastest", UPLOAD.object_key) > 11_000 > size("slowest", UPLOAD.object_key)
    assert size("fastest", CACHE.object_key) > size("slowest", CACHE.object_key)
