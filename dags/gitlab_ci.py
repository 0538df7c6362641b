"""Put this file into any Airflow DAGs folder: each synced project becomes a DAG."""

import airflow.providers.cncf.kubernetes.operators.pod  # noqa: F401 - once, before files are parsed

from gitlab_ci_provider.renderer.load import load_dags

globals().update(load_dags())
