"""`--merged` and `--explain`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.cli.merged import as_yaml
from gitlab_ci_provider.config.loader import load
from gitlab_ci_provider.config.raw import Map, Mark
from gitlab_ci_provider.config.report import Report

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

    assert "jobs are: job" in capsys.readouterr().err


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
    """Texts that only Ruby reads as numbers, dates or booleans are quoted."""
    tree = Map(Mark("f"))
    for position, text in enumerate(["1,000", "12:30", "y", "on", "2024-01-31", "a\nb", "~", "x"]):
        tree.put(f"k{position}", text, Mark("f"))

    assert load(as_yaml(tree), "f", Report()) == dict(tree)
