"""A stock DAG processor parses our DAG files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.dag_files import write_dag_file
from gitlab_ci_provider.state import open_state
from stores import save_dag

AIRFLOW = Path(sys.executable).parent / "airflow"
OURS = Path(__file__).parents[3] / "dags" / "gitlab_ci.py"
PROBE = """
import sys
print("airflow.providers.cncf.kubernetes.operators.pod" in sys.modules, file=open({seen!r}, "a"))
"""
pytestmark = pytest.mark.integration


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An Airflow with its defaults, and an empty database."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("AIRFLOW")}
    given = {
        **inherited,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "900",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "900",
        "AIRFLOW__GITLAB_CI__HOME": str(tmp_path / "data"),
    }
    subprocess.run([AIRFLOW, "db", "migrate"], env=given, check=True, capture_output=True)
    return given


def test_kubernetes_clients_are_imported_before_a_file_is_parsed(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """The file's process has been forked from one that has them."""
    folder, seen = tmp_path / "dags", tmp_path / "seen"
    folder.mkdir()
    store = open_state(Settings(home=tmp_path / "data")).snapshots
    digest = store.save_pipeline(make_pipeline(make_job("build")))
    record = make_dag_record(digest=digest)
    save_dag(store, record)
    write_dag_file(record, folder)
    (folder / "all.py").write_text(OURS.read_text())
    for path in folder.glob("*.py"):
        path.write_text(PROBE.format(seen=str(seen)) + path.read_text())

    command = [AIRFLOW, "dag-processor", "--num-runs", "1"]
    subprocess.run(command, env=environment, check=True, capture_output=True)

    assert seen.read_text() == "True\nTrue\n"
