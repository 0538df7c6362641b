"""Whole pipelines as Airflow drives them, against GitLab's own processing told by brute force.

Files are compiled, decided and rendered as always. Airflow's own rules say which task may start,
tasks end in any order, and each knows nothing but the states of the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import compile_text, make_context, make_variables
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import PipelineDecision
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.rules.evaluate import decide_pipeline
from gitlab_ci_provider.schedule.order import predecessors, uses_needs
from gitlab_ci_provider.schedule.pipeline_result import finish
from gitlab_ci_provider.schedule.results import results
from gitlab_ci_provider.schedule.verdict import Start, verdict_on
from processes import gitlab_scheduler
from processes.airflow_scheduler import DagInMemory
from processes.gitlab_scheduler import PlainJob

STAGES = ("one", "two", "three", "four")
WHENS = (*("on_success",) * 4, "on_failure", "always", "manual", "delayed")
ENDS = ("success", "success", "failed", "canceled")
ABSENT = -1

FAILED = JobResult(status=JobStatus.FAILED)
AS_STATE = {"success": "success", "failed": "failed", "canceled": "failed"}
WORDS = {
    "success": "passed",
    "failed": "failed",
    "skipped": "skipped",
    "canceled": "canceled",
}

Choose = Callable[[list[str]], str]
Needs = tuple[str, ...] | None


@dataclass(frozen=True)
class DrawnRule:
    """An entry of `rules`; which one matches is drawn as well."""

    when: str
    allow_failure: bool
    needs: Needs


@dataclass(frozen=True)
class DrawnJob:
    """A job of the file, and what happens to it in the run.

    Attributes:
        matching: position of the rule that matches, `ABSENT` when none does.
        failing: tries that fail before the one that ends as `outcome` says.
    """

    name: str
    stage: int
    needs: Needs
    rules: tuple[DrawnRule, ...]
    matching: int
    outcome: str
    failing: int

    @property
    def present(self) -> bool:
        """Return whether it is in the pipeline."""
        return self.matching != ABSENT

    def written(self) -> dict[str, object]:
        """Write it down as in a file."""
        shown: dict[str, object] = {"stage": STAGES[self.stage], "script": ["true"]}
        if self.needs is not None:
            shown["needs"] = _optional(self.needs)
        rules = []
        for position, rule in enumerate(self.rules):
            entry: dict[str, object] = {
                "if": f'$RULE_{self.name} == "{position}"',
                "when": rule.when,
                "allow_failure": rule.allow_failure,
            }
            if rule.when == "delayed":
                entry["start_in"] = "1 second"
            if rule.needs is not None:
                entry["needs"] = _optional(rule.needs)
            rules.append(entry)
        return {**shown, "rules": rules, "retry": 2}

    def plain(self) -> PlainJob:
        """Say what GitLab's processing needs to know of it."""
        rule = self.rules[self.matching]
        needs = rule.needs or self.needs
        return PlainJob(self.name, self.stage, rule.when, rule.allow_failure, needs, self.outcome)


def _optional(needs: tuple[str, ...]) -> list[dict[str, object]]:
    return [{"job": name, "optional": True} for name in needs]


@st.composite
def pipelines(draw: st.DrawFn) -> list[DrawnJob]:
    """Draw jobs in stages; their needs reach back, those of rules also within the stage."""
    stages = sorted(draw(st.lists(st.integers(0, 3), min_size=1, max_size=8)))
    names = [f"job{position}" for position in range(len(stages))]
    jobs: list[DrawnJob] = []
    for position, stage in enumerate(stages):
        up_to = sum(other <= stage for other in stages)
        others = [name for name in names[:up_to] if name != names[position]]
        rules = draw(st.lists(_rules(others), min_size=1, max_size=3))
        jobs.append(
            DrawnJob(
                name=names[position],
                stage=stage,
                needs=draw(_needs(names[:position])),
                rules=tuple(rules),
                matching=draw(st.integers(ABSENT, len(rules) - 1)),
                outcome=draw(st.sampled_from(ENDS)),
                failing=draw(st.sampled_from((0, 0, 0, 1, 2))),
            )
        )
    return jobs


