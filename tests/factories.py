"""Values of the model for tests, with everything that a test does not name left at its default."""

from __future__ import annotations

from typing import Any

from gitlab_ci_provider.compiler.graph import build_edges
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline, Workflow
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.rules import Rule
from gitlab_ci_provider.model.variables import Variable, Variables

PROJECT = Project(
    path="group/project", clone_url="x", web_url="https://gitlab.example.com/group/project", id=7
)


def make_variables(**values: str) -> Variables:
    """Make variables from names and values."""
    return tuple(Variable(name=name, value=value) for name, value in values.items())


def make_context(**given: Any) -> PipelineContext:
    """Make the context of a push to `main`."""
    ref = given.pop("ref", None) or Ref(name="main", sha="a" * 40)
    return PipelineContext(project=PROJECT, ref=ref, **given)


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
