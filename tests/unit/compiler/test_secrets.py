"""Values of masked variables in a configuration: `include:` knows them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories import MAIN, MemoryFiles, make_context
from gitlab_ci_provider.compiler.compile import CompileResult, compile_pipeline
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable

ONE, TWO = "first-masked-value", "second-masked-value"


def compiled(text: str, **files: str) -> CompileResult:
    """Compile with two masked variables, for a protected branch."""
    known = (("ONE", ONE), ("TWO", TWO))
    project = tuple(Variable(name=name, value=value, masked=True) for name, value in known)
    context = make_context(
        configured=ConfiguredVariables(project=project), ref=replace(MAIN, protected=True)
    )
    return compile_pipeline(MemoryFiles({".gitlab-ci.yml": text, **files}), context)


@pytest.mark.parametrize(
    "place",
    [
        "local: /$ONE.yml",
        "remote: https://$ONE.example.com/a.yml",
        "project: group/$ONE, file: a.yml",
        "project: group/a, file: $ONE.yml",
        "template: $ONE.yml",
        "component: $ONE/a@1",
        "component: example.com/group/$ONE/a@1",
    ],
)
def test_an_include_that_cannot_be_read_does_not_show_its_variables(place: str):
    """The words are in the log, XComs and notes, and those of a sync on the pipeline page."""
    result = compiled(f"include: [{{{place}}}]")

    assert result.pipeline is None
    assert "[MASKED]" in repr(result.diagnostics)
    assert ONE not in repr(result.diagnostics)


def test_files_are_not_called_by_the_variables_that_name_them():
    """A pipeline is stored, and its jobs say where they are written; what is wrong with one too."""
    jobs = {f"{ONE}.yml": "a: {script: x, foo: y}", f"{TWO}.yml": "b: {script: x}"}
    wrong = compiled("include: [/$ONE.yml, /$TWO.yml]", **jobs)
    right = compiled(
        "include: [{local: /$ONE.yml}, {local: /$TWO.yml}]",
        **{**jobs, f"{ONE}.yml": "a: {script: x}"},
    )

    assert right.pipeline is not None
    assert set(right.pipeline.jobs) == {"a", "b"}
    for shown in (repr(wrong.diagnostics), encode(right.pipeline).decode()):
        assert ONE not in shown
        assert TWO not in shown
