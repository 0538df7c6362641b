"""What `include:` finds, in which order, and GitLab's words when it does not."""

from __future__ import annotations

import pytest

from factories import try_compile
from gitlab_ci_provider.compiler.compile import CompileResult
from gitlab_ci_provider.model.diagnostic import Severity

FILES = {
    "a.yml": "a: {script: a}",
    "b/c.yml": "c: {script: c}",
    "b/notes.txt": "no configuration",
    "empty.yml": "# nothing",
    "hash.yml": "{}",
    "inputs.yml": 'spec: {inputs: {x: {}}}\n---\ni: {script: "$[[ inputs.x ]]"}',
    ".yml": "k: {script: k}",
}


def compiled(include: str, **more: str) -> CompileResult:
    """Compile a file that includes."""
    main = f"include: {include}\nj: {{script: x}}\n"
    files = {**FILES, **{name.replace("_", "."): text for name, text in more.items()}}
    return try_compile(main, None, **files)


def errors_of(include: str) -> list[str]:
    """Return the errors of a file that includes."""
    return [one.message for one in compiled(include).diagnostics if one.severity is Severity.ERROR]


SUBKEYS = "Valid subkeys are: `local`, `project`, `remote`, `template`, `artifact`, `component`"


@pytest.mark.parametrize(
    ("include", "words"),
    [
        ("''", f'`{{"local":""}}` does not have a valid subkey for include. {SUBKEYS}'),
        ("[{local: $NOPE}]", '`{"local":""}` does not have a valid subkey for include.'),
        ("[{zz: 1}]", '`{"zz":1}` does not have a valid subkey for include.'),
        ("[{local: a.yml, remote: b}]", "Each include must use only one of: `local`, `project`"),
        ("[[a.yml]]", "Each include must be a hash or a string"),
        ("1", "Each include must be a hash or a string"),
        ("[{artifact: a.yml, job: j}]", "only allowed when triggering child pipelines"),
        ("empty.yml", "Included file `empty.yml` does not have valid YAML syntax!"),
        ("hash.yml", "Included file `hash.yml` does not have valid YAML syntax!"),
        (".yml", "Included file `.yml` does not have YAML extension!"),
        ("b/*", "Included file `b/notes.txt` does not have YAML extension!"),
        ("[{template: Nothing.yml}]", "Template file `Nothing.yml` is not a valid location!"),
        ("[{local: inputs.yml, inputs: [x]}]", "`inputs.yml`: Given inputs must be a hash"),
        ("[{local: a.yml, rules: [{when: manual}]}]", "include:rule when unknown value: manual"),
        ("[{local: a.yml, rules: [{variables: {A: b}}]}]", "include:rule config contains unknown"),
    ],
)
def test_include_is_refused_in_gitlabs_words(include: str, words: str):
    """GitLab refuses the file, in these words."""
    assert any(words in message for message in errors_of(include))


@pytest.mark.parametrize(
    "include",
    [
        "null",
        "[null]",
        "[]",
        "$NOPE/a.yml",
        "${NOPE}a.yml",
        "nowhere/*.yml",
        "[{local: a.yml, rules: [{if: $NOPE}]}]",
        "[{local: absent.yml, rules: [{when: never}]}]",
        "[{local: a.yml, cache: true}]",
        f"[{{local: a.yml, rules: [{{exists: [{', '.join(['a.yml'] * 60)}]}}]}}]",
    ],
)
def test_include_is_accepted(include: str):
    """Unknown variables vanish; wildcards and rules may leave nothing."""
    assert errors_of(include) == []


def test_what_means_nothing_in_an_entry_is_told():
    """GitLab ignores unknown keys of an entry without a word; here a warning says so."""
    found = compiled("[{local: a.yml, zz: 1, integrity: x}]").diagnostics

    assert [one.code for one in found] == ["include-ignored-key"]
    assert "zz, integrity" in found[0].message


def test_single_entry_that_rules_leave_out_is_told():
    """GitLab refuses it by accident; here it is a warning with its words."""
    found = compiled("{local: a.yml, rules: [{when: never}]}").diagnostics

    assert [one.code for one in found] == ["include-left-out"]


def test_wildcard_leaves_out_what_was_included_before():
    """A file that a parent included is not merged again over what came after it."""
    result = compiled(
        "[first.yml, second.yml]",
        first_yml="q: {script: first}",
        second_yml="include: 'f*.yml'\nq: {script: second}",
    )

    assert result.pipeline
    assert result.pipeline.included_files.count("first.yml") == 1


def test_wildcard_that_finds_its_own_file_ends():
    """A file may match its own wildcard; it is read once more, as in GitLab, then no more."""
    result = compiled("'**.yml'", x_yml="include: '**.yml'\nx: {script: x}")

    assert not any(one.code == "include-too-many" for one in result.diagnostics)


