"""The configuration of child pipelines."""

from __future__ import annotations

from factories import MemoryFiles, make_context, make_variables
from gitlab_ci_provider.compiler.child import compile_child
from gitlab_ci_provider.compiler.compile import CompileResult
from gitlab_ci_provider.model.bridge import Bridge

WITH_INPUT = b"""\
spec:
  inputs:
    word:
---
job-$[[ inputs.word ]]:
  script: echo
"""


def compiled(
    bridge: Bridge, files: MemoryFiles, artifact: bytes = b"", **variables: str
) -> CompileResult:
    context = make_context(source="parent_pipeline", variables=make_variables(**variables))
    return compile_child(
        bridge, files, context, name="bridge", read_artifact=lambda job, path: artifact
    )


def jobs(result: CompileResult) -> list[str]:
    assert result.pipeline is not None, [str(one) for one in result.diagnostics]
    return list(result.pipeline.jobs)


def test_files_are_merged_each_with_its_inputs():
    """A child is made of all its includes."""
    includes = ({"local": "a.yml"}, {"local": "b.yml", "inputs": {"word": "x"}})
    files = MemoryFiles({"a.yml": b"first: {script: echo}", "b.yml": WITH_INPUT})

    assert jobs(compiled(Bridge(includes=includes), files)) == ["first", "job-x"]


def test_inputs_of_the_trigger_are_for_every_file():
    """`trigger:inputs` next to `include` is for files without inputs of their own."""
    bridge = Bridge(includes=({"local": "b.yml"},), inputs={"word": "y"})

    assert jobs(compiled(bridge, MemoryFiles({"b.yml": WITH_INPUT}))) == ["job-y"]


def test_an_artifact_is_a_file_among_the_others():
    """What a job has generated can include files of the repository; its name may be a variable."""
    bridge = Bridge(includes=({"artifact": "$NAME.yml", "job": "make"},))
    artifact = b"include: a.yml\nsecond: {script: echo}"
    files = MemoryFiles({"a.yml": b"first: {script: echo}"})

    assert jobs(compiled(bridge, files, artifact, NAME="made")) == ["first", "second"]


def test_an_error_names_the_artifact():
    """A person finds the line in what the job has generated."""
    bridge = Bridge(includes=({"artifact": "made.yml", "job": "make"},))

    result = compiled(bridge, MemoryFiles(), b"a:\n  script: echo\n  stage: nowhere")

    assert result.pipeline is None
    assert [one.location.file for one in result.diagnostics] == ["artifacts of make/made.yml"]


def test_what_is_no_configuration_is_an_error():
    """Bytes that are not text, empty files and lists do not pass."""
    bridge = Bridge(includes=({"artifact": "made.yml", "job": "make"},))

    for artifact in (b"\xff\xfe\x00", b"", b"[1, 2]", b"a: &a [*a]"):
        assert compiled(bridge, MemoryFiles(), artifact).pipeline is None
