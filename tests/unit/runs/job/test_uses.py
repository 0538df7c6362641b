"""What a job notes of caches and artifacts before its pod exists."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.model.plan import ArtifactDownload, CacheArchive, CacheRestore, JobPlan
from gitlab_ci_provider.runs.job.uses import note_uses
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from unit.runs.support import make_job_run, make_task_context

KEY, OTHER = "project/p/k.tar.zst", "project/p/fallback.tar.zst"
PLAN = JobPlan(
    job="deploy",
    project_dir="/builds/p",
    restores=(CacheRestore(name="k", object_keys=(KEY, "runner/t/project/1/k", OTHER)),),
    archives=(CacheArchive(name="k", object_key=KEY, paths=("x",)),),
    downloads=(
        ArtifactDownload(job="compile", object_key="artifacts/group/project/7/compile/1/a.zip"),
        ArtifactDownload(job="other", object_key="artifacts/42/11/other/2/artifacts.zip"),
    ),
)


def test_all_that_a_job_may_read_or_write_is_in_use(tmp_path: Path):
    """Its caches, those that it may fall back to, and artifacts of other pipelines."""
    state = open_state(Settings(home=tmp_path))
    run = make_job_run(make_task_context(), state=state)

    note_uses(run, PLAN)

    caches = state.uses.caches("project/p/")
    assert {key: (use.name, use.ref, use.job) for key, use in caches.items()} == {
        KEY: ("k", "main", "deploy"),
        OTHER: ("k", "main", "deploy"),
    }
    assert state.uses.artifacts(7).used_at > 0
    assert state.uses.artifacts(11).used_at > 0