def test_what_is_outside_is_told_with_a_way_to_read_it():
    """A template, project, component or address needs a server; the hint says how to name one."""
    (found,) = compiled("[{template: Security/SAST.gitlab-ci.yml}]").diagnostics

    assert found.code == "include-unavailable"
    assert found.hint
    assert "--gitlab-url" in found.hint


def test_what_is_outside_is_named_in_full():
    """Each file of a project has its own error; one that many files include has a single one."""
    more = dict.fromkeys(("x_yml", "y_yml"), "include: [{project: g/p, file: [a.yml, b.yml]}]")
    found = compiled("[x.yml, {component: host/g/c/scan.all@1}, y.yml]", **more).diagnostics

    assert [str(one).partition("[include-unavailable] ")[2] for one in found] == [
        "include:project: g/p:a.yml is outside of this repository and cannot be read here",
        "include:project: g/p:b.yml is outside of this repository and cannot be read here",
        "include:component: g/c/scan.all is outside of this repository and cannot be read here",
        "include:project: g/p:a.yml is outside of this repository and cannot be read here",
        "include:project: g/p:b.yml is outside of this repository and cannot be read here",
    ]
    assert len(compiled("[x.yml, x.yml]", **more).diagnostics) == 2


@pytest.mark.parametrize(
    "content",
    [
        "default: {before_script: [!reference [.outside, script]]}\nk: {script: x}",
        ".half: {other: x}\nk: {script: [!reference [.half, script]]}",
        ".half: {other: [!reference [.outside, x]]}\nk: {script: [!reference [.half, other]]}",
        "image: !reference [.outside, image]\nk: {script: x}",
        "workflow: {rules: [!reference [.outside, rules]]}\nk: {script: x}",
        "variables: !reference [.outside, variables]\nk: {script: x}",
        "k: {needs: [j], tags: [x], before_script: [x]}",
        "k: {extends: .outside, needs: [j], artifacts: {paths: [x]}}",
        "k: {script: x, stage: outside}\nl: {stage: test, script: x, needs: [k]}",
        "k: {script: x, stage: outside}\nl: {stage: test, script: x, dependencies: [k]}",
    ],
)
def test_what_follows_from_a_file_that_cannot_be_read_is_not_told(content: str):
    """Nobody knows what is in that file: what others take from it is no mistake of theirs."""
    found = compiled("[a.yml, {template: Outside.gitlab-ci.yml}, x.yml]", x_yml=content).diagnostics

    assert [one.code for one in found] == ["include-unavailable"]


@pytest.mark.parametrize(
    "content",
    [
        "k: {script: x, retry: 9}",
        "default: {retry: 9}",
        ".l: {retry: 9}\nk: {script: x, extends: .l}",
    ],
)
def test_other_mistakes_are_told_although_a_file_cannot_be_read(content: str):
    """What has nothing to do with the missing file is wrong whatever is in that."""
    found = compiled("[{template: Outside.gitlab-ci.yml}, x.yml]", x_yml=content).diagnostics

    assert "keyword-invalid" in [one.code for one in found]


def test_included_text_is_named():
    """What is no mapping is refused with the name of its file, as anything in it."""
    found = try_compile("include: a.yml\nj: {script: x}", **{"a.yml": "// no mapping"}).diagnostics

    assert [one.message for one in found] == ["`a.yml`: Invalid configuration format"]


@pytest.mark.parametrize(
    ("path", "hint"), [("c.yml", "b/c.yml"), ("b/cc.yml", "b/c.yml"), ("nothing.json.yml", "")]
)
def test_of_a_file_that_is_not_there_it_is_said_which_one_may_be_meant(path: str, hint: str):
    """Often a path is relative to the file that includes; GitLab begins at the root."""
    [found] = [one for one in compiled(path).diagnostics if one.code == "include-missing"]

    assert f"'{hint}'" in found.hint if hint and found.hint else not (hint or found.hint)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (
            "include: [{local: a.yml, rules: [{if: $NO}]}, {local: b/c.yml, rules: [{if: $NO}]}]",
            False,
        ),
        ("include: [{local: a.yml, rules: [{if: $NO, when: never}]}]\n.hidden: {script: x}", False),
        ("include: [inner.yml]", False),
        ("include: [{local: a.yml, rules: [{if: $NO}]}, hidden.yml]", True),
        ("include: ['nowhere/*.yml']", True),
        ("stages: [test]", True),
    ],
)
def test_a_file_without_jobs_is_right_if_the_rules_of_an_include_leave_out_all(
    text: str, refused: bool
):
    """Then there is no pipeline, as when the rules of the jobs leave out all of them."""
    files = {
        **FILES,
        "hidden.yml": ".h: {script: x}",
        "inner.yml": "include: [{local: a.yml, rules: [{if: $NO}]}]",
    }

    found = try_compile(text, None, **files)

    assert [one.code for one in found.diagnostics] == (["jobs-none-visible"] if refused else [])
    assert (found.pipeline is None) is refused
