"""Put this file into any Airflow DAGs folder: each synced project becomes a DAG."""

from gitlab_ci_provider.renderer.load import load_dags

globals().update(load_dags())
