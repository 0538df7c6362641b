"""The commands `compile` and `lint` as users meet them."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.commands.compile import answer
from gitlab_ci_provider.cli.main import main
from servers.repositories import commit, git, make_repository

GOOD = "job: {script: x, rules: [{if: $GO, when: manual}]}\nother: {script: y}\n"
BAD = "job: {script: x, when: now}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a good configuration."""
    (tmp_path / ".gitlab-ci.yml").write_text(GOOD)
    return tmp_path


def _bad(folder: Path) -> Path:
    (folder / "bad.yml").write_text(BAD)
    return folder / "bad.yml"


def test_json_holds_the_jobs_of_the_context(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Flags make the context; the answer is one JSON object."""
    code = main(["compile", str(folder), "--json", "--var", "GO=1", "--ref", "dev"])
    shown = json.loads(capsys.readouterr().out)

    assert code == 0
    assert shown["valid"] is True
    assert shown["jobs"]["job"]["when"] == "manual"
    assert shown["jobs"]["other"]["variables"] == {"GO": "1"}


def test_table_says_why(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Without `--json` each job has a line with its state and the reason."""
    assert main(["compile", str(folder)]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["out", "job", "no", "rule", "matches"] in lines
    assert ["in", "other", "no", "rules"] in lines


def test_wrong_file_ends_with_one(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Errors go to standard error with file, line and column."""
    assert main(["compile", str(_bad(folder))]) == 1

    assert "bad.yml:1:18: error [keyword-invalid] jobs:job when" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--var", "novalue"],
        ["--source", "nothing"],
        ["--nonsense"],
        ["a", "b"],
        ["--changed", "a", "--no-changed"],
        ["--mr-target", "main", "--source", "push"],
        ["--json", "--merged"],
    ],
)
def test_wrong_usage_ends_with_two(folder: Path, arguments: list[str]):
    """What cannot be understood is told apart from a wrong file."""
    with pytest.raises(SystemExit) as ended:
        main(["compile", str(folder), *arguments])

    assert ended.value.code == 2


@pytest.mark.parametrize("name", ["absent", "."])
def test_nothing_to_read_is_one_line(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]):
    """An absent path and a folder without configuration are told in a line."""
    assert main(["compile", str(tmp_path / name)]) == 1

    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1


def test_lines_are_answered_one_by_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """`--json-lines` judges many; a broken request gets an answer, too."""
    requests = [json.dumps({"path": str(folder), "variables": {"GO": "1"}}), "nonsense", "{}"]
    monkeypatch.setattr("sys.stdin", iter(requests))

    assert main(["compile", "--json-lines"]) == 0

    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["valid"] for one in answers] == [True, False, False]


@pytest.mark.parametrize("kind", ["text", "json", "gitlab-codequality", "sarif", "junit"])
def test_lint_writes_every_format(folder: Path, kind: str, capsys: pytest.CaptureFixture[str]):
    """Each format names the problem and can be read by its readers."""
    assert main(["lint", str(_bad(folder)), "--format", kind]) == 1

    written = capsys.readouterr().out
    assert "jobs:job when should be one of" in written
    if kind == "junit":
        assert ET.fromstring(written).get("failures") == "1"
    elif kind != "text":
        assert json.loads(written)


def test_lint_can_be_strict(folder: Path):
    """Warnings are not failures, except with `--strict`."""
    (folder / "warned.yml").write_text("job: {script: x, only: [main]}\n")

    assert main(["lint", str(folder / "warned.yml")]) == 0
    assert main(["lint", "--strict", str(folder / "warned.yml")]) == 1


def test_branch_of_the_checkout_is_the_default(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Without flags the pipeline is for what is checked out."""
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/topic\n")

    main(["compile", str(folder)])

    assert capsys.readouterr().out.startswith("push on branch topic:")


def test_closed_pipe_is_no_traceback(folder: Path):
    """A reader that goes away ends the command quietly."""
    program = [sys.executable, "-m", "gitlab_ci_provider.cli.main", "compile", "--json", folder]
    shell = f"{' '.join(map(str, program))} | true"

    ended = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)

    assert ended.stderr == ""


def test_compile_starts_light(folder: Path):
    """Neither Airflow nor a network library is imported for `compile` and `lint`."""
    program = (
        "import sys; from gitlab_ci_provider.cli.main import main; "
        f"main(['compile', {str(folder)!r}]); "
        "heavy = {'airflow', 'rich', 'httpx', 'boto3', 'kubernetes', 'msgspec', 'gitlab'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert ended.stderr == ""
    assert ended.returncode == 0


def test_compare_to_is_answered_by_git(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """In a working copy `compare_to` sees what differs from the ref; wrong refs are told."""
    rules = "rules: [{changes: {paths: [%s], compare_to: %s}}]"
    jobs = {"new": ("new", "main"), "old": ("old", "main"), "gone": ("new", "gone")}
    files = {f"{job}.yml": f"job: {{script: x, {rules % asked}}}" for job, asked in jobs.items()}
    make_repository(tmp_path, {**files, "old": "1"})
    (tmp_path / "new").write_text("1")
    git(tmp_path, "add", "new")

    shown = {}
    for job in jobs:
        main(["compile", str(tmp_path / f"{job}.yml"), "--json"])
        shown[job] = json.loads(capsys.readouterr().out)

    assert list(shown["new"]["jobs"]) == ["job"]
    assert shown["old"]["pipeline"] == "none"
    assert "rules-broken" in {one["code"] for one in shown["gone"]["diagnostics"]}


def test_merge_request_changes_what_differs_from_its_target(tmp_path: Path):
    """Git knows the files of a merge request; given ones, and an unknown target, come before."""
    rules = "rules: [{changes: [%s]}]"
    text = f"a: {{script: x, {rules % 'a.txt'}}}\nb: {{script: x, {rules % 'b.txt'}}}\n"
    make_repository(tmp_path, {".gitlab-ci.yml": text, "a.txt": "", "b.txt": ""})
    git(tmp_path, "checkout", "--quiet", "-b", "topic")
    commit(tmp_path, {"a.txt": "changed"}, "second")

    def jobs(**context: object) -> set[str]:
        asked = {"path": str(tmp_path), "mr_target": "main", **context}
        return set(answer(json.dumps(asked))["jobs"])  # type: ignore[call-overload]

    assert jobs() == {"a"}
    assert jobs(changed=["b.txt"]) == {"b"}
    assert jobs(mr_target="nowhere") == {"a", "b"}


def test_lint_names_files_from_the_current_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """With several paths it is clear which file is meant, and editors find it."""
    for name in ("one", "two words"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".gitlab-ci.yml").write_text(BAD)
    monkeypatch.chdir(tmp_path)

    main(["lint", "one", "two words", "--format", "sarif"])
    results = json.loads(capsys.readouterr().out)["runs"][0]["results"]

    places = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in results]
    assert places == [{"uri": "one/.gitlab-ci.yml"}, {"uri": "two%20words/.gitlab-ci.yml"}]


def test_junit_holds_any_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What XML cannot hold is replaced."""
    (tmp_path / "a.yml").write_text('"\\a<]]>&": {script: x, when: "\\e"}')

    main(["lint", str(tmp_path / "a.yml"), "--format", "junit"])

    assert ET.fromstring(capsys.readouterr().out).get("failures") == "1"


@pytest.mark.parametrize("line", ["[1]", '"x"', "{}", "nonsense", '{"path": "/none"}', "1e999"])
def test_any_line_gets_an_answer(line: str):
    """A process that judges many survives each of them."""
    shown = answer(line)

    assert shown["valid"] is False
    assert shown["error"]


def test_includes_of_a_file_in_a_checkout_are_seen_from_its_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A project may have another configuration file; the paths in it stay the same."""
    files = {"ci/main.yml": "include: ci/jobs.yml\n", "ci/jobs.yml": "j: {script: x, zz: 1}\n"}
    make_repository(tmp_path, files)
    monkeypatch.chdir(tmp_path / "ci")

    assert main(["lint", "main.yml"]) == 1
    assert "jobs.yml:1:16: error [keyword-unknown]" in capsys.readouterr().out


def test_lint_goes_on_after_a_missing_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Every path is judged, and the report is one in its format."""
    assert main(["lint", str(tmp_path / "none.yml"), str(_bad(tmp_path)), "--format", "json"]) == 1

    codes = [one["code"] for one in json.loads(capsys.readouterr().out)]
    assert codes == ["file-missing", "keyword-invalid"]


@pytest.mark.parametrize(("flags", "jobs"), [((), ["on"]), (("--ref", "old"), [])])
def test_rules_see_the_commit_of_a_working_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], jobs: list[str]
):
    """The message is that of the ref, or of what is checked out."""
    text = "on: {script: x, rules: [{if: '$CI_COMMIT_TITLE =~ /^Go now/'}]}\n"
    make_repository(tmp_path, {".gitlab-ci.yml": text})
    git(tmp_path, "branch", "--move", "old")
    git(tmp_path, "checkout", "--quiet", "-b", "new")
    commit(tmp_path, {}, "Go now")

    main(["compile", str(tmp_path), "--json", *flags])

    assert list(json.loads(capsys.readouterr().out)["jobs"]) == jobs


def shown(tmp_path: Path, text: str) -> dict[str, dict[str, object]]:
    """Compile a file; give its jobs as `--json` shows them."""
    (tmp_path / ".gitlab-ci.yml").write_text(text)
    answered = answer(json.dumps({"path": str(tmp_path)}))
    assert answered["valid"], answered["error"]
    jobs = answered["jobs"]
    assert isinstance(jobs, dict)
    return jobs


@pytest.mark.parametrize(
    ("written", "key", "effective"),
    [
        ("pages: true", "artifacts", {"paths": ["public"]}),
        ("pages: {publish: p}, artifacts: {paths: [a], when: always}", "artifacts",
         {"paths": ["a", "p"], "when": "always"}),
        ("interruptible: false, rules: [{interruptible: true}]", "interruptible", True),
        ("interruptible: true, rules: [{interruptible: false}]", "interruptible", False),
        ("dependencies: [many]", "dependencies", ["many 1/2", "many 2/2"]),
        ("timeout: 1 hour", "timeout", "1 hour"),
        ("retry: 1", "retry", 1),
    ],
)  # fmt: skip
def test_json_shows_what_holds(tmp_path: Path, written: str, key: str, effective: object):
    """Values are those that a run has, whatever keyword has made them."""
    many = "many: {stage: build, script: x, parallel: 2, artifacts: {paths: [a]}}"

    job = shown(tmp_path, f"{many}\nj: {{script: x, {written}}}")["j"]

    assert job[key] == effective


LONG = "x" * 250


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"j: {{script: x, parallel: {{matrix: [{{A: {LONG * 5}}}]}}}}", "name is too long"),
        (
            f"variables: {{N: {LONG}}}\nworkflow: {{name: $N $N}}\nj: {{script: x}}",
            "Failed to build pipeline metadata! Name is too long (maximum is 255 characters)",
        ),
    ],
)
def test_limits_hold_after_expansion(tmp_path: Path, text: str, words: str):
    """What variables and `parallel` make longer than GitLab takes is refused as well."""
    (tmp_path / ".gitlab-ci.yml").write_text(text)

    answered = answer(json.dumps({"path": str(tmp_path)}))

    assert not answered["valid"]
    assert words in str(answered["error"])


@pytest.mark.parametrize(
    "written",
    [
        "script: x, parallel: {matrix: [{A: abcdef}]}",
        "script: x, parallel: 100",
        "trigger: a/b, parallel: {matrix: [{A: abcdef}]}",
    ],
)
def test_long_name_of_an_instance_is_a_warning(tmp_path: Path, written: str):
    """GitLab accepts the file; whether a pipeline with the job is made depends on its database."""
    (tmp_path / ".gitlab-ci.yml").write_text(f"{LONG}: {{{written}}}")

    answered = answer(json.dumps({"path": str(tmp_path)}))

    assert answered["valid"]
    assert "job-name-long" in str(answered["diagnostics"])


def test_a_name_of_the_greatest_length_is_fine(tmp_path: Path):
    """255 characters, not bytes."""
    name = "ü" * 251

    assert list(shown(tmp_path, f"{name}: {{script: x, parallel: 2}}")) == [
        f"{name} 1/2",
        f"{name} 2/2",
    ]


def test_commit_and_merge_request_can_be_named(folder: Path, capsys: pytest.CaptureFixture[str]):
    """As for `run` and `trigger`; a number without its target is wrong usage."""
    words = "echo $CI_COMMIT_SHA $CI_MERGE_REQUEST_IID"
    (folder / ".gitlab-ci.yml").write_text(
        "workflow: {name: '$CI_COMMIT_SHORT_SHA !$CI_MERGE_REQUEST_IID', rules: [when: always]}\n"
        f"job: {{script: {words}}}\n"
    )
    sha = "ab" * 20

    assert (
        main(
            [
                "compile",
                str(folder),
                "--json",
                "--sha",
                sha,
                "--mr-target",
                "main",
                "--merge-request",
                "7",
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["workflow_name"] == "abababab !7"
    for wrong in (["--merge-request", "7"], ["--merge-request", "0", "--mr-target", "main"],
                  ["--sha", "abc"]):  # fmt: skip
        with pytest.raises(SystemExit):
            main(["compile", str(folder), *wrong])
    for wrong in (["--ref", "a b"], ["--tag", "a..b"], ["--var", "a-b=c"]):
        assert main(["compile", str(folder), *wrong]) == 1
