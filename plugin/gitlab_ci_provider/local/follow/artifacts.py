"""What jobs left in the object store: artifacts to unpack, and the tests that failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.local.follow.logs import file_names
from gitlab_ci_provider.model import reports as model
from gitlab_ci_provider.model.serialization import decode
from gitlab_ci_provider.storage.folder_shelf import FolderShelf


def save_artifacts(
    jobs: Mapping[str, Mapping[str, Any]], objects: Path, folder: Path
) -> Iterator[str]:
    """Unpack the artifacts of the jobs; yield a message for all that is left out.

    Args:
        jobs: of a run, as in its result.
        objects: the folder in which the object store keeps its bucket.
        folder: gets a folder for each job that left artifacts.
    """
    from gitlab_ci_provider.retention.catalog import read_index
    from gitlab_ci_provider.retention.permission import NOBODY
    from gitlab_ci_provider.storage.zip_files import ZipFiles  # few runs need it

    names, shelf = file_names(jobs), FolderShelf(objects)
    for job, result in jobs.items():
        for artifact in result["artifacts"]:
            said: list[str] = []
            try:
                key = artifact["object_key"]
                index = read_index(shelf, key)
                if index and index.access == NOBODY:
                    yield f"artifacts of {job} are left out: artifacts:access is none"
                    continue
                with ZipFiles(shelf, key, index.checksums if index else {}) as files:
                    files.unpack(files.select(())[0], folder / names[job], said.append)
            except (OSError, GitlabCiError) as problem:
                yield f"cannot unpack the artifacts of {job}: {problem}"
            yield from (f"artifacts of {job}: {line}" for line in said)


def failed_tests(reports: Iterable[Mapping[str, Any]], objects: Path) -> list[str]:
    """List the failed tests of a job; unreadable reports are skipped.

    Args:
        reports: of the job, as in its result.
        objects: the folder in which the object store keeps its bucket.
    """
    names: list[str] = []
    for report in reports:
        if report["kind"] == "junit" and report.get("results_key"):
            try:
                found = decode((objects / report["results_key"]).read_bytes(), model.JunitReport)
            except (OSError, msgspec.MsgspecError):
                continue
            names += model.failed_tests(found)
    return names
