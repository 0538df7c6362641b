"""The pipeline of this project itself, `.gitlab-ci.yml`."""

from __future__ import annotations

import re
from pathlib import Path

from factories import make_context
from gitlab_ci_provider.compiler.compile import CompileResult, compile_pipeline
from gitlab_ci_provider.linter.lint import lint
from gitlab_ci_provider.sources.directory import DirectoryFetcher

ROOT = Path(__file__).parents[2]
STEPS = set(re.findall(r"^step_(\w+)\(\)", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE))


def test_it_compiles_without_a_diagnostic():
    """Neither the compiler nor `gitlab-dags lint` has anything to say about it."""
    result = _compile()

    assert result.config is not None
    assert (result.diagnostics, lint(result.config)) == ((), [])


def test_every_job_calls_the_one_door():
    """Jobs run steps and tests by the scripts that developers use, and each step exists."""
    pipeline = _compile().pipeline
    assert pipeline is not None
    commands = {job.name: " ".join(job.script.main).split() for job in pipeline.jobs.values()}
    named = {step for words in commands.values() if words[0] == ".ci/run" for step in words[1:]}

    assert {words[0] for words in commands.values()} <= {
        *(".ci/run", ".ci/test", ".ci/screenshots", ".venv/bin/gitlab-dags"),
    }
    assert named <= STEPS
    assert {"lint", "imports", "types", "docs", "build", "install"} <= named


def _compile() -> CompileResult:
    return compile_pipeline(DirectoryFetcher(ROOT), make_context())
