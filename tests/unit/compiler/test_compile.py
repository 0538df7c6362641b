"""Whole files through the compiler, with files in memory."""

from __future__ import annotations

import base64
import hashlib

import pytest

from factories import MemoryFiles, make_context, try_compile
from gitlab_ci_provider.compiler.compile import CompileResult, compile_pipeline
from gitlab_ci_provider.config.includes.fetcher import ProjectFiles
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.serialization import decode, encode

NESTED = """
include:
  - {template: Go.gitlab-ci.yml, rules: [{if: $CI_COMMIT_BRANCH}]}
  - {project: group/other, file: ci.yml, rules: [{if: $CI_COMMIT_BRANCH == null}]}
  - {template: Nothing.gitlab-ci.yml, rules: [{exists: [.gitlab-ci.yml]}]}
nested: {script: x}
"""
WRONG = f"sha256-{'A' * 43}="


class Elsewhere:
    """One other project, one address and one template."""

    def project(self, path: str, ref: str | None) -> ProjectFiles | None:
        """Return the other project."""
        if path != "group/other":
            return None
        files = {
            "ci.yml": "include: inner.yml\nfrom-project: {script: x}\n",
            "inner.yml": "inner: {script: x}\n",
            "templates/tool.yml": "spec: {component: [name, version]}\n---\n"
            "tool: {script: $[[ component.name ]] $[[ component.version ]]}\n",
        }
        return ProjectFiles(MemoryFiles(files), sha="c" * 40, version=ref or "")

    def remote(self, url: str) -> bytes:
        """Fetch the address."""
        if "broken" in url:
            raise SourceError(f"{url} answers 404")
        if "nested" in url:
            return NESTED.encode()
        if "alone" in url:
            return b"include: .gitlab-ci.yml\nfrom-remote: {script: x}\n"
        return b"from-remote: {script: x}\n"

    def template(self, name: str) -> bytes | None:
        """Return the template."""
        return b"from-template: {script: x}\n" if name == "Go.gitlab-ci.yml" else None


def _compile(text: str, **files: str) -> CompileResult:
    named = {name.replace("__", "/"): content for name, content in files.items()}
    return compile_pipeline(
        MemoryFiles({".gitlab-ci.yml": text, **named}), make_context(), elsewhere=Elsewhere()
    )


def _jobs(result: CompileResult) -> set[str]:
    assert result.pipeline, [str(one) for one in result.diagnostics]
    return set(result.pipeline.jobs)


def _codes(result: CompileResult) -> set[str]:
    return {one.code for one in result.diagnostics}


def test_pipeline_survives_json():
    """A compiled pipeline is the same after it was written and read."""
    result = _compile("job: {script: x, rules: [{if: $A, needs: [b]}]}\nb: {script: x}\n")
    assert result.pipeline

    assert decode(encode(result.pipeline), Pipeline) == result.pipeline


def test_stages_of_the_pipeline_are_those_of_the_file():
    """`.pre` and `.post` are listed only when a job uses them."""
    result = _compile("stages: [a, b]\njob: {stage: a, script: x}\n")
    assert result.pipeline

    assert result.pipeline.stages == ("a", "b")


def test_rules_and_global_variables_say_where_they_are_written():
    """Through includes, `extends` and `!reference`."""
    result = _compile(
        "include: shared.yml\n"
        "variables:\n  OWN: here\n"
        "one: {extends: .with-rules, script: x}\n"
        "two: {script: x, rules: [!reference [.with-rules, rules]]}\n",
        **{
            "shared.yml": ".with-rules:\n  rules:\n    - if: $A\n    - when: manual\n"
            "variables: {SHARED: there}\n"
        },
    )
    assert result.pipeline, [str(one) for one in result.diagnostics]
    for job in ("one", "two"):
        rules = result.pipeline.jobs[job].rules or ()
        places = [(rule.location.file, rule.location.line) for rule in rules if rule.location]
        assert places == [("shared.yml", 3), ("shared.yml", 4)], job
    written = result.pipeline.variable_locations
    assert {name: (at.file, at.line) for name, at in written.items()} == {
        "OWN": (".gitlab-ci.yml", 3),
        "SHARED": ("shared.yml", 5),
    }


def test_includes_from_everywhere():
    """Projects, addresses, templates and components bring their jobs."""
    result = _compile(
        "include:\n"
        "  - {project: group/other, file: [ci.yml], ref: main}\n"
        "  - remote: https://example.com/ci.yml\n"
        "  - template: Go.gitlab-ci.yml\n"
        "  - component: gitlab.example.com/group/other/tool@1.2.3\n"
        "job: {script: x}\n"
    )

    assert _jobs(result) == {
        "job", "from-project", "inner", "from-remote", "from-template", "tool",
    }  # fmt: skip
    assert result.pipeline
    assert result.pipeline.jobs["tool"].script.main == ("tool 1.2.3",)


