"""The cases: every folder next to this file with a configuration in it."""

from __future__ import annotations

import json
from pathlib import Path

from gitlab_ci_provider.cli.configuration.compiled import Compiled, compile_request
from gitlab_ci_provider.cli.configuration.request import Request

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/.gitlab-ci.yml"))


def compile_case(name: str) -> Compiled:
    """Compile a case in the context that its `context.json` asks for."""
    context = HERE / name / "context.json"
    asked = json.loads(context.read_text("utf-8")) if context.exists() else {}
    return compile_request(Request(path=HERE / name, **{"ref": "main", **asked}))
