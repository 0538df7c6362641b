"""Phase `download_artifacts`: what earlier jobs have left, into the working copy. Fatal."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path

from gitlab_ci_provider.exceptions import FailureReason, GitlabCiError, SystemFailure
from gitlab_ci_provider.helper.attempts import STAGE, attempt
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.in_turn import Ahead, Say, in_turn
from gitlab_ci_provider.helper.transfers import fetch
from gitlab_ci_provider.model.plan import ArtifactDownload
from gitlab_ci_provider.storage.archive import unpack
from gitlab_ci_provider.storage.base import MissingObjectError
from gitlab_ci_provider.storage.checksums import verify
from gitlab_ci_provider.storage.keys import ARCHIVE_NAME


def download_artifacts(context: PhaseContext) -> None:
    """Fetch and unpack the artifacts of each job, in the plan's order: later ones overwrite.

    Raises:
        SystemFailure: they cannot be had; the message names the job.
    """
    attempt(
        lambda: _download_all(context),
        context.plan.download_attempts,
        sleep=context.sleep,
        say=context.output.warning,
        pauses=STAGE,
    )


def _download_all(context: PhaseContext) -> None:
    downloads = context.plan.downloads
    with context.scratch() as folder:
        works = [
            partial(_fetch, context, artifacts, folder / f"{number}-{ARCHIVE_NAME}")
            for number, artifacts in enumerate(downloads)
        ]
        with closing(in_turn(works)) as fetched:
            for artifacts, ahead in zip(downloads, fetched, strict=True):
                context.output.notice(f"Downloading artifacts for {artifacts.job}...")
                _download(context, artifacts, ahead)


def _download(context: PhaseContext, artifacts: ArtifactDownload, ahead: Ahead[Path]) -> None:
    try:
        archive = ahead.take(context.output.warning)
        count = unpack(archive, context.project_dir, context.plan.archive_limits)
        archive.unlink()
    except MissingObjectError as error:
        message = f"the artifacts of job '{artifacts.job}' are gone (expired or removed): "
        raise SystemFailure(
            f"{message}{error}", reason=FailureReason.MISSING_DEPENDENCY_FAILURE
        ) from error
    except (GitlabCiError, OSError) as error:
        message = f"cannot download the artifacts of job '{artifacts.job}': {error}"
        raise SystemFailure(message) from error
    context.output.line(f"Downloaded {count} files and directories of {artifacts.job}")


def _fetch(context: PhaseContext, artifacts: ArtifactDownload, archive: Path, say: Say) -> Path:
    fetch(context, artifacts.object_key, archive, "Downloading artifacts", say)
    verify(archive, artifacts.sha256, artifacts.object_key)
    return archive
