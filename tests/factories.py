"""Values of the model for tests, with everything that a test does not name left at its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gitlab_ci_provider.airflow_internals.run_rows import RunRow
from gitlab_ci_provider.compiler.compile import CompileResult, compile_pipeline
from gitlab_ci_provider.config.includes.fetcher import Elsewhere
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.job import Job, Script
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.pipeline import Pipeline, Workflow
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.rules import JobDecision, Rule
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.planner.plan_request import Limits, PlanRequest
from gitlab_ci_provider.schedule.order import build_edges

PROJECT = Project(
    path="group/project",
    clone_url="https://example.com/p.git",
    web_url="https://gitlab.example.com/group/project",
)
MAIN = Ref(name="main", sha="a" * 40)
CREATED_AT = "2026-01-01T00:00:00+00:00"


def make_variables(**values: str) -> Variables:
    """Make variables from names and values."""
    return Variables(Variable(name=name, value=value) for name, value in values.items())


def make_context(**given: Any) -> PipelineContext:
    """Make the context of a push to `main`."""
    return PipelineContext(**{"project": PROJECT, "ref": MAIN, **given})


def make_job(name: str, **given: Any) -> Job:
    """Make a job of stage `test`."""
    return Job(name=name, group=given.pop("group", name), **{"stage": "test", **given})


def make_pipeline(*jobs: Job, workflow: tuple[Rule, ...] | None = None, **given: Any) -> Pipeline:
    """Make a pipeline of stages build, test and deploy."""
    stages = (".pre", "build", "test", "deploy", ".post")
    named = {job.name: job for job in jobs}
    return Pipeline(
        stages=stages,
        jobs=named,
        edges=build_edges(named, stages),
        workflow=Workflow(rules=workflow),
        **given,
    )


@dataclass(frozen=True)
class MemoryFiles:
    """The files of a repository; a `FileFetcher`.

    Attributes:
        otherwise: what every other path holds; None leaves them missing.
    """

    files: Mapping[str, str | bytes] = field(default_factory=dict)
    otherwise: bytes | None = None

    def read(self, path: str) -> bytes | None:
        """Return a file's contents."""
        found = self.files.get(path, self.otherwise)
        return found.encode() if isinstance(found, str) else found

    def paths(self) -> list[str]:
        """List the files."""
        return list(self.files)


def try_compile(
    text: str | bytes,
    context: PipelineContext | None = None,
    elsewhere: Elsewhere | None = None,
    /,
    **more: str,
) -> CompileResult:
    """Compile a `.gitlab-ci.yml`; `more` are other files by path."""
    files = MemoryFiles({".gitlab-ci.yml": text, **more})
    return compile_pipeline(files, context or make_context(), elsewhere=elsewhere)


def compile_text(text: str, context: PipelineContext | None = None, **more: str) -> Pipeline:
    """Compile a `.gitlab-ci.yml` that has no errors; `more` are other files by path."""
    result = try_compile(text, context, **more)
    assert result.pipeline is not None, [str(one) for one in result.diagnostics]
    return result.pipeline


def make_run(*, protected: bool = True, **given: Any) -> PipelineRun:
    """Make the record of a push to `main`."""
    usual: dict[str, Any] = {
        "id": 7,
        "iid": 1,
        "project": PROJECT,
        "ref": replace(MAIN, protected=protected),
        "source": "push",
        "digest": "d",
        "created_at": CREATED_AT,
        "decisions": {},
    }
    return PipelineRun(**{**usual, **given})


RUN = make_run()
JOB = make_job("job", script=Script(main=("echo hi",)))


def with_variables(**values: str) -> Job:
    """Make a job with variables of its own."""
    made = make_variables(**values)
    return replace(JOB, variables=made, own_variables=made)


def make_plan_request(job: Job = JOB, run: PipelineRun = RUN, **given: Any) -> PlanRequest:
    """Make the request for the plan of a job that is alone in its pipeline."""
    usual: dict[str, Any] = {
        "pipeline": given.get("pipeline") or make_pipeline(job),
        "decision": JobDecision(job=job.name, present=True),
        "limits": Limits(default_image="debian:12", default_timeout=60, artifacts_expire_in=99),
        "attempt": 2,
        "url": "http://airflow/dags/d/runs/r/tasks/job",
        "started_at": CREATED_AT,
        "upstream": {},
        "store": StoreTarget(bucket="b"),
    }
    return PlanRequest(job=job, run=run, **{**usual, **given})


def make_dag_record(**given: Any) -> DagRecord:
    """Make the record of the DAG of a project."""
    usual = {"dag_id": "group__project", "project": PROJECT, "ref": MAIN, "digest": "d"}
    return DagRecord(**{**usual, **given})


def make_entry(**given: Any) -> PipelineEntry:
    """Make what the register keeps of a pipeline."""
    usual: dict[str, Any] = {
        "project": PROJECT.path,
        "dag_id": "group__project",
        "run_id": "run-0",
        "ref": MAIN,
        "source": "push",
        "digest": "d",
        "created_at": CREATED_AT,
    }
    return PipelineEntry(**{**usual, **given})


def make_run_row(state: str, *, user: str = "", note: str = "") -> RunRow:
    """Make what Airflow's database says of a run."""
    return RunRow(
        number=1,
        dag_id="d",
        run_id="r",
        state=state,
        queued=None,
        started=None,
        ended=None,
        user=user,
        note=note,
    )
