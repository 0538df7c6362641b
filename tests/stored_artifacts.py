"""Artifacts as a job's helper leaves them in an object store, for tests of what reads them."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace

from factories import CREATED_AT, MAIN
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.state import State
from gitlab_ci_provider.storage.index import ArtifactIndex, IndexedFile, encode_index
from gitlab_ci_provider.storage.keys import artifacts_key, index_key, report_key

SHOP = Project(path="group/shop", clone_url="https://example.com/shop.git")

Put = Callable[[str, bytes], None]


def zip_of(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """Make an archive of files, and of links by their targets, in that order."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def enter(
    state: State, ref: Ref = MAIN, status: str = "success", run: str = "", parent: int = 0
) -> PipelineEntry:
    """Enter a pipeline of the shop into the register, in an Airflow run of its own."""
    entry = PipelineEntry(
        project=SHOP.path,
        dag_id="group__shop",
        run_id=run,
        ref=ref,
        source="push",
        digest="d",
        created_at=CREATED_AT,
        parent=parent,
    )
    count = len(list(state.register.store.keys("register/pipelines/")))
    known = state.register.enter(replace(entry, run_id=run or f"run-{ref.name}-{count}"))
    if status != "running":
        state.register.finish(known.id, status)
    return known


def leave(
    put: Put,
    pipeline: int,
    job: str = "build",
    *,
    archive: bytes = b"",
    attempt: int = 1,
    report: str = "",
    expire_at: int | None = None,
    project: Project = SHOP,
    access: str = "all",
    key: str = "",
) -> str:
    """Leave an archive with its index; returns the archive's key."""
    data = archive or zip_of({"dist/app.txt": b"app"})
    key = key or artifacts_key(project, pipeline, job, attempt)
    key = report_key(key, report) if report else key
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        files = tuple(
            IndexedFile(
                path=info.filename, size=info.file_size, mode="100644", crc=f"{info.CRC:08x}"
            )
            for info in opened.infolist()
        )
    index = ArtifactIndex(
        job=job,
        name="artifacts",
        object_key=key,
        size=len(data),
        access=access,
        created=1,
        expire_at=expire_at,
        files=files,
    )
    put(key, data)
    put(index_key(key), encode_index(index))
    return key
