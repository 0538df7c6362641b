"""What importing a part of the package pulls in, which import contracts alone cannot prove."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT_AIRFLOW = (
    "gitlab_ci_provider.helper.__main__",
    "gitlab_ci_provider.compiler.compile",
    "gitlab_ci_provider.cli.main",
)
AT_PARSE_TIME = "gitlab_ci_provider.renderer.load"

BLOCK_AIRFLOW = "import sys; sys.modules['airflow'] = None; import {module}"

# Airflow itself imports some of these, so what counts is who asks: each import statement of ours.
WATCH_IMPORTS = """
import builtins

heavy, found, real = {{"boto3", "gitlab", "yaml", "rich", "httpx"}}, [], builtins.__import__

def watch(name, globals=None, *rest, **named):
    importer = (globals or {{}}).get("__name__") or ""
    if importer.startswith("gitlab_ci_provider") and name.partition(".")[0] in heavy:
        found.append(importer + " imports " + name)
    return real(name, globals, *rest, **named)

builtins.__import__ = watch
import {module}
raise SystemExit("\\n".join(found) or 0)
"""


@pytest.mark.parametrize("module", WITHOUT_AIRFLOW)
def test_imports_without_airflow(module: str):
    """The helper, the compiler and the command line work where Airflow is not installed."""
    _python(BLOCK_AIRFLOW.format(module=module))


def test_dag_files_import_no_heavy_library():
    """Parsing a DAG file loads neither YAML, S3, GitLab, HTTP nor terminal libraries of ours."""
    _python(WATCH_IMPORTS.format(module=AT_PARSE_TIME))


def _python(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
