"""Values of the model for tests, with everything that a test does not name left at its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gitlab_ci_provider.compiler.compile import compile_pipeline
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline, Workflow
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.rules import Rule
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.schedule.order import build_edges

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


@dataclass(frozen=True)
class MemoryFiles:
    """The files of a repository; a `FileFetcher`."""

    files: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        """Give a file's contents."""
        found = self.files.get(path)
        return None if found is None else found.encode()

    def paths(self) -> list[str]:
        """List the files."""
        return list(self.files)


def compile_text(text: str, context: PipelineContext | None = None, **more: str) -> Pipeline:
    """Compile a `.gitlab-ci.yml` that has no errors; `more` are other files by path."""
    files = MemoryFiles({".gitlab-ci.yml": text, **more})
    result = compile_pipeline(files, context or make_context())
    assert result.pipeline is not None, [str(one) for one in result.diagnostics]
    return result.pipeline