def test_what_a_remote_file_includes_sees_nothing_of_the_pipeline():
    """Neither its variables nor its files; what other projects include sees both."""
    result = _compile("include: {remote: 'https://example.com/nested.yml'}\njob: {script: x}\n")

    assert _jobs(result) == {"job", "nested", "from-project", "inner"}


@pytest.mark.parametrize(
    ("include", "code"),
    [
        ("{project: group/nobody, file: ci.yml}", "include-project"),
        ("{project: group/other, file: absent.yml}", "include-missing"),
        ("{remote: 'https://example.com/broken.yml'}", "include-unreadable"),
        ("{remote: 'https://example.com/alone.yml'}", "include-missing"),
        ("{template: Nothing.gitlab-ci.yml}", "include-missing"),
        ("{component: gitlab.example.com/group/other/absent@1}", "include-component"),
        ("{component: nonsense}", "include-component"),
        ("{remote: 'https://example.com/ci.yml', integrity: sha256-x}", "include-incomplete"),
        (f"{{remote: 'https://example.com/ci.yml', integrity: {WRONG}}}", "include-integrity"),
        ("{project: group/other}", "include-incomplete"),
        ("{local: a.yml, remote: 'https://example.com/ci.yml'}", "include-ambiguous"),
    ],
)
def test_include_that_fails(include: str, code: str):
    """Each failure has its code, and nothing that follows from it is reported."""
    result = _compile(f"""
include: [{include}]
.base: {{extends: .gone, before_script: [!reference [.also, gone], x]}}
job: {{extends: .gone}}
bridge-or-not: {{extends: .base, needs: [job], tags: [a]}}
refers: {{script: [!reference [.also, gone]]}}
""")

    assert _codes(result) == {code}


def test_integrity_that_fits_is_accepted():
    """A remote file with the right digest is included."""
    digest = base64.b64encode(hashlib.sha256(b"from-remote: {script: x}\n").digest()).decode()
    result = _compile(
        f"include: {{remote: 'https://example.com/ci.yml', integrity: 'sha256-{digest}'}}\n"
        "job: {script: x}\n"
    )

    assert _jobs(result) == {"job", "from-remote"}


def test_problems_of_an_included_file_name_that_file():
    """A diagnostic points to the file that its value was written in."""
    result = _compile(
        "include: part.yml\njob: {script: x}\n", **{"part.yml": "\n\na: {scrpt: x}\n"}
    )

    assert [(one.location.file, one.location.line) for one in result.diagnostics] == [
        ("part.yml", 3)
    ]


def test_every_problem_is_reported_at_once():
    """One run lists the problems of all jobs."""
    result = _compile("a: {script: 1}\nb: {script: x, when: now}\nc: {script: x, stage: nowhere}\n")

    assert len(result.diagnostics) == 3


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"job: {script: \xff}", "file-not-utf8"),
        (b"- a list", "yaml-not-a-hash"),
        (b"", "file-empty"),
        (b"# nothing", "yaml-not-a-hash"),
        (b"job:\n\tscript: x", "yaml-syntax"),
        (b"\xff\xfej\x00", "file-not-utf8"),
    ],
)
def test_bytes_that_are_no_configuration(content: bytes, code: str):
    """Whatever the file holds, the answer is a diagnostic."""
    result = try_compile(content)

    assert _codes(result) == {code}
    assert result.pipeline is None


def test_byte_order_mark_is_skipped():
    """A UTF-8 mark at the beginning of a file means nothing."""
    assert _jobs(_compile("\ufeffjob: {script: x}\n")) == {"job"}


def test_missing_file_is_told():
    """Without a configuration there is one clear diagnostic."""
    result = compile_pipeline(MemoryFiles(), make_context())

    assert [str(one) for one in result.diagnostics] == [
        ".gitlab-ci.yml: error [file-missing] there is no .gitlab-ci.yml in the repository"
    ]


def test_a_need_of_another_pipeline_may_be_optional():
    """As one of this pipeline, from GitLab 19.5 on."""
    file = "j: {script: x, needs: [{pipeline: $P, job: a, optional: true}]}"
    pipeline = _compile(file).pipeline

    assert pipeline
    (need,) = pipeline.jobs["j"].cross_needs
    assert need.optional


def test_more_files_of_a_cache_key_need_a_flag_of_gitlab():
    """GitLab 19.5 has the larger limit switched off: the smaller one holds, and a hint says so."""
    (found,) = _compile("j: {script: x, cache: {key: {files: [a, b, c]}}}").diagnostics

    assert found.message.endswith("has too many items (maximum is 2)")
    assert found.hint
    assert "increase_ci_cache_key_files_limit" in found.hint
