"""`--merged` and `--explain`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.cli.configuration.merged import as_yaml
from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.loader import load
from gitlab_ci_provider.config.raw import Map, Mark

MAIN = """\
include: base.yml
default: {tags: [docker]}
variables: {A: "1"}
job:
  extends: .base
  variables: {B: two}
  rules: [{if: $GO}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration of two files."""
    (tmp_path / ".gitlab-ci.yml").write_text(MAIN)
    (tmp_path / "base.yml").write_text(".base:\n  script: x\n  image: alpine\n")
    return tmp_path


def test_explain_tells_file_and_line_of_each_key(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Keys that came through includes, extends and defaults keep their place."""
    assert main(["compile", str(folder), "--explain", "job"]) == 0

    rows = {
        line.split()[0]: line.split()[-1] for line in capsys.readouterr().out.splitlines() if line
    }
    assert rows["image"] == "base.yml:3"
    assert rows["tags"] == ".gitlab-ci.yml:2"
    assert rows["variables:A"] == ".gitlab-ci.yml:3"
    assert rows["variables:B"] == ".gitlab-ci.yml:6"
    assert rows["out:"] == "matches"


def test_explain_of_an_unknown_job_names_the_jobs(folder: Path, capsys: pytest.CaptureFixture[str]):
    """A wrong name is answered with the right ones."""
    assert main(["compile", str(folder), "--explain", "nobody"]) == 1

    assert "there is no job 'nobody'; known: job" in capsys.readouterr().err


def test_merged_yaml_compiles_to_the_same(folder: Path, capsys: pytest.CaptureFixture[str]):
    """What `--merged` prints means what the files mean."""
    main(["compile", str(folder), "--json"])
    before = capsys.readouterr().out
    main(["compile", str(folder), "--merged"])
    merged = folder / "merged.yml"
    merged.write_text(capsys.readouterr().out)

    main(["compile", str(merged), "--json"])

    assert capsys.readouterr().out == before


def test_merged_text_reads_back_as_gitlab_would():
    """What only Ruby reads as a number, date or boolean is quoted; ends of lines stay."""
    tree = Map(Mark("f"))
    texts = ["1,000", "12:30", "y", "on", "2024-01-31", "a\nb", "~", "x", "a\u2028b", "\x85\n"]
    for position, text in enumerate(texts):
        tree.put(f"k{position}", text, Mark("f"))

    assert load(as_yaml(tree), "f", Diagnostics()) == dict(tree)


def test_table_says_how_jobs_may_fail_and_wait(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Delays are read by people; a manual job is optional or the pipeline waits for it."""
    (tmp_path / ".gitlab-ci.yml").write_text(
        "workflow: {name: $CI_COMMIT_BRANCH}\n"
        "later: {script: x, when: delayed, start_in: 1 day 2 hours 5 minutes}\n"
        "ask: {script: x, when: manual}\n"
        "wait: {script: x, when: manual, allow_failure: false}\n"
        "codes: {script: x, allow_failure: {exit_codes: [3, 4]}}\n"
    )
    main(["compile", str(tmp_path), "--ref", "dev"])

    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert ["name:", "dev"] in lines
    assert ["in", "1d2h5m", "later", "no", "rules"] in [" ".join(line).split() for line in lines]
    assert ["manual", "ask", "no rules; optional"] in lines
    assert ["manual", "wait", "no rules; the pipeline waits for it"] in lines
    assert ["in", "codes", "no rules; may fail with 3, 4"] in lines


def test_explain_shows_the_values_of_a_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """An instance of a matrix has variables that no `variables:` holds."""
    (tmp_path / ".gitlab-ci.yml").write_text(
        "job:\n  script: x\n  parallel: {matrix: [{OS: [a, b]}]}\n"
    )
    main(["compile", str(tmp_path), "--explain", "job: [b]"])

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["variables:OS", "(matrix)", "b", ".gitlab-ci.yml:3"] in rows


def test_explain_tells_why_each_rule_did_not_match(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Rules are listed with their lines until one matches."""
    (tmp_path / ".gitlab-ci.yml").write_text(
        "job:\n  script: x\n  rules:\n    - if: $NO\n    - if: $CI\n      changes: [a]\n"
        "    - exists: [none]\n    - if: $CI\n      when: manual\n    - when: never\n"
    )
    main(["compile", str(tmp_path), "--explain", "job", "--no-changed"])

    shown = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert shown[shown.index("manual: rule 4 ($CI) matches") + 1 :] == [
        ".gitlab-ci.yml:4: if does not match",
        ".gitlab-ci.yml:5: changes does not match",
        ".gitlab-ci.yml:7: exists does not match",
        ".gitlab-ci.yml:8: matches",
    ]
