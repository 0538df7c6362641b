"""Inputs that nothing replaces, and errors that only GitLab's runner finds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.linter.places import place, texts
from gitlab_ci_provider.moa.ast import MoaError
from gitlab_ci_provider.moa.interpolate import interpolate_job, texts_with_inputs
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.rules.inputs import job_input_values

_USE = "${{ job.inputs."
_BLOCK = re.compile(r"(?<!\\)\$\[\[\s*inputs\.")


def check_inputs(config: CiConfig) -> Iterator[Diagnostic]:
    """Look for inputs without a header, and try every job's expressions with its defaults."""
    yield from _check_headers(config)
    for entry in config.jobs.values():
        if entry.job.inputs:
            yield from _check_expressions(entry)
        elif _USE in str(texts_with_inputs(entry.job)):
            words = f"{entry.job.name} job: it has no inputs, so {_USE}* }}}} stays as it is"
            yield warning("job-inputs-missing", words, place(entry.raw, "script"))


def _check_headers(config: CiConfig) -> Iterator[Diagnostic]:
    """Name the first block of each file that has no header: with one, all are replaced.

    Commands that write another file, with a header of its own, are left alone.
    """
    told: set[str] = set()
    for _, text, mark in texts(config.tree):
        if mark.file not in told and "spec:" not in text and _BLOCK.search(text):
            told.add(mark.file)
            words = "the file has no header with `spec:inputs`, so $[[ inputs.* ]] stays as it is"
            yield warning("inputs-without-header", words, mark.location())


def _check_expressions(entry: JobConfig) -> Iterator[Diagnostic]:
    values, _ = job_input_values(entry.job.inputs, {})
    try:
        interpolate_job(entry.job, values)
    except MoaError as error:
        words = f"{entry.job.name} job: failed to interpolate job inputs: {error}"
        yield warning("job-inputs-expression", words, place(entry.raw, "inputs"))
