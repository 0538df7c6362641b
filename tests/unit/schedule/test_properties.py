"""The scheduler as Airflow drives it, against GitLab's own processing told by brute force.

Tasks run in any order that the DAG's edges allow, and know nothing but the states of other tasks.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import AllowFailure, JobDecision, When
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.renderer.edges import upstream
from gitlab_ci_provider.schedule.decide import Start, decide
from gitlab_ci_provider.schedule.finish import finish
from gitlab_ci_provider.schedule.predecessors import predecessors, uses_needs
from gitlab_ci_provider.schedule.results import results
from processes import gitlab_scheduler
from processes.gitlab_scheduler import PlainJob

STAGES = ("one", "two", "three", "four")

WHENS = (*("on_success",) * 4, "on_failure", "always", "manual", "delayed")
NO_NEEDS: st.SearchStrategy[list[str]] = st.just([])

FAILED = JobResult(status=JobStatus.FAILED)
AS_STATE = {"success": "success", "failed": "failed", "canceled": "failed"}

WORDS = {
    "success": "passed",
    "failed": "failed",
    "skipped": "skipped",
    "canceled": "canceled",
}

Choose = Callable[[list[str]], str]


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[list[PlainJob], set[str]]:
    """Draw jobs, and the names of those that rules leave out."""
    stages = sorted(draw(st.lists(st.integers(0, 3), min_size=1, max_size=8)))
    jobs: list[PlainJob] = []
    for position, stage in enumerate(stages):
        earlier = [job.name for job in jobs]
        named = st.lists(st.sampled_from(earlier), unique=True, max_size=3) if earlier else NO_NEEDS
        needs = draw(st.none() | named)
        when = draw(st.sampled_from(WHENS))
        jobs.append(
            PlainJob(
                name=f"job{position}",
                stage=stage,
                when=when,
                allow_failure=draw(st.booleans()),
                needs=None if needs is None else tuple(needs),
                outcome=draw(st.sampled_from(["success", "success", "failed", "canceled"])),
            )
        )
    absent = draw(st.sets(st.sampled_from([job.name for job in jobs]), max_size=2))
    return jobs, absent


def _compiled(jobs: list[PlainJob]) -> Pipeline:
    made = {
        job.name: Job(
            name=job.name,
            stage=STAGES[job.stage],
            needs=None
            if job.needs is None
            else tuple(Need(job=name, optional=True) for name in job.needs),
        )
        for job in jobs
    }
    edges = {
        job.name: tuple(one.name for one in jobs if one.stage < job.stage)
        if job.needs is None
        else job.needs
        for job in jobs
    }
    return Pipeline(stages=STAGES, jobs=made, edges=edges)


def _as_airflow(
    jobs: list[PlainJob], absent: set[str], choose: Choose
) -> tuple[dict[str, str], str]:
    """Run the tasks of the DAG, each deciding from states alone."""
    pipeline, by_name = _compiled(jobs), {job.name: job for job in jobs}
    decisions = {
        job.name: JobDecision(
            job=job.name,
            present=job.name not in absent,
            when=When(job.when),
            allow_failure=AllowFailure(allowed=job.allow_failure),
        )
        for job in jobs
    }

    def told(name: str) -> JobResult | None:
        """Whoever is canceled may be gone before it can say so."""
        return None if by_name[name].outcome == "canceled" else FAILED

    waits_for = upstream(pipeline)
    states: dict[str, str | None] = {}
    while len(states) < len(jobs):
        ready = [n for n in by_name if n not in states and all(o in states for o in waits_for[n])]
        name = choose(ready)
        ended = results(pipeline, decisions, states, told)
        before = {n: ended[n] for n in predecessors(name, pipeline, decisions)}
        verdict = decide(
            decisions[name], before, needs=uses_needs(pipeline.jobs[name], decisions[name])
        )
        runs = verdict.start in {Start.RUN, Start.BLOCK, Start.DELAY}
        states[name] = AS_STATE[by_name[name].outcome] if runs else "skipped"
    ended = results(pipeline, decisions, states, told)
    seen = {n: one.status.value for n, one in ended.items() if one.status != JobStatus.ABSENT}
    return seen, str(finish(ended).status)


@settings(max_examples=400, deadline=None)
@given(pipelines(), st.data())
def test_airflow_runs_what_gitlab_would(
    drawn: tuple[list[PlainJob], set[str]], data: st.DataObject
):
    """Every job of every pipeline ends as GitLab says, in whatever order jobs come to their end."""
    jobs, absent = drawn

    def choose(names: list[str]) -> str:
        return data.draw(st.sampled_from(sorted(names)))

    expected = gitlab_scheduler.run([job for job in jobs if job.name not in absent], choose)

    pipeline = gitlab_scheduler.pipeline_status(jobs, expected) if expected else "skipped"
    assert _as_airflow(jobs, absent, choose) == (expected, WORDS[pipeline])


@pytest.mark.parametrize("needs", [None, ("job0",)])
def test_the_model_notices_a_difference(needs: tuple[str, ...] | None):
    """The brute force is no echo: a job behind a skipped one depends on the mode."""
    jobs = [
        PlainJob("job0", 0, "on_failure", False, None, "success"),
        PlainJob("job1", 1, "on_success", False, needs, "success"),
    ]

    ended = gitlab_scheduler.run(jobs, lambda names: names[0])

    assert ended == {"job0": "skipped", "job1": "skipped" if needs else "success"}
