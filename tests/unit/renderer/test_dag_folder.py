"""`dags/gitlab_ci.py`, the file that users put into their DAGs folder."""

from __future__ import annotations

from pathlib import Path

from airflow.utils.file import might_contain_dag

DAG_FILE = Path(__file__).parents[3] / "dags" / "gitlab_ci.py"


def test_airflow_takes_the_file_for_a_dag_file():
    """Airflow passes over files that do not hold both words, `dag` and `airflow`."""
    assert might_contain_dag(str(DAG_FILE), safe_mode=True)
