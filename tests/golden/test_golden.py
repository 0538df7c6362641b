"""Every folder beside this file: a configuration, and what it must compile to.

`pytest tests/golden --update-golden` rewrites the expected files.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.commands.lint import findings
from gitlab_ci_provider.cli.configuration.compiled import Compiled, as_object, compile_request
from gitlab_ci_provider.cli.configuration.formats import as_text
from gitlab_ci_provider.cli.configuration.request import Request

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/.gitlab-ci.yml"))


def _compile(case: Path) -> Compiled:
    context = case / "context.json"
    asked = json.loads(context.read_text("utf-8")) if context.exists() else {}
    return compile_request(Request(path=case, **{"ref": "main", **asked}))


def _compare(file: Path, found: str, *, update: bool) -> None:
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text(found + "\n", "utf-8")
    assert found + "\n" == file.read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_case_compiles_as_expected(name: str, request: pytest.FixtureRequest):
    """The pipeline and the findings of a case are what its `expected` folder holds."""
    update = request.config.getoption("--update-golden")
    compiled = _compile(HERE / name)
    shown = as_object(compiled)
    del shown["diagnostics"]

    text = json.dumps(shown, indent=1, ensure_ascii=False)
    _compare(HERE / name / "expected" / "compiled.json", text, update=update)
    _compare(HERE / name / "expected" / "findings.txt", as_text(findings(compiled)), update=update)


@pytest.mark.parametrize("name", CASES)
def test_case_compiles_the_same_twice(name: str):
    """Compiling is deterministic: the same files give the same bytes."""
    first, second = (_compile(HERE / name).result.pipeline for _ in range(2))

    assert repr(first) == repr(second)
