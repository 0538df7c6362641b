"""Every folder next to this file: a configuration, and what it must compile to.

`pytest tests/golden --update-golden` rewrites the expected files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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
    first, second = _outputs("1", "2")

    assert first["seed"] != second["seed"]
    assert len(first["outputs"]) > len(CASES)
    assert first["outputs"] == second["outputs"]


def _outputs(*seeds: str) -> list[dict[str, Any]]:
    """Run the program that tells them once for each hash seed, all at the same time."""
    tests = HERE.parent
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "golden.outputs"],
            cwd=tests,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
        )
        for seed in seeds
    ]
    told = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * len(seeds)
    return [json.loads(text) for text in told]
