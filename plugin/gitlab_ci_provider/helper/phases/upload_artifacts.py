"""Phase `upload_artifacts`: save what the job made for later jobs and for people. Fatal.

The index of an archive follows it, see `storage/index.py`. No matching files is a warning only, as
with the runner.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gitlab_ci_provider.exceptions import GitlabCiError, SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.output import unix_time
from gitlab_ci_provider.helper.phases.save import Saved, Target, Wanted, find, store
from gitlab_ci_provider.helper.transfers import put
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.plan import ArtifactUpload
from gitlab_ci_provider.storage.index import ArtifactIndex, write_index
from gitlab_ci_provider.storage.keys import index_key
from gitlab_ci_provider.storage.packing import Packing

LISTING = "listing"
"""The file that lists what an archive holds, see `storage/index.py`."""


def upload_artifacts(context: PhaseContext, uploads: Iterable[ArtifactUpload]) -> None:
    """Save each archive; what was saved is noted in the context.

    Raises:
        SystemFailure: one could not be saved, though it was tried again.
    """
    for upload in uploads:
        context.output.notice("Uploading artifacts...")
        try:
            with context.scratch() as folder:
                saved = save_artifacts(context, upload, folder)
        except (GitlabCiError, OSError) as error:
            message = f"cannot upload the artifacts '{upload.name}': {error}"
            raise SystemFailure(message) from error
        if saved is not None:
            context.uploaded.append(saved)


def save_artifacts(
    context: PhaseContext, upload: ArtifactUpload, folder: Path
) -> JobArtifact | None:
    """Save an archive and its index; None when there are no files for it.

    What it holds is listed in `LISTING` of the folder.
    """
    wanted = Wanted(paths=upload.paths, exclude=upload.exclude, untracked=upload.untracked)
    members = find(context, wanted)
    if not members.paths:
        context.output.warning("No files to upload")
        return None
    packing = Packing(
        format="zip",
        scratch=folder,
        level=context.plan.artifact_level,
        listing=folder / LISTING,
    )
    target = Target(
        key=upload.object_key, packing=packing, label="Uploading artifacts", hashed=True
    )
    saved = store(context, members, target)
    index = _index(context.plan.job, upload, saved)
    file = folder / "index.json"
    write_index(index, folder / LISTING, file)
    put(context, file, index_key(upload.object_key))
    context.output.line(f"Uploaded {saved.files} files in {upload.name}.zip ({saved.size} bytes)")
    return JobArtifact(
        name=context.output.mask(upload.name),  # people see it, in the pod's status and in Airflow
        object_key=upload.object_key,
        size=saved.size,
        files=saved.files,
        sha256=saved.sha256,
        expire_at=index.expire_at,
    )


def _index(job: str, upload: ArtifactUpload, saved: Saved) -> ArtifactIndex:
    now = unix_time()
    return ArtifactIndex(
        job=job,
        name=upload.name,
        object_key=upload.object_key,
        size=saved.size,
        sha256=saved.sha256,
        access=upload.access,
        created=now,
        expire_at=now + upload.expire_in if upload.expire_in else None,
        files=(),
    )
