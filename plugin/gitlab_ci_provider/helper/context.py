"""What every phase is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gitlab_ci_provider.helper.lazy_store import LazyStore
from gitlab_ci_provider.helper.output import Output
from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.model.workspace import HOOK_DIR, temporary_dir

if TYPE_CHECKING:
    from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseContext:
    """One job, and its access to the outside.

    Attributes:
        store: call it for the object store; only phases that need it do.
        sleep: waits a number of seconds.
        control: folder that the pod's containers share.
        uploaded: filled by `upload_artifacts`, read for the termination message.
        reports: likewise, of `artifacts:reports`.
        hook: folder of what the container `hook` leaves.
        job_env: lines that GITLAB_ENV begins with.
    """

    plan: JobPlan
    output: Output
    store: LazyStore
    sleep: Callable[[float], None]
    control: Path
    uploaded: list[JobArtifact] = field(default_factory=list)
    reports: list[ArtifactReport] = field(default_factory=list)
    hook: Path = Path(HOOK_DIR)
    job_env: str = ""

    @property
    def project_dir(self) -> Path:
        """The working copy."""
        return Path(self.plan.project_dir)

    @property
    def temporary_dir(self) -> Path:
        """The folder next to the working copy, for file variables."""
        return Path(temporary_dir(self.plan.project_dir))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a folder for archives, on the volume that is made for large files.

        It is new and only ours: the job may have put links into any folder that it knows.
        """
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="archive-", dir=self.project_dir.parent) as folder:
            yield Path(folder)
