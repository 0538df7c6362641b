"""GitLab's predefined variables: each is there, or the page says why it is not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from factories import make_run
from gitlab_ci_provider.model.context import MergeRequest, PipelineContext
from gitlab_ci_provider.model.environment import Environment
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.job import Job, ParallelIndex
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.model.run import PipelineRun, Play
from gitlab_ci_provider.planner.plan_request import Limits, PlanRequest
from gitlab_ci_provider.variables.predefined import pipeline_variables

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "variables.md"
MISSING = "## Predefined in GitLab, not here"

GITLAB = (Path(__file__).parent / "predefined.txt").read_text(encoding="utf-8").split()
"""Every name of GitLab's list of predefined variables, 18.11, and those that its code adds."""

BY_THE_SCRIPT = {"CI_JOB_STATUS"}
BY_THE_USER = {"CI_DEBUG_TRACE"}
"""Variables that mean something when a user sets them."""


def job() -> Job:
    return Job(
        name="test",
        stage="test",
        when=When.MANUAL,
        image=Image(name="debian"),
        environment=Environment(name="prod", url="https://example.com"),
        parallel=ParallelIndex(index=1, total=2),
    )


def names_of(run: PipelineRun) -> set[str]:
    """List what the job of a run gets."""
    request = PlanRequest(
        run=run,
        pipeline=Pipeline(stages=("test",), jobs={"test": job()}, edges={}),
        job=job(),
        decision=JobDecision(job="test", present=True, when=When.MANUAL),
        limits=Limits(default_image="debian", default_timeout=1, artifacts_expire_in=1),
        attempt=1,
        url="http://airflow/dags/d/runs/r/tasks/t",
        started_at="2026-01-01T00:00:00+00:00",
        upstream={},
        store=None,
        play=Play(user_id="1", user_name="me"),
    )
    return {variable.name for variable in request.variables}


def provided() -> set[str]:
    """List what the jobs of a branch, a tag and a merge request get."""
    branch = make_run(source="trigger")
    tag = replace(branch, ref=Ref(name="v1", sha="0" * 40, kind=RefKind.TAG))
    context = PipelineContext(
        project=branch.project,
        ref=branch.ref,
        source="merge_request_event",
        target_branch="main",
        merge_request=MergeRequest(
            source_branch="topic",
            target_branch="main",
            diff_base_sha="0" * 40,
            title="t",
            description="d",
            labels=("l",),
        ),
        schedule="nightly",
    )
    merge_request = {one.name for one in pipeline_variables(context)}
    return names_of(branch) | names_of(tag) | merge_request | BY_THE_SCRIPT | BY_THE_USER


def names_in(text: str) -> set[str]:
    """Find names of variables; `CI_A_{B, C}` are two."""
    found = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", text))
    for stem, ends in re.findall(r"`([A-Z0-9_]+)\{([^}]*)\}`", text):
        found |= {stem + end.strip() for end in ends.split(",")}
    return found


def listed(names: Iterable[str]) -> list[str]:
    return sorted(names)


def test_every_predefined_variable_is_there_or_its_absence_explained():
    """A variable that GitLab has is neither forgotten nor claimed without being there."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(MISSING)
    absent, _, after = rest.partition("\n## ")
    rows = [row.split("|") for row in absent.splitlines() if row[:3] == "| `"]
    missing, given = set().union(*(names_in(row[1]) for row in rows)), provided()

    assert listed(set(GITLAB) - given - missing) == []
    assert listed(missing & given) == []
    assert listed((given & set(GITLAB)) - names_in(before + after)) == []
    assert all(row[2].strip() for row in rows)
