"""Every folder next to this file: a configuration, and what it must compile to.

`pytest tests/golden --update-golden` rewrites the expected files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.commands.lint import findings
from gitlab_ci_provider.cli.configuration.compiled import as_object
from gitlab_ci_provider.cli.configuration.formats import as_text
from golden.cases import CASES, HERE, compile_case


def _compare(file: Path, found: str, *, update: bool) -> None:
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text(found + "\n", "utf-8")
    assert found + "\n" == file.read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_case_compiles_as_expected(name: str, request: pytest.FixtureRequest):
    """The pipeline and the findings of a case are what its `expected` folder holds."""
    update = request.config.getoption("--update-golden")
    compiled = compile_case(name)
    shown = as_object(compiled)
    del shown["diagnostics"]

    text = json.dumps(shown, indent=1, ensure_ascii=False)
    _compare(HERE / name / "expected" / "compiled.json", text, update=update)
    _compare(HERE / name / "expected" / "findings.txt", as_text(findings(compiled)), update=update)


def test_all_that_is_made_of_a_case_is_the_same_in_every_process():
    """Pipelines, DAGs and plans are the same bytes, in whichever order Python keeps its sets."""
    from golden.outputs import digests  # Airflow: the other tests here do without it

    with _another_process() as other:
        here = digests()
        there = json.loads(other.communicate()[0])

    assert other.returncode == 0
    assert here["seed"] != there["seed"]
    assert len(here["outputs"]) > len(CASES)
    assert here["outputs"] == there["outputs"]


def _another_process() -> subprocess.Popen[bytes]:
    """Start the program that prints them, with another hash seed than this process has."""
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    return subprocess.Popen(
        [sys.executable, "-m", "golden.outputs"],
        cwd=HERE.parent,
        env={**os.environ, "PYTHONHASHSEED": seed},
        stdout=subprocess.PIPE,
    )
