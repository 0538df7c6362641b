"""Runs that are kept for a comparison with another program, see `.ci/compare-gitlab-ci-local`."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "GITLAB_CI_KEEP_RUNS"


def keep_run(
    repository: Path, variables: Mapping[str, str], jobs: Mapping[str, Mapping[str, Any]]
) -> None:
    """Copy a repository next to what its jobs did, when the environment names a folder for it."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0].rpartition("::")[2]
    shown = "-".join([test or repository.name, *variables.values()])
    place = Path(folder) / shown.replace("/", "_")[:120]
    shutil.copytree(repository, place / "repository", dirs_exist_ok=True)
    run = {"variables": dict(variables), "jobs": {name: _end(job) for name, job in jobs.items()}}
    (place / "run.json").write_text(json.dumps(run, indent=1))


def _end(job: Mapping[str, Any]) -> str:
    """Name how a job ended as far as another program can tell, too."""
    if job.get("status") == "failed" and job.get("allowed_failure"):
        return "warning"
    return str(job["status"]) if job.get("status") in {"success", "failed"} else "not run"
