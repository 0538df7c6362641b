"""Put this file into a plain DAGs folder: it shows every synced project as a DAG."""

from gitlab_ci_provider.renderer.load import load_dags

globals().update(load_dags())