def _needs(names: list[str]) -> st.SearchStrategy[Needs]:
    if not names:
        return st.sampled_from([None, ()])
    return st.none() | st.lists(st.sampled_from(names), unique=True, max_size=3).map(tuple)


@st.composite
def _rules(draw: st.DrawFn, others: list[str]) -> DrawnRule:
    return DrawnRule(draw(st.sampled_from(WHENS)), draw(st.booleans()), draw(_needs(others)))


def compiled(jobs: list[DrawnJob]) -> tuple[Pipeline, PipelineDecision]:
    """Compile the file of the jobs and decide about them."""
    file = {"stages": STAGES, **{job.name: job.written() for job in jobs}}
    pipeline = compile_text(json.dumps(file))
    chosen = {f"RULE_{job.name}": str(job.matching) for job in jobs}
    return pipeline, decide_pipeline(pipeline, make_context(variables=make_variables(**chosen)))


@dataclass
class Play:
    """A run of the DAG: starts what Airflow lets start, ends tasks in a drawn order."""

    pipeline: Pipeline
    decision: PipelineDecision
    jobs: dict[str, DrawnJob]
    dag: DagInMemory
    failed: dict[str, int] = field(default_factory=dict)
    early: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, jobs: list[DrawnJob], pipeline: Pipeline, decision: PipelineDecision) -> Play:
        """Render the DAG; `create_pipeline` has ended and marked the jobs that are not there."""
        play = cls(pipeline, decision, {job.name: job for job in jobs}, DagInMemory(pipeline))
        assert play.dag.ready() == [CREATE_PIPELINE]
        play.dag.set(CREATE_PIPELINE, "success")
        for name, one in decision.jobs.items():
            if not one.present:
                play.dag.set(play.tasks[name], "skipped")
        return play

    @cached_property
    def tasks(self) -> dict[str, str]:
        """Name the task of each job."""
        return task_ids(self.pipeline.jobs)

    def ended(self) -> dict[str, JobResult]:
        """Tell what a task sees of the run."""
        states = {job: self.dag.state(task) for job, task in self.tasks.items()}

        def told(name: str) -> JobResult | None:
            """A canceled job may be gone before it can record that."""
            return None if self.jobs[name].outcome == "canceled" else FAILED

        return results(self.pipeline, self.decision.jobs, states, told)

    def run(self, choose: Choose) -> None:
        """Let one thing happen after another until `finish_pipeline` may start."""
        of_task = {task: job for job, task in self.tasks.items()}
        while True:
            ready = self.dag.ready()
            if FINISH_PIPELINE in ready:
                return
            moves = [of_task[task] for task in ready]
            moves += [job for job, task in self.tasks.items() if self._can_go_on(job, task)]
            self._move(choose(moves))

    def _can_go_on(self, job: str, task: str) -> bool:
        if self.dag.state(task) == "deferred":
            return not self._unfinished(job)
        return self.dag.state(task) in {"running", "up_for_retry"}

    def _unfinished(self, job: str) -> list[str]:
        before, ended = predecessors(job, self.pipeline, self.decision.jobs), self.ended()
        return [name for name in before if name not in ended]

    def _move(self, job: str) -> None:
        task = self.tasks[job]
        if self.dag.state(task) == "running":
            self._end(job)
        else:
            self.dag.set(task, self._begun(job))

    def _begun(self, job: str) -> str:
        """Start a task as `GitlabJobOperator.begin` does; give its state."""
        if self._unfinished(job):
            return "deferred"
        decision, ended = self.decision.jobs[job], self.ended()
        before = predecessors(job, self.pipeline, self.decision.jobs)
        needs = uses_needs(self.pipeline.jobs[job], decision)
        verdict = verdict_on(decision, {name: ended[name] for name in before}, needs=needs)
        if verdict.start not in {Start.RUN, Start.BLOCK, Start.DELAY}:
            return "skipped"
        self._note_early(job)
        return "running"

    def _note_early(self, job: str) -> None:
        """Note a job that runs before another that it waits for by the model."""
        plain = {one.name: one.plain() for one in self.jobs.values() if one.present}
        waits = gitlab_scheduler.waits_for(plain[job], plain)
        open_ = [name for name in waits if self.dag.state(self.tasks[name]) not in ENDED]
        self.early += [f"{job} runs before {name} has ended" for name in open_]

    def _end(self, job: str) -> None:
        drawn, failed = self.jobs[job], self.failed.get(job, 0)
        if failed < drawn.failing:
            self.failed[job] = failed + 1
            self.dag.set(self.tasks[job], "up_for_retry")
        else:
            self.dag.set(self.tasks[job], AS_STATE[drawn.outcome])


