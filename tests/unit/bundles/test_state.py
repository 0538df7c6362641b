"""The DAG bundle that copies what the state shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_REFRESHED = """
import sys
from gitlab_ci_provider.bundles.state import StateDagBundle
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state
from factories import make_dag_record, make_pipeline
from stores import save_dag

bundle = StateDagBundle(name="projects")
before = "gitlab_ci_provider.renderer.dag" in sys.modules
snapshots = open_state(load_settings()).snapshots
save_dag(snapshots, make_dag_record(digest=snapshots.save_pipeline(make_pipeline())))
bundle.initialize()
bundle.refresh()
print(before, "gitlab_ci_provider.renderer.dag" in sys.modules, len([*bundle.path.glob("*.py")]))
"""


def test_what_dag_files_import_is_imported_once(tmp_path: Path):
    """Before the DAG processor forks a process for each file; a bundle is made elsewhere, too."""
    own = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__GITLAB_CI__HOME": str(tmp_path / "home"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "bundles"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-c", _REFRESHED]
    done = subprocess.run(
        command, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1:] == ["False True 1"], done.stderr
