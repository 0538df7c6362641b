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

_EARLIER = """
from airflow.dag_processing.dagbag import DagBag
from gitlab_ci_provider.bundles.state import StateDagBundle
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state
from factories import make_dag_record, make_job, make_pipeline
from stores import save_dag

snapshots = open_state(load_settings()).snapshots
bundle, versions, found = StateDagBundle(name="projects"), [], []
bundle.initialize()
for name in ("first", "second"):
    digest = snapshots.save_pipeline(make_pipeline(make_job(name)))
    save_dag(snapshots, make_dag_record(digest=digest))
    bundle.refresh()
    versions.append(bundle.get_current_version().version)
for version in versions:
    old = StateDagBundle(name="projects", version=version)
    old.initialize()
    bag = DagBag(str(old.path), bundle_path=old.path)
    found.append((bag.import_errors, [*bag.dags["group__project"].task_dict]))
print(*found, sep="\\n")
"""


def run(tmp_path: Path, script: str) -> list[str]:
    """Run a program as a part of an Airflow; the lines that it prints."""
    own = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__GITLAB_CI__HOME": str(tmp_path / "home"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "bundles"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_what_dag_files_import_is_imported_once(tmp_path: Path):
    """Before the DAG processor forks a process for each file; a bundle is made elsewhere, too."""
    assert run(tmp_path, _REFRESHED)[-1:] == ["False True 1"]


def test_a_worker_parses_the_version_of_its_run(tmp_path: Path):
    """With the jobs that the DAG had then, next to those that it has now."""
    first, second = run(tmp_path, _EARLIER)[-2:]

    assert first == "({}, ['create_pipeline', 'finish_pipeline', 'first'])"
    assert second == "({}, ['create_pipeline', 'finish_pipeline', 'second'])"