ENDED = {"success", "failed", "skipped"}


@settings(max_examples=100, deadline=None)
@given(pipelines(), st.data())
def test_airflow_runs_what_gitlab_would(jobs: list[DrawnJob], data: st.DataObject):
    """Every job ends as GitLab says and waits for all it must, in whatever order jobs end."""
    pipeline, decision = compiled(jobs)
    present = [job.plain() for job in jobs if job.present]
    if decision.errors:
        assert gitlab_scheduler.has_circle(present)
        return

    def choose(names: list[str]) -> str:
        return data.draw(st.sampled_from(sorted(names)))

    expected = gitlab_scheduler.run(present, choose)
    play = Play.of(jobs, pipeline, decision)
    play.run(choose)
    ended = play.ended()

    seen = {n: one.status.value for n, one in ended.items() if one.status != JobStatus.ABSENT}
    status = gitlab_scheduler.pipeline_status(present, expected) if expected else "skipped"
    assert (play.early, seen) == ([], expected)
    assert str(finish(ended).status) == WORDS[status]


def _job(name: str, stage: int, *rules: DrawnRule, needs: Needs = None) -> DrawnJob:
    return DrawnJob(name, stage, needs, rules or (ALWAYS,), 0, "success", 0)


ALWAYS = DrawnRule("on_success", False, None)
NOT_THERE = replace(_job("job1", 1), matching=ABSENT)


@pytest.mark.parametrize(
    "jobs",
    [
        pytest.param(
            [_job("job0", 0), NOT_THERE, _job("job2", 2)], id="a stage of absent jobs is passed"
        ),
        pytest.param([_job("job0", 0), NOT_THERE], id="the last stage is absent"),
        pytest.param(
            [_job("job0", 0), _job("job1", 0, replace(ALWAYS, needs=("job0",)))],
            id="a rule needs a job of the same stage",
        ),
        pytest.param(
            [
                _job("job0", 0, replace(ALWAYS, needs=("job1",))),
                _job("job1", 0, ALWAYS, replace(ALWAYS, needs=("job0",))),
            ],
            id="rules could close a circle",
        ),
    ],
)
def test_nobody_starts_early(jobs: list[DrawnJob]):
    """Each task starts as early as it can: the last task that may move is moved."""
    play = Play.of(jobs, *compiled(jobs))

    play.run(lambda names: max(names, key=lambda name: (play.dag.state(name) is None, name)))

    assert play.early == []
    assert {play.dag.state(job.name) for job in jobs if job.present} == {"success"}


def test_needs_of_a_rule_that_does_not_match_decide_nothing():
    """The DAG has its edge, but whether the needed job failed is another rule's affair."""
    failing = replace(_job("job0", 0), outcome="failed")
    other = DrawnRule("on_success", False, ("job0",))
    jobs = [failing, replace(_job("job1", 1, ALWAYS, other, needs=()), matching=0)]
    play = Play.of(jobs, *compiled(jobs))

    play.run(min)

    assert play.ended()["job1"].status == JobStatus.SUCCESS


@pytest.mark.parametrize("needs", [None, ("job0",)])
def test_the_model_notices_a_difference(needs: Needs):
    """The brute force is not a copy: a job behind a skipped one depends on the mode."""
    jobs = [
        PlainJob("job0", 0, "on_failure", False, None, "success"),
        PlainJob("job1", 1, "on_success", False, needs, "success"),
    ]

    ended = gitlab_scheduler.run(jobs, lambda names: names[0])

    assert ended == {"job0": "skipped", "job1": "skipped" if needs else "success"}
