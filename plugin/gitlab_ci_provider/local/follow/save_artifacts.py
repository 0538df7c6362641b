"""Artifacts out of the object store: the files of each job in a folder named after the job."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gitlab_ci_provider.local.follow.job_logs import file_names


def save_artifacts(
    jobs: Mapping[str, Mapping[str, Any]], objects: Path, folder: Path
) -> Iterator[str]:
    """Unpack the artifacts of the jobs; yields what could not be, for a person.

    Names in archives that lead out of the folder are made to stay in it.

    Args:
        jobs: of a run, as its report holds them.
        objects: the folder in which the object store keeps its bucket.
        folder: gets a folder for each job that left artifacts.
    """
    names = file_names(jobs)
    for job, result in jobs.items():
        for artifact in result["artifacts"]:
            try:
                with zipfile.ZipFile(objects / artifact["object_key"]) as archive:
                    archive.extractall(folder / names[job])
            except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as problem:
                yield f"cannot unpack the artifacts of {job}: {problem}"
